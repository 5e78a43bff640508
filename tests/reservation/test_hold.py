"""Hold and release, against real servers."""

import pytest

from reservation import hold, release
from reservation.errors import Full


async def test_a_released_place_is_free_for_the_next_claimant(kernel, city):
    pool, [unit] = await city(capacities=(1,))
    first = await hold(kernel, pool_id=pool, units=[unit], claimant="person:a", owner="a")
    with pytest.raises(Full):
        await hold(kernel, pool_id=pool, units=[unit], claimant="person:b", owner="b")
    await release(kernel, claim_id=first.id, owner="a")
    second = await hold(kernel, pool_id=pool, units=[unit], claimant="person:b", owner="b")
    assert second.units == (unit,)
