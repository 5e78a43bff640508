"""Confirm: idempotent by key, one booking per hold, refusals that leave the hold as it was."""

import asyncio

import pytest

from reservation import BookingState, cancel, confirm, free_places, publish_unit, rebuild, release, sweep
from reservation.claim_id import new_claim_id
from reservation.errors import (
    AlreadyBooked,
    AlreadyConfirmed,
    ChooseUnit,
    Full,
    HoldInFlight,
    HoldLost,
    KeyReused,
    UnknownPool,
)
from reservation.model import NewUnit, UnitKind


async def test_a_confirmed_hold_is_a_booking_with_the_holds_id(kernel, city, hold_as, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    booking = await confirm(kernel, claim_id=held.id, owner="a", key="k")
    assert (booking.id, booking.pool, booking.unit, booking.state) == (
        held.id,
        pool,
        unit,
        BookingState.BOOKED,
    )
    [row] = await sql(kernel, "SELECT * FROM booking")
    assert (row.id.hex, row.owner, row.claimant) == (held.id.replace("-", ""), "a", "person:a")
    assert row.created_at == booking.created_at
    [entry] = await sql(kernel, "SELECT * FROM entry WHERE kind = 'confirm'")
    assert (entry.pool_id, entry.unit_id, entry.delta, entry.operator) == (pool, unit, -1, "cn-hz")


async def test_a_booking_keeps_its_place_beyond_the_holds_time(kernel, city, hold_as, book_as, eventually):
    pool, [unit] = await city(capacities=(2,), hold_ttl_s=1)
    await book_as(kernel, "a", pool, unit)
    await hold_as(kernel, "b", pool, unit)
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[unit]), lambda free: free == [1])
    await hold_as(kernel, "c", pool, unit)
    with pytest.raises(Full):
        await hold_as(kernel, "d", pool, unit)


async def test_repeating_a_confirm_with_its_key_gives_the_same_booking(kernel, city, hold_as, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    first = await confirm(kernel, claim_id=held.id, owner="a", key="k")
    at_once = await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await kernel.committer.drain()
    later = await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=unit)
    assert first == at_once == later
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 1
    assert len(await sql(kernel, "SELECT 1 FROM idempotency")) == 1


async def test_a_repeated_confirm_tells_what_was_booked_even_after_a_cancel(kernel, city, hold_as):
    """The first answer was lost on its way; the repetition is owed the same one."""
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    first = await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await cancel(kernel, booking_id=held.id, owner="a")
    assert await confirm(kernel, claim_id=held.id, owner="a", key="k") == first


async def test_another_key_is_told_that_the_hold_was_confirmed(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await kernel.committer.drain()
    with pytest.raises(AlreadyConfirmed) as refused:
        await confirm(kernel, claim_id=held.id, owner="a", key="other")
    assert refused.value.facts == {"booking": held.id}


async def test_the_same_key_for_another_unit_of_the_set_is_refused(kernel, city, hold_as):
    pool, [one, two] = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, one, two)
    await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=one)
    await kernel.committer.drain()
    with pytest.raises(KeyReused):
        await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=two)


async def test_two_units_of_one_set_asked_for_at_once_give_one_booking(kernel, city, hold_as, sql):
    pool, [one, two] = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, one, two)
    outcomes = await asyncio.gather(
        *(confirm(kernel, claim_id=held.id, owner="a", key="k", unit=unit) for unit in (one, two)),
        return_exceptions=True,
    )
    assert {type(one).__name__ for one in outcomes} == {"Booking", "KeyReused"}
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 1


async def test_a_key_used_for_another_hold_is_refused_and_the_hold_lives_on(kernel, city, hold_as):
    pool, [unit] = await city(rule="subject-2")
    other, [elsewhere] = await city(rule="subject-3")
    first = await hold_as(kernel, "a", pool, unit)
    await confirm(kernel, claim_id=first.id, owner="a", key="k")
    await kernel.committer.drain()
    second = await hold_as(kernel, "a", other, elsewhere)
    with pytest.raises(KeyReused):
        await confirm(kernel, claim_id=second.id, owner="a", key="k")
    assert (await hold_as(kernel, "a", other, elsewhere)).expires_at_ms == second.expires_at_ms
    assert (await confirm(kernel, claim_id=second.id, owner="a", key="k2")).id == second.id


async def test_two_owners_may_use_the_same_key(kernel, city, hold_as):
    pool, [unit] = await city()
    for name in "ab":
        held = await hold_as(kernel, name, pool, unit)
        assert (await confirm(kernel, claim_id=held.id, owner=name, key="k")).id == held.id


async def test_somebody_elses_hold_cannot_be_confirmed(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="b", key="k")
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).id == held.id
    await kernel.committer.drain()
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="b", key="k")


async def test_a_set_is_confirmed_by_naming_one_unit_and_the_others_are_free_again(
    kernel, city, hold_as, eventually
):
    pool, units = await city(capacities=(1, 1, 1))
    held = await hold_as(kernel, "a", pool, *units)
    for wrong in (None, units[-1] + 1):
        with pytest.raises(ChooseUnit):
            await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=wrong)
    booking = await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=units[1])
    assert booking.unit == units[1]
    await eventually(lambda: free_places(kernel, pool_id=pool, units=units), lambda free: free == [1, 0, 1])


async def test_a_second_booking_under_the_same_rule_is_refused_and_the_hold_goes_back_to_its_own_life(
    kernel, city, hold_as, book_as
):
    pool, [unit] = await city()
    other, [elsewhere] = await city(capacities=(1,))
    await book_as(kernel, "a", pool, unit)
    held = await hold_as(kernel, "a", other, elsewhere)
    for _ in range(2):
        with pytest.raises(AlreadyBooked):
            await confirm(kernel, claim_id=held.id, owner="a", key="k2")
    assert (await hold_as(kernel, "a", other, elsewhere)).expires_at_ms == held.expires_at_ms
    await release(kernel, claim_id=held.id, owner="a")
    assert (await hold_as(kernel, "b", other, elsewhere)).units == (elsewhere,)


async def test_after_a_cancel_the_refused_hold_can_be_confirmed(kernel, city, hold_as, book_as):
    pool, [unit] = await city()
    other, [elsewhere] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    held = await hold_as(kernel, "a", other, elsewhere)
    with pytest.raises(AlreadyBooked):
        await confirm(kernel, claim_id=held.id, owner="a", key="k2")
    await cancel(kernel, booking_id=booking.id, owner="a")
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k2")).id == held.id


async def test_another_rule_allows_a_second_booking(kernel, city, book_as):
    pool, [unit] = await city(rule="subject-2")
    other, [elsewhere] = await city(rule="subject-3")
    first = await book_as(kernel, "a", pool, unit)
    second = await book_as(kernel, "a", other, elsewhere)
    assert first.id != second.id


async def test_concurrent_confirms_with_one_key_give_one_booking(kernel, city, hold_as, kernels, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    other = await kernels()
    bookings = await asyncio.gather(
        *(confirm(one, claim_id=held.id, owner="a", key="k") for one in (kernel, other) * 5)
    )
    assert len({booking.id for booking in bookings}) == 1
    assert len({booking.created_at for booking in bookings}) == 1
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 1


async def test_concurrent_confirms_with_different_keys_give_one_booking(kernel, city, hold_as, kernels, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    other = await kernels()
    outcomes = await asyncio.gather(
        *(
            confirm(one, claim_id=held.id, owner="a", key=f"k{n}")
            for n, one in enumerate((kernel, other) * 3)
        ),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == 5
    assert all(isinstance(one, HoldInFlight | AlreadyConfirmed) for one in refused)
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 1


async def test_a_caller_who_hangs_up_has_a_booking_all_the_same(kernel, city, hold_as, eventually, sql):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    caller = asyncio.create_task(confirm(kernel, claim_id=held.id, owner="a", key="k"))
    while not kernel.committer._waiting:
        await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await eventually(lambda: sql(kernel, "SELECT id FROM booking"), lambda rows: len(rows) == 1)
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).id == held.id


async def test_a_hold_that_expired_cannot_be_confirmed(kernel, city, hold_as, eventually):
    pool, [unit] = await city(capacities=(1,), hold_ttl_s=1)
    held = await hold_as(kernel, "a", pool, unit)
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[unit]), lambda free: free == [1])
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")


async def test_a_released_hold_cannot_be_confirmed(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await release(kernel, claim_id=held.id, owner="a")
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")


async def test_ids_that_were_never_held_are_refused(kernel, city):
    pool, _ = await city()
    stranger = new_claim_id(pool=pool, now_ms=kernel.clock())
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=stranger, owner="a", key="k")
    elsewhere = new_claim_id(pool=pool + 1000, now_ms=kernel.clock())
    with pytest.raises(UnknownPool):
        await confirm(kernel, claim_id=elsewhere, owner="a", key="k")


@pytest.mark.parametrize(
    "nonsense",
    ["", "x", "\x00", "0192f3c0-0000-7000-8000-000000000000", "0192F3C0-0000-8000-8000-00000000000A"],
)
async def test_ids_that_are_none_of_ours_are_refused(kernel, nonsense):
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=nonsense, owner="a", key="k")


async def test_a_place_that_valkey_oversold_is_refused_by_postgresql(kernel, city, hold_as, book_as, sql):
    """Valkey was told of a place that is not there: best effort on its side, and no booking too many on ours."""
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "apply", "size", "2", str(unit))
    await book_as(kernel, "b", pool, unit)
    with pytest.raises(Full) as refused:
        await confirm(kernel, claim_id=held.id, owner="a", key="k")
    assert refused.value.facts == {"unit": unit}
    assert await sql(kernel, "SELECT 1 FROM idempotency WHERE owner = 'a'") == []
    assert await sql(kernel, "SELECT 1 FROM active_claim WHERE claimant = 'person:a'") == []
    await kernel.call(pool, "apply", "size", "1", str(unit))
    await release(kernel, claim_id=held.id, owner="a")


async def test_a_unit_published_later_can_be_held_and_confirmed(kernel, city, book_as):
    pool, _ = await city()
    added = await publish_unit(
        kernel, pool_id=pool, new=NewUnit(kind=UnitKind.ITEM, title={"en": "new"}, capacity=1)
    )
    assert (await book_as(kernel, "a", pool, added)).unit == added


async def test_a_late_refusal_does_not_unmark_another_key(kernel, city, hold_as, book_as):
    """Two callers share a refused key; the slower one's clean-up must not touch the confirm that came after."""
    pool, [unit] = await city()
    other, [elsewhere] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, unit)
    held = await hold_as(kernel, "a", other, elsewhere)
    slow, unmark = asyncio.Event(), kernel.call_in
    stalled = 0

    async def call_in(pool_id, epoch, function, *args):
        nonlocal stalled
        if function == "unmark":
            stalled += 1
            if stalled == 2:
                await slow.wait()
        return await unmark(pool_id, epoch, function, *args)

    kernel.call_in = call_in
    refusals = [asyncio.create_task(confirm(kernel, claim_id=held.id, owner="a", key="k2")) for _ in range(2)]
    done, _ = await asyncio.wait(refusals, return_when=asyncio.FIRST_COMPLETED)
    assert [type(task.exception()) for task in done] == [AlreadyBooked]
    await cancel(kernel, booking_id=booking.id, owner="a")
    # The same hold is being confirmed again, by a worker that has marked it and not yet committed.
    assert (await kernel.call(other, "mark", held.id, "a", "k3", ""))[0] == b"confirming"
    slow.set()
    await asyncio.wait(refusals)
    with pytest.raises(HoldInFlight):
        await release(kernel, claim_id=held.id, owner="a")
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k3")).id == held.id
    assert isinstance(refusals[0].exception(), AlreadyBooked)
    assert isinstance(refusals[1].exception(), AlreadyBooked)


async def test_a_cancelled_claim_is_not_held_again_after_a_rebuild(kernel, city, hold_as, book_as):
    """The claimant's lease of before must not bring back a claim whose verdict has long been given."""
    pool, [unit] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    await cancel(kernel, booking_id=booking.id, owner="a")
    await rebuild(kernel, pool_id=pool)
    held = await hold_as(kernel, "a", pool, unit)
    assert held.id != booking.id
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k2")).id == held.id


async def test_a_mark_left_by_a_crash_is_taken_up_by_the_same_key(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    with pytest.raises(HoldInFlight):
        await confirm(kernel, claim_id=held.id, owner="a", key="other")
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).id == held.id


async def test_after_a_hold_is_lost_the_claimant_can_hold_again_at_once(kernel, city, hold_as, kernels):
    """The sweeper gave up on a paused worker's confirm."""
    pool, [one, two] = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, one)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")
    assert (await hold_as(kernel, "a", pool, two)).units == (two,)
