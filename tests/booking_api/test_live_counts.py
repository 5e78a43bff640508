"""The counts an open page follows."""

import asyncio

import pytest

from booking_api.availability import Availability
from reservation import NewUnit, UnitKind, publish_unit


@pytest.fixture
async def availability(kernel):
    live = Availability(kernel)
    yield live
    await live.close()


@pytest.mark.parametrize("follows_the_new_one", [True, False])
async def test_a_unit_published_while_somebody_watches_is_counted(
    kernel, city, availability, follows_the_new_one
):
    """One who follows that unit is told at once; one who follows the pool, within a few seconds."""
    pool, [unit] = await city(capacities=(1,))
    watching = availability.watch(pool, None)
    assert (await anext(watching)).counts == {unit: 1}
    new = await publish_unit(
        kernel, pool_id=pool, new=NewUnit(kind=UnitKind.SESSION, title={"en": "New"}, capacity=4)
    )
    followed = availability.watch(pool, {new}) if follows_the_new_one else watching
    async with asyncio.timeout(2 if follows_the_new_one else 10):
        assert (await anext(followed)).counts == {new: 4}
    await watching.aclose()
    await followed.aclose()
