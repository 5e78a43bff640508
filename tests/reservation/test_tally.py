"""What the kernel counts of what it does: each act once, repetitions and refusals not."""

from datetime import timedelta

import pytest

from booking_api import clock
from reservation import cancel, confirm, confirm_promise, promise, release, reschedule, sweep, withdraw
from reservation.errors import Full
from reservation.mark import mark
from reservation.rebuild import rebuild


async def test_holds_and_bookings_are_counted_once(kernel, city, hold_as):
    pool, [unit, other] = await city(capacities=(1, 1))
    first = await hold_as(kernel, "zhang", pool, unit)
    await hold_as(kernel, "zhang", pool, unit)
    with pytest.raises(Full):
        await hold_as(kernel, "li", pool, unit)
    assert kernel.tally.held == 1
    booked = await confirm(kernel, claim_id=first.id, owner="zhang", key="k")
    await confirm(kernel, claim_id=first.id, owner="zhang", key="k")
    assert (kernel.tally.booked, kernel.tally.batches, kernel.tally.batch_orders) == (1, 1, 1)
    wanted = await hold_as(kernel, "zhang", pool, other)
    moved = {"booking_id": booked.id, "hold_id": wanted.id, "owner": "zhang"}
    await reschedule(kernel, **moved)
    await reschedule(kernel, **moved)
    assert kernel.tally.moved == 1
    for _ in range(2):
        await cancel(kernel, booking_id=wanted.id, owner="zhang")
    assert kernel.tally.cancelled == 1
    given_back = await hold_as(kernel, "zhang", pool, unit)
    await release(kernel, claim_id=given_back.id, owner="zhang")
    assert (kernel.tally.held, kernel.tally.released) == (3, 1)


async def test_a_hold_that_is_over_is_counted_when_the_unit_is_wanted_again(
    kernel, city, hold_as, eventually
):
    pool, [unit] = await city(capacities=(1,), hold_ttl_s=1)
    await hold_as(kernel, "zhang", pool, unit)

    async def again():
        try:
            return await hold_as(kernel, "li", pool, unit)
        except Full:
            return None

    await eventually(again, lambda held: held is not None)
    assert (kernel.tally.held, kernel.tally.expired) == (2, 1)


async def test_a_set_that_is_over_counts_once_whichever_of_its_units_is_wanted(
    kernel, city, hold_as, eventually
):
    pool, units = await city(capacities=(1, 1), hold_ttl_s=1)
    await hold_as(kernel, "zhang", pool, *units)

    async def again():
        try:
            return await hold_as(kernel, "li", pool, units[0])
        except Full:
            return None

    await eventually(again, lambda held: held is not None)
    await hold_as(kernel, "wang", pool, units[1])
    assert kernel.tally.expired == 1


async def test_promises_are_counted_as_they_are_made_kept_and_ended(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(2,))
    until = clock.now() + timedelta(hours=1)
    for name in ("zhang", "li"):
        held = await hold_as(kernel, name, pool, unit)
        await promise(kernel, hold_id=held.id, owner=name, until=until)
        act = confirm_promise if name == "zhang" else withdraw
        for _ in range(2):
            await act(kernel, promise_id=held.id, owner=name)
    assert (kernel.tally.promised, kernel.tally.booked, kernel.tally.promises_ended) == (2, 1, 1)


async def test_what_is_mended_is_counted(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(1,))
    rebuilt = kernel.tally.rebuilt
    held = await hold_as(kernel, "zhang", pool, unit)
    await mark(kernel, await kernel.pool(pool), claim_id=held.id, owner="zhang", key="k", unit=None)
    await sweep(kernel, confirm_patience_s=0)
    assert kernel.tally.abandoned == 1
    await rebuild(kernel, pool_id=pool)
    assert kernel.tally.rebuilt == rebuilt + 1
