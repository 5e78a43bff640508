"""A booked place changes hands in its caller's transaction: wholly, or not at all."""

import pytest

from reservation import BookingState, bookings_of, cancel, free_places, substitute, sweep
from reservation.errors import AlreadyBooked, NotActive, UnknownBooking
from reservation.transaction import transaction


async def put(kernel, connection, booking, *, old="a", new="b"):
    pool = await kernel.pool(booking.pool)
    return await substitute(
        connection,
        pool,
        booking_id=booking.id,
        owner=old,
        new_claimant=f"person:{new}",
        new_owner=new,
        now_ms=kernel.clock(),
    )


async def test_both_bookings_change_in_one_transaction_and_the_log_shows_it(kernel, city, book_as, sql):
    pool, [unit] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, unit)
    async with transaction(kernel.engine) as connection:
        done = await put(kernel, connection, booking)
    # Nobody was told yet, and still the place is nobody's: a sweep tells Valkey after a crash.
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    assert (await sweep(kernel, effect_patience_s=0)).replayed == 1
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    assert (done.ended.state, done.ended.ended_by) == (BookingState.CANCELLED, "authority")
    assert await bookings_of(kernel, owner="b", limit=9) == [done.booking]
    rows = await sql(kernel, "SELECT kind, delta FROM entry WHERE kind LIKE 'substitute%' ORDER BY id")
    assert [tuple(row) for row in rows] == [("substitute_from", 1), ("substitute_to", -1)]
    # The new owner may end it like any other.
    await cancel(kernel, booking_id=done.booking.id, owner="b")
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_transaction_that_is_not_committed_changes_nothing(kernel, city, book_as):
    pool, [unit] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, unit)
    async with kernel.engine.connect() as connection:
        await put(kernel, connection, booking)
        await connection.rollback()
    [still] = await bookings_of(kernel, owner="a", limit=9)
    assert still.state == BookingState.BOOKED
    assert await bookings_of(kernel, owner="b", limit=9) == []


async def test_what_is_not_active_not_theirs_or_would_be_a_second_booking_is_refused(kernel, city, book_as):
    pool, [unit, other] = await city(capacities=(1, 1))
    booking = await book_as(kernel, "a", pool, unit)
    await book_as(kernel, "b", pool, other)
    for refusal, who in ((AlreadyBooked, {}), (UnknownBooking, {"old": "c"})):
        with pytest.raises(refusal):
            async with transaction(kernel.engine) as connection:
                await put(kernel, connection, booking, **who)
    await cancel(kernel, booking_id=booking.id, owner="a")
    with pytest.raises(NotActive):
        async with transaction(kernel.engine) as connection:
            await put(kernel, connection, booking, new="d")


async def test_what_the_authority_ends_is_not_the_owners_act(kernel, city, book_as):
    pool, [unit] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    assert (await cancel(kernel, booking_id=booking.id, owner="a", by="authority")).ended_by == "authority"
