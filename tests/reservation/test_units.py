"""A unit withdrawn by its authority, sessions that are over, and places that come back later."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from reservation import (
    Kernel,
    audit,
    bookings_of,
    cancel,
    conclude_units,
    confirm,
    free_places,
    hold,
    rebuild,
    reschedule,
    sweep,
    withdraw_unit,
)
from reservation.errors import AlreadyBooked, Full, HoldLost, NotActive, UnitOver
from reservation.mark import mark
from reservation.transaction import transaction


async def book(kernel: Kernel, pool: int, unit: int, who: str) -> str:
    held = await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{who}", owner=who)
    return (await confirm(kernel, claim_id=held.id, owner=who, key=f"k {held.id}")).id


async def withdraw(kernel: Kernel, pool: int, unit: int) -> list[tuple[str, str]]:
    known = await kernel.pool(pool)
    async with transaction(kernel.engine) as connection:
        done = await withdraw_unit(connection, known, unit_id=unit)
    await kernel.tell(done.effect)
    return done.bookings


async def conclude(kernel: Kernel, unit: int) -> list[str]:
    async with transaction(kernel.engine) as connection:
        return [done.booking for done in await conclude_units(connection, [unit])]


async def test_a_withdrawn_unit_ends_its_bookings_and_frees_their_owners(kernel, city):
    pool, [unit, other] = await city(capacities=(3, 1))
    mine, theirs = await book(kernel, pool, unit, "a"), await book(kernel, pool, unit, "b")
    assert sorted(await withdraw(kernel, pool, unit)) == sorted([(mine, "a"), (theirs, "b")])
    [told] = await bookings_of(kernel, owner="a", limit=10)
    assert (told.state, told.ended_by) == ("cancelled", "authority")
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    with pytest.raises(Full):
        await hold(kernel, pool_id=pool, units=[unit], claimant="person:c", owner="c")
    await book(kernel, pool, other, "a")


async def test_withdrawing_twice_ends_nothing_more(kernel, city):
    pool, [unit] = await city(capacities=(2,))
    await book(kernel, pool, unit, "a")
    assert len(await withdraw(kernel, pool, unit)) == 1
    assert await withdraw(kernel, pool, unit) == []


async def test_who_holds_a_withdrawn_unit_loses_the_hold_at_once(kernel, city):
    pool, [unit] = await city(capacities=(2,))
    held = await hold(kernel, pool_id=pool, units=[unit], claimant="person:a", owner="a")
    await withdraw(kernel, pool, unit)
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")
    assert await audit(kernel) == []


async def test_a_confirm_on_its_way_when_the_unit_is_withdrawn_is_refused_and_leaves_nothing(kernel, city):
    pool, [unit] = await city(capacities=(2,))
    held = await hold(kernel, pool_id=pool, units=[unit], claimant="person:a", owner="a")
    await mark(kernel, await kernel.pool(pool), claim_id=held.id, owner="a", key="k", unit=None)
    await withdraw(kernel, pool, unit)
    with pytest.raises(Full):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="other")


async def test_confirms_and_a_withdrawal_at_once_leave_no_booking_and_no_place(kernel, city):
    pool, [unit] = await city(capacities=(40,))
    held = [
        await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{n}", owner=f"o{n}")
        for n in range(30)
    ]
    confirms = [confirm(kernel, claim_id=one.id, owner=f"o{n}", key="k") for n, one in enumerate(held)]
    await asyncio.gather(*confirms, withdraw(kernel, pool, unit), return_exceptions=True)
    async with kernel.engine.connect() as connection:
        counts = (await connection.execute(text("SELECT capacity, booked, promised FROM unit"))).one()
        active = await connection.execute(text("SELECT count(*) FROM booking WHERE state = 'booked'"))
    assert (tuple(counts), active.scalar_one()) == ((0, 0, 0), 0)


async def test_a_withdrawal_that_valkey_was_not_told_is_replayed(kernel, city):
    pool, [unit] = await city(capacities=(2,))
    await book(kernel, pool, unit, "a")
    async with transaction(kernel.engine) as connection:
        await withdraw_unit(connection, await kernel.pool(pool), unit_id=unit)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]
    await sweep(kernel, effect_patience_s=0)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]


async def test_a_session_that_is_over_keeps_its_booking_and_frees_its_owner(kernel, city):
    pool, [unit, other] = await city(capacities=(1, 1))
    booked = await book(kernel, pool, unit, "a")
    with pytest.raises(AlreadyBooked):
        await book(kernel, pool, other, "a")
    assert await conclude(kernel, unit) == [booked]
    assert await conclude(kernel, unit) == []
    await book(kernel, pool, other, "a")
    await rebuild(kernel, pool_id=pool)
    assert await free_places(kernel, pool_id=pool, units=[unit, other]) == [0, 0]
    with pytest.raises(NotActive):
        await cancel(kernel, booking_id=booked, owner="a")
    with pytest.raises(UnitOver):
        await withdraw(kernel, pool, unit)


async def test_a_concluded_booking_cannot_be_moved(kernel, city):
    pool, [unit, other] = await city(capacities=(1, 1))
    booked = await book(kernel, pool, unit, "a")
    await conclude(kernel, unit)
    held = await hold(kernel, pool_id=pool, units=[other], claimant="person:a", owner="a")
    with pytest.raises(NotActive):
        await reschedule(kernel, booking_id=booked, hold_id=held.id, owner="a")


async def test_a_place_that_was_left_is_free_only_at_its_moment(kernel, city):
    pool, [unit] = await city(capacities=(1,))
    booked = await book(kernel, pool, unit, "a")
    at = clock.now() + timedelta(seconds=0.4)
    first = await cancel(kernel, booking_id=booked, owner="a", free_at=at)
    assert await cancel(kernel, booking_id=booked, owner="a", free_at=at) == first
    assert first.ended_by == "owner"
    for _ in range(2):
        with pytest.raises(Full):
            await hold(kernel, pool_id=pool, units=[unit], claimant="person:b", owner="b")
        await rebuild(kernel, pool_id=pool)
    await asyncio.sleep(0.5)
    await sweep(kernel)
    await book(kernel, pool, unit, "b")


async def test_nobody_gets_between_leaving_and_holding_back(kernel, city):
    """Whoever asks all the time while places are left gets none of them; free at once, they do."""
    pool, [unit] = await city(capacities=(5,))
    mine = [await book(kernel, pool, unit, f"a{n}") for n in range(5)]
    got: list[str] = []

    async def snipe(n: int) -> None:
        while len(got) < 5 and not done.is_set():
            try:
                await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:s{n}", owner=f"s{n}")
            except Full:
                await asyncio.sleep(0)
            else:
                got.append(f"s{n}")
                return

    for free_at, taken in ((clock.now() + timedelta(hours=1), 0), (None, 2)):
        done = asyncio.Event()
        snipers = [asyncio.create_task(snipe(n)) for n in range(4)]
        await asyncio.sleep(0.05)
        for _ in range(2):
            booked = mine.pop()
            owner = f"a{len(mine)}"
            await cancel(kernel, booking_id=booked, owner=owner, free_at=free_at)
        await asyncio.sleep(0.2)
        done.set()
        await asyncio.gather(*snipers)
        assert len(got) == taken


async def test_a_moved_bookings_old_place_is_held_back_and_the_new_one_taken(kernel, city):
    pool, [unit, other] = await city(capacities=(1, 1))
    booked = await book(kernel, pool, unit, "a")
    held = await hold(kernel, pool_id=pool, units=[other], claimant="person:a", owner="a")
    at = clock.now() + timedelta(hours=1)
    moved = await reschedule(kernel, booking_id=booked, hold_id=held.id, owner="a", free_at=at)
    assert moved.unit == other
    assert await free_places(kernel, pool_id=pool, units=[unit, other]) == [0, 0]
    assert await audit(kernel) == []
