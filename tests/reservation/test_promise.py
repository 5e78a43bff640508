"""Promises: claims that outlive an instant hold."""

import asyncio
from datetime import timedelta

import pytest

from booking_api import clock
from reservation import (
    BookingState,
    cancel,
    confirm,
    confirm_promise,
    free_places,
    hold,
    promise,
    rebuild,
    sweep,
    withdraw,
)
from reservation.claim_id import new_claim_id
from reservation.errors import (
    AlreadyBooked,
    ChooseUnit,
    Full,
    HoldInFlight,
    HoldLost,
    UnknownPromise,
)


@pytest.fixture
def promise_to(hold_as):
    async def act(kernel, name, pool, unit, *, for_s=3600.0):
        held = await hold_as(kernel, name, pool, unit)
        until = clock.now() + timedelta(seconds=for_s)
        return await promise(kernel, hold_id=held.id, owner=name, until=until)

    return act


async def test_a_promised_place_is_not_for_sale(kernel, city, promise_to, hold_as, sql):
    pool, [unit] = await city(capacities=(1,), hold_ttl_s=1)
    made = await promise_to(kernel, "a", pool, unit)
    assert (made.unit, made.owner, made.claimant) == (unit, "a", "person:a")
    [row] = await sql(kernel, "SELECT booked, promised FROM unit")
    assert tuple(row) == (0, 1)
    with pytest.raises(Full):
        await hold_as(kernel, "b", pool, unit)
    await rebuild(kernel, pool_id=pool)
    with pytest.raises(Full):
        await hold_as(kernel, "b", pool, unit)


async def test_a_confirmed_promise_is_a_booking_of_the_same_id(kernel, city, promise_to, sql):
    pool, [unit] = await city(capacities=(1,))
    made = await promise_to(kernel, "a", pool, unit)
    booking = await confirm_promise(kernel, promise_id=made.id, owner="a")
    assert (booking.id, booking.unit, booking.state) == (made.id, unit, BookingState.BOOKED)
    assert await confirm_promise(kernel, promise_id=made.id, owner="a") == booking
    [row] = await sql(kernel, "SELECT booked, promised FROM unit")
    assert tuple(row) == (1, 0)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    kinds = await sql(kernel, "SELECT kind, delta FROM entry WHERE kind <> 'publish' ORDER BY id")
    assert [tuple(row) for row in kinds] == [("promise", -1), ("confirm_promise", 0)]


async def test_a_booking_from_a_promise_can_be_cancelled(kernel, city, promise_to, hold_as):
    pool, [unit] = await city(capacities=(1,))
    made = await promise_to(kernel, "a", pool, unit)
    await confirm_promise(kernel, promise_id=made.id, owner="a")
    await cancel(kernel, booking_id=made.id, owner="a")
    assert (await hold_as(kernel, "b", pool, unit)).units == (unit,)


async def test_a_withdrawn_promise_frees_its_place(kernel, city, promise_to, hold_as):
    pool, [unit] = await city(capacities=(1,))
    made = await promise_to(kernel, "a", pool, unit)
    await withdraw(kernel, promise_id=made.id, owner="a")
    await withdraw(kernel, promise_id=made.id, owner="a")
    assert (await hold_as(kernel, "b", pool, unit)).units == (unit,)
    with pytest.raises(UnknownPromise):
        await confirm_promise(kernel, promise_id=made.id, owner="a")


async def test_an_overdue_promise_is_ended_by_the_sweeper(kernel, city, promise_to, hold_as, sql):
    pool, [unit] = await city(capacities=(2,))
    over = await promise_to(kernel, "a", pool, unit, for_s=-1)
    kept = await promise_to(kernel, "b", pool, unit)
    assert (await sweep(kernel)).expired_promises == 1
    assert (await sweep(kernel)).expired_promises == 0
    states = await sql(kernel, "SELECT id::text, state FROM promise")
    assert {row.id: row.state for row in states} == {over.id: "expired", kept.id: "open"}
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]
    with pytest.raises(UnknownPromise):
        await confirm_promise(kernel, promise_id=over.id, owner="a")
    assert (await hold_as(kernel, "a", pool, unit)).id != over.id


async def test_repeating_a_promise_gives_the_same_one(kernel, city, hold_as, kernels, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    until = clock.now() + timedelta(hours=1)
    other = await kernels()
    made = await asyncio.gather(
        *(promise(one, hold_id=held.id, owner="a", until=until) for one in (kernel, other) * 3)
    )
    made.append(await promise(kernel, hold_id=held.id, owner="a", until=until))
    assert len({(one.id, one.unit, one.expires_at) for one in made}) == 1
    assert len(await sql(kernel, "SELECT 1 FROM promise")) == 1


async def test_a_promise_counts_as_the_claimants_one_claim_under_the_rule(
    kernel, city, promise_to, hold_as, book_as
):
    pool, [unit] = await city()
    other, [elsewhere] = await city()
    await promise_to(kernel, "a", pool, unit)
    held = await hold_as(kernel, "a", other, elsewhere)
    with pytest.raises(AlreadyBooked):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await book_as(kernel, "b", other, elsewhere)
    held = await hold_as(kernel, "b", pool, unit)
    with pytest.raises(AlreadyBooked):
        await promise(kernel, hold_id=held.id, owner="b", until=clock.now() + timedelta(hours=1))
    assert (await hold_as(kernel, "b", pool, unit)).expires_at_ms == held.expires_at_ms


async def test_what_cannot_be_promised_is_refused(kernel, city, hold_as, sql):
    pool, [one, two] = await city(capacities=(1, 1))
    until = clock.now() + timedelta(hours=1)
    with pytest.raises(HoldLost):
        await promise(kernel, hold_id="x", owner="a", until=until)
    with pytest.raises(HoldLost):
        await promise(kernel, hold_id=new_claim_id(pool=pool, now_ms=1), owner="a", until=until)
    held = await hold_as(kernel, "a", pool, one, two)
    with pytest.raises(ChooseUnit):
        await promise(kernel, hold_id=held.id, owner="a", until=until)
    await kernel.call(pool, "mark", held.id, "a", "k", str(one))
    with pytest.raises(HoldInFlight):
        await promise(kernel, hold_id=held.id, owner="a", until=until, unit=one)
    await kernel.call(pool, "unmark", held.id, "k")
    await sql(kernel, "UPDATE unit SET capacity = 0 WHERE id = :unit", unit=one)
    with pytest.raises(Full):
        await promise(kernel, hold_id=held.id, owner="a", until=until, unit=one)
    await sql(kernel, "UPDATE unit SET capacity = 1 WHERE id = :unit", unit=one)
    made = await promise(kernel, hold_id=held.id, owner="a", until=until, unit=two)
    assert made.unit == two
    assert await free_places(kernel, pool_id=pool, units=[one, two]) == [1, 0]


async def test_a_promise_whose_hold_the_sweeper_gave_up_on_is_lost(kernel, city, hold_as, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "promise", "")
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    with pytest.raises(HoldLost):
        await promise(kernel, hold_id=held.id, owner="a", until=clock.now() + timedelta(hours=1))
    assert await sql(kernel, "SELECT 1 FROM promise") == []


async def test_only_the_owner_confirms_or_withdraws(kernel, city, promise_to):
    pool, [unit] = await city()
    made = await promise_to(kernel, "a", pool, unit)
    for act in (confirm_promise, withdraw):
        with pytest.raises(UnknownPromise):
            await act(kernel, promise_id=made.id, owner="b")
        with pytest.raises(UnknownPromise):
            await act(kernel, promise_id="x", owner="a")
        with pytest.raises(UnknownPromise):
            await act(kernel, promise_id=new_claim_id(pool=pool, now_ms=1), owner="a")


async def test_a_confirmed_promise_cannot_be_withdrawn(kernel, city, promise_to):
    pool, [unit] = await city()
    made = await promise_to(kernel, "a", pool, unit)
    await confirm_promise(kernel, promise_id=made.id, owner="a")
    with pytest.raises(UnknownPromise):
        await withdraw(kernel, promise_id=made.id, owner="a")


async def test_confirming_and_withdrawing_at_once_leave_one_truth(kernel, city, promise_to, kernels, sql):
    pool, [unit] = await city(capacities=(4,))
    other = await kernels()
    for name in "abcd":
        made = await promise_to(kernel, name, pool, unit)
        outcomes = await asyncio.gather(
            confirm_promise(kernel, promise_id=made.id, owner=name),
            withdraw(other, promise_id=made.id, owner=name),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, BaseException)]
        assert [type(one) for one in refused] == [UnknownPromise]
        booked = await sql(kernel, "SELECT 1 FROM booking WHERE owner = :name", name=name)
        assert len(booked) == (0 if isinstance(outcomes[0], BaseException) else 1)


async def test_a_promise_frees_the_claimants_lease(kernel, city, promise_to, hold_as):
    pool, [one, two] = await city(capacities=(1, 1))
    await promise_to(kernel, "a", pool, one)
    assert (await hold_as(kernel, "a", pool, two)).repeated is False


async def test_a_promise_past_its_time_is_not_confirmed_even_before_the_sweep(kernel, city):
    pool, [unit] = await city(capacities=(1,))
    held = await hold(kernel, pool_id=pool, units=[unit], claimant="person:a", owner="a")
    until = clock.now() - timedelta(seconds=1)
    late = await promise(kernel, hold_id=held.id, owner="a", until=until)
    with pytest.raises(UnknownPromise):
        await confirm_promise(kernel, promise_id=late.id, owner="a")
