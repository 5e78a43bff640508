"""Cancel and reschedule: both or nothing, and the same answer when repeated."""

import asyncio

import pytest

from reservation import (
    BookingState,
    bookings_of,
    cancel,
    confirm,
    free_places,
    hold,
    publish_unit,
    reschedule,
    sweep,
)
from reservation.claim_id import new_claim_id
from reservation.errors import (
    AnotherHold,
    ChooseUnit,
    Full,
    HoldInFlight,
    HoldLost,
    NotActive,
    NotMovable,
    UnknownBooking,
    UnknownPool,
)
from reservation.model import NewUnit, UnitKind


async def test_a_cancelled_booking_frees_its_place(kernel, city, book_as):
    pool, [unit] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, unit)
    ended = await cancel(kernel, booking_id=booking.id, owner="a")
    assert (ended.state, ended.id) == (BookingState.CANCELLED, booking.id)
    assert ended.ended_at is not None
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]
    assert (await book_as(kernel, "b", pool, unit)).unit == unit


async def test_cancelling_again_gives_the_booking_as_it_is(kernel, city, book_as, sql):
    pool, [unit] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    first = await cancel(kernel, booking_id=booking.id, owner="a")
    assert await cancel(kernel, booking_id=booking.id, owner="a") == first
    assert len(await sql(kernel, "SELECT 1 FROM entry WHERE kind = 'cancel'")) == 1


async def test_two_cancels_at_once_free_one_place(kernel, city, book_as, kernels, sql):
    pool, [unit] = await city(capacities=(2,))
    booking = await book_as(kernel, "a", pool, unit)
    other = await kernels()
    ended = await asyncio.gather(
        *(cancel(one, booking_id=booking.id, owner="a") for one in (kernel, other) * 3)
    )
    assert len({one.ended_at for one in ended}) == 1
    assert len(await sql(kernel, "SELECT 1 FROM entry WHERE kind = 'cancel'")) == 1


async def test_somebody_elses_booking_cannot_be_cancelled(kernel, city, book_as, sql):
    pool, [unit] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    with pytest.raises(UnknownBooking):
        await cancel(kernel, booking_id=booking.id, owner="b")
    assert [row.state for row in await sql(kernel, "SELECT state FROM booking")] == ["booked"]


@pytest.mark.parametrize("nonsense", ["", "x", "0192f3c0-0000-7000-8000-000000000000"])
async def test_what_is_no_booking_id_is_unknown(kernel, nonsense):
    with pytest.raises(UnknownBooking):
        await cancel(kernel, booking_id=nonsense, owner="a")


async def test_a_booking_that_never_was_is_unknown(kernel, city):
    pool, _ = await city()
    with pytest.raises(UnknownBooking):
        await cancel(kernel, booking_id=new_claim_id(pool=pool, now_ms=1), owner="a")
    with pytest.raises(UnknownPool):
        await cancel(kernel, booking_id=new_claim_id(pool=pool + 1, now_ms=1), owner="a")


async def test_after_a_cancel_the_claimant_may_hold_and_book_again(kernel, city, book_as):
    pool, [unit] = await city()
    first = await book_as(kernel, "a", pool, unit)
    await cancel(kernel, booking_id=first.id, owner="a")
    second = await book_as(kernel, "a", pool, unit)
    assert second.id != first.id


async def test_a_cancel_that_overtakes_its_bookings_effect_leaves_no_ghost(kernel, city, hold_as, book_as):
    """Valkey hears `free` before `take`: the late `take` must not bring the claim back."""
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    real = kernel.committer._on_committed
    late = []

    async def later(*told):
        late.append(told)

    kernel.committer._on_committed = later
    await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await cancel(kernel, booking_id=held.id, owner="a")
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]
    [told] = late
    await real(*told)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_booking_moves_within_its_pool(kernel, city, book_as, hold_as, sql):
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    moved = await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert (moved.id, moved.unit, moved.state) == (held.id, new, BookingState.BOOKED)
    assert await free_places(kernel, pool_id=pool, units=[old, new]) == [1, 0]
    entries = await sql(
        kernel, "SELECT kind, unit_id, delta FROM entry WHERE kind LIKE 'move%' ORDER BY delta"
    )
    assert [tuple(row) for row in entries] == [("move_to", new, -1), ("move_from", old, 1)]


async def test_a_booking_moves_to_another_pool_of_the_same_rule(kernel, city, book_as, hold_as):
    pool, [old] = await city(capacities=(1,))
    other, [new] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", other, new)
    moved = await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert (moved.pool, moved.unit) == (other, new)
    assert await free_places(kernel, pool_id=pool, units=[old]) == [1]
    assert await free_places(kernel, pool_id=other, units=[new]) == [0]


async def test_a_booking_moves_within_a_unit_that_is_full_but_for_its_hold(kernel, city, book_as, hold_as):
    pool, [unit] = await city(capacities=(2,))
    booking = await book_as(kernel, "a", pool, unit)
    held = await hold_as(kernel, "a", pool, unit)
    moved = await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert moved.unit == unit
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_booking_does_not_move_to_another_rule(kernel, city, book_as, hold_as):
    pool, [old] = await city(rule="subject-2")
    other, [new] = await city(rule="subject-3")
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", other, new)
    with pytest.raises(NotMovable):
        await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert (await bookings_of(kernel, owner="a", limit=9))[0].state == BookingState.BOOKED
    assert (await hold_as(kernel, "a", other, new)).expires_at_ms == held.expires_at_ms


async def test_repeating_a_move_gives_the_same_booking(kernel, *, city, book_as, hold_as, kernels, sql):
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    other = await kernels()
    moved = await asyncio.gather(
        *(reschedule(one, booking_id=booking.id, hold_id=held.id, owner="a") for one in (kernel, other) * 3)
    )
    moved.append(await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a"))
    assert len({(one.id, one.unit, one.created_at) for one in moved}) == 1
    assert len(await sql(kernel, "SELECT 1 FROM entry WHERE kind = 'move_to'")) == 1


async def test_a_full_new_unit_leaves_the_old_booking_untouched(kernel, city, book_as, hold_as, sql):
    """Valkey gave a place that PostgreSQL does not have."""
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    await sql(kernel, "UPDATE unit SET capacity = 0 WHERE id = :unit", unit=new)
    with pytest.raises(Full) as refused:
        await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert refused.value.facts == {"unit": new}
    await sql(kernel, "UPDATE unit SET capacity = 1 WHERE id = :unit", unit=new)
    [row] = await sql(kernel, "SELECT state, unit_id FROM booking")
    assert tuple(row) == ("booked", old)
    assert await free_places(kernel, pool_id=pool, units=[old, new]) == [0, 0]
    assert (await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")).unit == new


async def test_a_moved_booking_cannot_be_cancelled_or_moved_again(kernel, city, book_as, hold_as):
    pool, [old, new, third] = await city(capacities=(1, 1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    with pytest.raises(NotActive):
        await cancel(kernel, booking_id=booking.id, owner="a")
    again = await hold_as(kernel, "a", pool, third)
    with pytest.raises(NotActive):
        await reschedule(kernel, booking_id=booking.id, hold_id=again.id, owner="a")
    assert (await cancel(kernel, booking_id=held.id, owner="a")).state == BookingState.CANCELLED


async def test_a_cancelled_booking_cannot_be_moved(kernel, city, book_as, hold_as):
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    await cancel(kernel, booking_id=booking.id, owner="a")
    held = await hold_as(kernel, "a", pool, new)
    with pytest.raises(NotActive):
        await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")


async def test_a_cancel_and_a_move_at_once_leave_one_truth(kernel, city, book_as, hold_as, kernels):
    pool, [old, new] = await city(capacities=(3, 3))
    other = await kernels()
    for name in "abc":
        booking = await book_as(kernel, name, pool, old)
        held = await hold_as(kernel, name, pool, new)
        outcomes = await asyncio.gather(
            cancel(kernel, booking_id=booking.id, owner=name),
            reschedule(other, booking_id=booking.id, hold_id=held.id, owner=name),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, BaseException)]
        assert [type(one) for one in refused] == [NotActive]
        active = [
            one for one in await bookings_of(kernel, owner=name, limit=9) if one.state == BookingState.BOOKED
        ]
        assert len(active) == (0 if isinstance(outcomes[1], BaseException) else 1)


async def test_only_ones_own_booking_and_hold_can_be_moved(kernel, city, book_as, hold_as):
    pool, [old, new] = await city(capacities=(2, 2))
    booking = await book_as(kernel, "a", pool, old)
    mine = await hold_as(kernel, "b", pool, new)
    with pytest.raises(HoldLost):
        await reschedule(kernel, booking_id=booking.id, hold_id=mine.id, owner="a")
    with pytest.raises(UnknownBooking):
        await reschedule(kernel, booking_id=booking.id, hold_id=mine.id, owner="b")
    with pytest.raises(HoldLost):
        await reschedule(kernel, booking_id=booking.id, hold_id="x", owner="a")
    assert (await hold_as(kernel, "b", pool, new)).id == mine.id


async def test_a_move_with_a_set_names_its_unit(kernel, city, book_as, hold_as):
    pool, [old, new, third] = await city(capacities=(1, 1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new, third)
    with pytest.raises(ChooseUnit):
        await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    moved = await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a", unit=third)
    assert moved.unit == third
    assert await free_places(kernel, pool_id=pool, units=[old, new, third]) == [1, 1, 0]


async def test_a_hold_that_is_being_confirmed_cannot_be_moved_to(kernel, city, book_as, hold_as):
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    with pytest.raises(HoldInFlight):
        await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    await kernel.call(pool, "unmark", held.id, "k")


async def test_a_move_whose_hold_the_sweeper_gave_up_on_changes_nothing(kernel, city, book_as, hold_as, sql):
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    await kernel.call(pool, "mark", held.id, "a", f"reschedule {booking.id}", "")
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    with pytest.raises(HoldLost):
        await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    [row] = await sql(kernel, "SELECT state, unit_id FROM booking")
    assert tuple(row) == ("booked", old)


async def test_a_move_to_a_unit_published_later_is_possible(kernel, city, book_as, hold_as):
    pool, [old] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, old)
    new = await publish_unit(
        kernel, pool_id=pool, new=NewUnit(kind=UnitKind.SESSION, title={"en": "new"}, capacity=1)
    )
    held = await hold_as(kernel, "a", pool, new)
    moved = await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert moved.unit == new


async def test_after_a_move_the_claimant_may_hold_again(kernel, city, book_as, hold_as):
    pool, [old, new] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, old)
    held = await hold_as(kernel, "a", pool, new)
    with pytest.raises(AnotherHold):
        await hold_as(kernel, "a", pool, old, new)
    await reschedule(kernel, booking_id=booking.id, hold_id=held.id, owner="a")
    assert (await hold_as(kernel, "a", pool, old)).units == (old,)


async def test_bookings_are_listed_newest_first_with_what_became_of_them(kernel, city, book_as, hold_as):
    pool, [one, two, three] = await city(capacities=(1, 1, 1))
    first = await book_as(kernel, "a", pool, one)
    await cancel(kernel, booking_id=first.id, owner="a")
    await asyncio.sleep(0.002)  # ids are ordered by the millisecond
    second = await book_as(kernel, "a", pool, two)
    await asyncio.sleep(0.002)
    held = await hold_as(kernel, "a", pool, three)
    await reschedule(kernel, booking_id=second.id, hold_id=held.id, owner="a")
    await book_as(kernel, "b", pool, two)
    mine = await bookings_of(kernel, owner="a", limit=9)
    assert [(one.id, one.state.value) for one in mine] == [
        (held.id, "booked"),
        (second.id, "moved"),
        (first.id, "cancelled"),
    ]
    assert mine[1].moved_to == held.id
    assert len(await bookings_of(kernel, owner="a", limit=2)) == 2


async def test_a_booking_is_not_moved_to_a_hold_of_another_claimant(kernel, city):
    """One owner, two vehicles: each keeps its own appointment."""
    pool, [one, two] = await city(capacities=(2, 2))
    first = await hold(kernel, pool_id=pool, units=[one], claimant="vehicle:1", owner="a")
    booked = await confirm(kernel, claim_id=first.id, owner="a", key="k")
    second = await hold(kernel, pool_id=pool, units=[two], claimant="vehicle:2", owner="a")
    with pytest.raises(NotMovable):
        await reschedule(kernel, booking_id=booked.id, hold_id=second.id, owner="a")
    assert (await confirm(kernel, claim_id=second.id, owner="a", key="k2")).unit == two
