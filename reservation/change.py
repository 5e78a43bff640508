"""Cancel, reschedule, substitute: one transaction each, then Valkey is told.

The first two are idempotent by the booking they end; a substitution joins its caller's transaction, who tells Valkey.

What a crash leaves: before COMMIT the booking as it was (and for a reschedule a hold that is marked, which the
sweeper ends); after COMMIT effect rows that are replayed.
"""

import logging
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from reservation import tables
from reservation.claim_id import new_claim_id, pool_of
from reservation.errors import (
    AlreadyBooked,
    Full,
    HoldLost,
    NotActive,
    NotMovable,
    ReservationError,
    UnknownBooking,
)
from reservation.hold import end_lease
from reservation.kernel import Kernel
from reservation.mark import Marked, mark, undo_mark
from reservation.model import Booking, BookingState, Effect, Pool
from reservation.returns import hold_back
from reservation.transaction import (
    count,
    enter,
    insert_verdict,
    lock_units,
    new_salt,
    note_effect,
    transaction,
)

log = logging.getLogger(__name__)


By = Literal["owner", "authority"]
"""On whose behalf a booking ends: what is not the owner's own act does not count against them."""


class Substituted(NamedTuple):
    """A booking that ended, the one that has its place now, and what Valkey is to be told after COMMIT."""

    ended: Booking
    booking: Booking
    effect: Effect


async def cancel(
    kernel: Kernel, *, booking_id: str, owner: str, free_at: datetime | None = None, by: By = "owner"
) -> Booking:
    """Ends a booking; its place is free again, at once or at `free_at`. Cancelling it again gives it as it is.

    Raises:
        UnknownBooking: the owner has none with this id.
        NotActive: it was moved, or its session is over.
        Unavailable, Busy: repeat.
    """
    pool = await _pool_of_booking(kernel, booking_id)
    async with transaction(kernel.engine) as connection:
        # (1) lock: the unit, then the booking
        was = await _find(connection, booking_id, owner=owner)
        _, epoch = (await lock_units(connection, [was.unit_id]))[was.unit_id]
        was = await _find(connection, booking_id, owner=owner, lock=True)
        if was.state == BookingState.CANCELLED:
            return booking_of_row(was)
        _check_active(was)
        # (2) end it: the row, the claim, the count, the entry, the effect
        ended = await _end(connection, pool, was, state=BookingState.CANCELLED, kind="cancel", by=by)
        changes = await _leave(connection, pool, was, free_at=free_at, now_ms=kernel.clock())
        effect = await note_effect(connection, pool_id=pool.id, epoch=epoch, changes=changes)
    # (3) COMMIT is done; a crash from here on leaves the effect row, and the lease for the rest of its life
    kernel.tally.cancelled += 1
    await kernel.tell(effect)
    await _end_lease(kernel, pool, was)
    return ended


async def reschedule(
    kernel: Kernel,
    *,
    booking_id: str,
    hold_id: str,
    owner: str,
    unit: int | None = None,
    free_at: datetime | None = None,
) -> Booking:
    """Moves a booking to a unit the owner holds: the new one is booked and the old one left, or nothing changes.

    The old place is free at once or at `free_at`. Gives the new booking, whose id is the hold's. Repeating it gives the
    same.

    Raises:
        UnknownBooking, NotActive, NotMovable, UnknownPool: this booking cannot be moved, or not there.
        HoldLost, HoldInFlight, ChooseUnit, Full: the new unit cannot be had.
        Rebuilding, Unavailable, Busy: repeat.
    """
    pool_id = pool_of(hold_id)
    if pool_id is None:
        raise HoldLost(hold=hold_id)
    pool = await kernel.pool(pool_id)
    # (a) mark the hold; the booking's id is the key, so a repetition is the same request
    key = f"reschedule {booking_id}"
    marked = await mark(kernel, pool, claim_id=hold_id, owner=owner, key=key, unit=unit)
    if marked is None:
        return await _moved_before(kernel, booking_id=booking_id, hold_id=hold_id, owner=owner)
    try:
        # (b) one transaction for both
        moved, told = await _move(
            kernel, pool, booking_id=booking_id, marked=marked, owner=owner, free_at=free_at
        )
    except ReservationError as error:
        await undo_mark(kernel, pool, marked, reason=error)
        raise
    # (c) COMMIT is done; a crash from here on leaves the effect rows
    kernel.tally.moved += bool(told)
    for effect in told:
        await kernel.tell(effect)
    await end_lease(kernel, pool, claimant=marked.claimant, claim_id=hold_id)
    return moved


async def substitute(
    connection: AsyncConnection,
    pool: Pool,
    *,
    booking_id: str,
    owner: str,
    new_claimant: str,
    new_owner: str,
    now_ms: int,
) -> Substituted:
    """Gives one claimant's booked place to another in one transaction: it is at no moment free for a third.

    The old booking ends on the authority's behalf, for its owner did not end it. Valkey is told both in one function.

    Raises:
        UnknownBooking, NotActive: there is nothing to substitute.
        AlreadyBooked: the new claimant has an active claim under the pool's rule.
    """
    was = await _find(connection, booking_id, owner=owner)
    _, epoch = (await lock_units(connection, [was.unit_id]))[was.unit_id]
    was = await _find(connection, booking_id, owner=owner, lock=True)
    _check_active(was)
    ended = await _end(
        connection, pool, was, state=BookingState.CANCELLED, kind="substitute_from", by="authority"
    )
    claim_id = new_claim_id(pool=pool.id, now_ms=now_ms)
    # No hold came before it; the verdict says what the audit asks of every booking: that it was confirmed once.
    await insert_verdict(connection, claim_id, "confirmed")
    took = await _take(
        connection,
        pool,
        unit_id=was.unit_id,
        claim_id=claim_id,
        claimant=new_claimant,
        owner=new_owner,
        kind="substitute_to",
    )
    unit = str(was.unit_id)
    changes = ["free", booking_id, unit, "take", claim_id, unit]
    effect = await note_effect(connection, pool_id=pool.id, epoch=epoch, changes=changes)
    return Substituted(ended, took, effect)


async def _move(
    kernel: Kernel, pool: Pool, *, booking_id: str, marked: Marked, owner: str, free_at: datetime | None
) -> tuple[Booking, list[Effect]]:
    old_pool = await _pool_of_booking(kernel, booking_id)
    if (old_pool.service, old_pool.rule) != (pool.service, pool.rule):
        raise NotMovable(booking=booking_id)
    async with transaction(kernel.engine) as connection:
        # (1) lock: both units in id order, then the booking
        was = await _find(connection, booking_id, owner=owner)
        locked = await lock_units(connection, [was.unit_id, marked.unit])
        was = await _find(connection, booking_id, owner=owner, lock=True)
        if was.claimant != marked.claimant:
            # An owner of two vehicles may not move the one's appointment to a place held for the other.
            raise NotMovable(booking=booking_id)
        if was.state == BookingState.MOVED and was.moved_to == marked.claim_id:
            return booking_of_row(await _find(connection, marked.claim_id, owner=owner)), []
        _check_active(was)
        free, new_epoch = locked[marked.unit]
        if new_epoch != marked.epoch or not await insert_verdict(connection, marked.claim_id, "confirmed"):
            raise HoldLost(hold=marked.claim_id)
        # (2) leave the old place
        await _end(
            connection, old_pool, was, state=BookingState.MOVED, kind="move_from", moved_to=marked.claim_id
        )
        if free + (was.unit_id == marked.unit) <= 0:
            raise Full(unit=marked.unit)
        # (3) take the new one
        moved = await _take(
            connection,
            pool,
            unit_id=marked.unit,
            claim_id=marked.claim_id,
            claimant=was.claimant,
            owner=was.owner,
            kind="move_to",
        )
        # (4) what Valkey is to be told, per pool
        until = None if was.unit_id == marked.unit else free_at
        left = await _leave(connection, old_pool, was, free_at=until, now_ms=kernel.clock())
        took = ["take", marked.claim_id, str(marked.unit)]
        told = [
            await note_effect(connection, pool_id=old_pool.id, epoch=locked[was.unit_id][1], changes=left),
            await note_effect(connection, pool_id=pool.id, epoch=marked.epoch, changes=took),
        ]
    return moved, told


async def _take(
    connection: AsyncConnection,
    pool: Pool,
    *,
    unit_id: int,
    claim_id: str,
    claimant: str,
    owner: str,
    kind: str,
) -> Booking:
    """Books a place of a locked unit.

    Raises:
        AlreadyBooked: the claimant has an active claim under the pool's rule.
    """
    await _claim(connection, pool, claimant=claimant, claim_id=claim_id)
    salt = new_salt()
    booking = tables.booking
    row = (
        await connection.execute(
            insert(booking)
            .values(
                id=claim_id,
                pool_id=pool.id,
                unit_id=unit_id,
                claimant=claimant,
                owner=owner,
                service=pool.service,
                rule=pool.rule,
                source="hold",
                state=BookingState.BOOKED,
                salt=salt,
            )
            .returning(booking)
        )
    ).one()
    await count(connection, unit_id, booked=1)
    await enter(
        connection,
        kind=kind,
        pool=pool,
        unit_id=unit_id,
        delta=-1,
        claim_id=claim_id,
        person=(salt, claimant),
    )
    return booking_of_row(row)


async def _claim(connection: AsyncConnection, pool: Pool, *, claimant: str, claim_id: str) -> None:
    active = tables.active_claim
    claimed = await connection.execute(
        upsert(active)
        .values(claimant=claimant, service=pool.service, rule=pool.rule, claim_id=claim_id)
        .on_conflict_do_nothing()
        .returning(active.c.claim_id)
    )
    if claimed.first() is None:
        raise AlreadyBooked


async def _end(
    connection: AsyncConnection,
    pool: Pool,
    was: Row[Any],
    *,
    state: BookingState,
    kind: str,
    moved_to: str | None = None,
    by: By = "owner",
) -> Booking:
    booking, active = tables.booking, tables.active_claim
    row = (
        await connection.execute(
            update(booking)
            .where(booking.c.id == was.id)
            .values(state=state, ended_at=func.now(), ended_by=by, moved_to=moved_to)
            .returning(booking)
        )
    ).one()
    await connection.execute(
        delete(active).where(active.c.claimant == was.claimant, active.c.claim_id == was.id)
    )
    await count(connection, was.unit_id, booked=-1)
    await enter(
        connection,
        kind=kind,
        pool=pool,
        unit_id=was.unit_id,
        delta=1,
        claim_id=was.id,
        person=(was.salt, was.claimant) if was.salt else None,
    )
    return booking_of_row(row)


async def _leave(
    connection: AsyncConnection, pool: Pool, was: Row[Any], *, free_at: datetime | None, now_ms: int
) -> list[str]:
    """What Valkey is to be told of the place that was left; held back until `free_at` if that is given."""
    changes = ["free", was.id, str(was.unit_id)]
    if free_at is not None:
        changes += await hold_back(
            connection, pool, unit_id=was.unit_id, booking_id=was.id, until=free_at, now_ms=now_ms
        )
    return changes


def _check_active(was: Row[Any]) -> None:
    if was.state != BookingState.BOOKED or was.concluded_at is not None:
        raise NotActive(booking=was.id)


async def _end_lease(kernel: Kernel, pool: Pool, was: Row[Any]) -> None:
    """The lease of the hold that became this booking may still live; it must not bring the claim back.

    A rebuild forgets which claims have ended: held again by its lease, this one could never be confirmed.
    """
    try:
        await end_lease(kernel, pool, claimant=was.claimant, claim_id=was.id)
    except ReservationError as error:
        log.warning("lease of %s stays for its life: %s", was.id, error.code)


async def _pool_of_booking(kernel: Kernel, booking_id: str) -> Pool:
    """The pool a booking's id names; read before the transaction, which must not wait for a second connection."""
    pool_id = pool_of(booking_id)
    if pool_id is None:
        raise UnknownBooking(booking=booking_id)
    return await kernel.pool(pool_id)


async def _find(connection: AsyncConnection, booking_id: str, *, owner: str, lock: bool = False) -> Row[Any]:
    booking = tables.booking
    query = select(booking).where(booking.c.id == booking_id, booking.c.owner == owner)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise UnknownBooking(booking=booking_id)
    return row


async def _moved_before(kernel: Kernel, *, booking_id: str, hold_id: str, owner: str) -> Booking:
    """The hold is gone: either this very move was committed before, or the hold is lost."""
    async with transaction(kernel.engine) as connection:
        was = await _find(connection, booking_id, owner=owner)
        if was.moved_to == hold_id:
            return booking_of_row(await _find(connection, hold_id, owner=owner))
    raise HoldLost(hold=hold_id)


def booking_of_row(row: Row[Any]) -> Booking:
    """A row of `booking` as its owner sees it."""
    return Booking(
        id=row.id,
        pool=row.pool_id,
        unit=row.unit_id,
        state=BookingState(row.state),
        created_at=row.created_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        moved_to=row.moved_to,
        concluded_at=row.concluded_at,
    )
