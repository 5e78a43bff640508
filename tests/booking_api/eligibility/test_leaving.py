"""Leaving a planned booking: in time, not too often, and its place comes back when nobody can predict."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.eligibility import Eligibility
from booking_api.eligibility.errors import NotEligible
from reservation import cancel, confirm, free_places, hold, withdraw_unit
from reservation.transaction import transaction
from tests.planning import person, planned, settle, test_row


async def book(kernel, unit, who="a"):
    pool = 1
    held = await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{who}", owner=who)
    return (await confirm(kernel, claim_id=held.id, owner=who, key=held.id)).id


async def leave(kernel, booking, *, now=None):
    """Cancels as the route does; gives when the place is to come back."""
    free_at = await Eligibility(kernel).check_leaving(owner="a", booking_id=booking, now=now or clock.now())
    await cancel(kernel, booking_id=booking, owner="a", free_at=free_at)
    return free_at


async def test_a_place_comes_back_within_the_window_at_another_moment_each_time(kernel):
    [unit] = await planned(kernel, [test_row()])
    await settle(kernel, person())
    booking = await book(kernel, unit)
    now = clock.now()
    moments = {
        await Eligibility(kernel).check_leaving(owner="a", booking_id=booking, now=now) for _ in range(20)
    }
    assert len(moments) > 15
    assert all(now <= moment <= now + timedelta(hours=4) for moment in moments)
    await leave(kernel, booking)
    assert await free_places(kernel, pool_id=1, units=[unit]) == [2]


async def test_leaving_ends_a_day_before(kernel):
    [unit] = await planned(kernel, [test_row()])
    await settle(kernel, person())
    booking = await book(kernel, unit)
    async with kernel.engine.connect() as connection:
        starts_at = (await connection.execute(text("SELECT starts_at FROM plan_session"))).scalar_one()
    last = starts_at - timedelta(hours=24)
    with pytest.raises(NotEligible) as refused:
        await leave(kernel, booking, now=last + timedelta(seconds=1))
    [rule] = refused.value.facts["rules"]
    assert (rule["rule"], rule["first_day"]) == ("leaving_too_late", None)
    await leave(kernel, booking, now=last)


async def test_one_leaves_three_times_and_what_the_authority_cancels_does_not_count(kernel):
    units = await planned(kernel, [test_row(site=f"s{n}") for n in range(6)])
    await settle(kernel, person())
    for unit in units[:2]:
        await leave(kernel, await book(kernel, unit))
    await book(kernel, units[2])
    pool = await kernel.pool(1)
    async with transaction(kernel.engine) as connection:
        done = await withdraw_unit(connection, pool, unit_id=units[2])
    await kernel.tell(done.effect)
    await leave(kernel, await book(kernel, units[3]))
    booking = await book(kernel, units[4])
    with pytest.raises(NotEligible) as refused:
        await leave(kernel, booking)
    [rule] = refused.value.facts["rules"]
    assert (rule["rule"], rule["facts"]) == ("leaving_limit", {"left_before": 3, "limit": 3})


async def test_what_no_plan_has_made_may_be_left_and_is_free_at_once(kernel, city):
    _, [unit] = await city(capacities=(1,))
    assert await leave(kernel, await book(kernel, unit)) is None
    assert await free_places(kernel, pool_id=1, units=[unit]) == [1]


async def test_anothers_booking_is_for_the_kernel_to_refuse(kernel):
    [unit] = await planned(kernel, [test_row()])
    await settle(kernel, person())
    booking = await book(kernel, unit)
    assert await Eligibility(kernel).check_leaving(owner="b", booking_id=booking, now=clock.now()) is None
