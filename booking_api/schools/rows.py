"""The rows of a batch as they are carried: every change is one transaction under the batch's lease. Imports SQLAlchemy.

waiting    nothing is held
holding    a seat of the school's share is taken; a hold may have been asked for
held       `claim_id` is a hold
promised   `claim_id` is a promise (all or nothing)
booked     `claim_id` is a booking
refused    with the reasons
released   given up with its batch
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.errors import ApiError
from booking_api.metrics import BATCH_ROWS, ROW_OUTCOMES
from booking_api.outbox.events import EventKind, note_event
from booking_api.schools import tables
from booking_api.schools.checking import OpenSession, told
from booking_api.schools.consents import pin_consent
from booking_api.schools.errors import NoConsent, SchoolShareReached
from booking_api.schools.leases import renew
from booking_api.schools.parts import Work
from reservation import tables as kernel_tables
from reservation.errors import ReservationError
from reservation.transaction import transaction

WHOLE_ROW = frozenset(
    ["another_hold", "already_booked", "no_consent", "idempotency_key_reused", "unknown_promise"]
)
"""Refusals that another unit would not change."""


class BatchRow(NamedTuple):
    """One learner's row. `units` in the order of preference, `choice` the one that is tried."""

    number: int
    account: str
    units: tuple[int, ...]
    state: str
    choice: int
    claim_id: str | None

    @property
    def unit(self) -> int:
        """The unit that is tried, or had."""
        return self.units[self.choice]


async def open_rows(work: Work, *states: str) -> list[BatchRow]:
    """The batch's rows in these states, in order.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    table = tables.school_batch_row
    query = (
        select(table)
        .where(table.c.batch_id == work.batch, table.c.state.in_(states))
        .order_by(table.c.number)
    )
    async with transaction(work.parts.kernel.engine) as connection:
        rows = (await connection.execute(query)).all()
    return [
        BatchRow(row.number, row.account, tuple(row.units), row.state, row.choice, row.claim_id)
        for row in rows
    ]


async def take_seat(work: Work, row: BatchRow, found: OpenSession, *, today: date) -> tuple[BatchRow, int]:
    """Counts a place of the unit against the school's share before it is held; gives the unit's pool too.

    Places of one school in one unit are counted one after the other, whichever batch or worker asks.

    Raises:
        NoConsent: the learner does not let the school book this.
        SchoolShareReached: the school has its share.
        LeaseLost: another worker carries the batch.
    """
    seat, unit, school = tables.school_seat, kernel_tables.unit, work.school.id
    async with _under_lease(work) as connection:
        await _pin(connection, work, row, subject=found.subject, today=today)
        await connection.execute(_SHARE_LOCK, {"place": f"school seat {row.unit} {school}"})
        place = (
            await connection.execute(select(unit.c.capacity, unit.c.pool_id).where(unit.c.id == row.unit))
        ).one()
        mine = await connection.execute(
            select(seat.c.unit_id).where(seat.c.batch_id == work.batch, seat.c.number == row.number)
        )
        if mine.one_or_none() is None:
            limit = share_of(place.capacity, share=found.rules.session_share)
            taken = await connection.execute(_TAKEN, {"unit": row.unit, "school": school})
            if taken.scalar_one() >= limit:
                raise SchoolShareReached(limit=limit, unit=row.unit)
            await connection.execute(
                insert(seat).values(batch_id=work.batch, number=row.number, school=school, unit_id=row.unit)
            )
        return await _set(connection, work, row, state="holding", claim_id=None), place.pool_id


_SHARE_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))")

# A seat counts from before its hold until its row is given up or its booking has ended, whoever ended it.
_TAKEN = text(
    """
    SELECT count(*) FROM school_seat s LEFT JOIN booking b ON b.id = s.claim_id
    WHERE s.unit_id = :unit AND s.school = :school AND (b.id IS NULL OR b.state = 'booked')
    """
)


def share_of(capacity: int, *, share: float) -> int:
    """How many places of a unit one school may have: its share of them, at least one.

    >>> share_of(100, share=0.29), share_of(9, share=0.2), share_of(3, share=0.2)
    (29, 1, 1)
    """
    return max(1, int(Decimal(str(share)) * capacity))


async def note_held(work: Work, row: BatchRow, *, claim_id: str, subject: int, today: date) -> BatchRow:
    """Keeps a hold's id, if the learner still consents.

    Raises:
        NoConsent: not any more; the caller releases the hold.
        LeaseLost: another worker carries the batch.
    """
    seat = tables.school_seat
    async with _under_lease(work) as connection:
        await _pin(connection, work, row, subject=subject, today=today)
        await connection.execute(
            update(seat)
            .where(seat.c.batch_id == work.batch, seat.c.number == row.number)
            .values(claim_id=claim_id)
        )
        return await _set(connection, work, row, state="held", claim_id=claim_id)


async def note_state(work: Work, row: BatchRow, state: str) -> BatchRow:
    """A hold has become a promise or a booking.

    Raises:
        LeaseLost: another worker carries the batch.
    """
    async with _under_lease(work) as connection:
        noted = await _set(connection, work, row, state=state, claim_id=row.claim_id)
    return _counted(noted)


async def note_lost(work: Work, row: BatchRow) -> BatchRow:
    """A hold has ended without a booking: the row keeps its seat and is held again.

    Raises:
        LeaseLost: another worker carries the batch.
    """
    seat = tables.school_seat
    async with _under_lease(work) as connection:
        await connection.execute(
            update(seat)
            .where(seat.c.batch_id == work.batch, seat.c.number == row.number)
            .values(claim_id=None)
        )
        return await _set(connection, work, row, state="holding", claim_id=None)


async def refuse(work: Work, row: BatchRow, refusal: ApiError | ReservationError) -> BatchRow:
    """Notes why this unit was not had; the row goes on with its next unit, or is refused. Its seat is given back.

    Raises:
        LeaseLost: another worker carries the batch.
    """
    table = tables.school_batch_row
    last = row.choice + 1 >= len(row.units) or refusal.code in WHOLE_ROW
    async with _under_lease(work) as connection:
        await _give_back(connection, work, row)
        await connection.execute(
            update(table)
            .where(table.c.batch_id == work.batch, table.c.number == row.number)
            .values(refusals=table.c.refusals.concat([told(refusal, unit=row.unit)]))
        )
        if not last:
            following = row._replace(choice=row.choice + 1)
            return await _set(connection, work, following, state="waiting", claim_id=None)
        refused = await _set(connection, work, row, state="refused", claim_id=None)
    return _counted(refused)


async def release_row(work: Work, row: BatchRow) -> BatchRow:
    """Gives a row up with its batch, its seat with it. If it had become a booking, the school is told that it is none.

    Raises:
        LeaseLost: another worker carries the batch.
    """
    async with _under_lease(work) as connection:
        await _tell_undone(connection, work, row)
        await _give_back(connection, work, row)
        released = await _set(connection, work, row, state="released", claim_id=None)
    return _counted(released)


def _counted(row: BatchRow) -> BatchRow:
    if row.state in ROW_OUTCOMES:
        BATCH_ROWS.labels(row.state).inc()
    return row


async def _tell_undone(connection: AsyncConnection, work: Work, row: BatchRow) -> None:
    """Nobody can tell it from the seat any more, which goes in the same transaction (see `telling_bookings`)."""
    booking = kernel_tables.booking.c
    undone = await connection.execute(
        select(booking.pool_id, booking.unit_id, booking.ended_at).where(
            booking.id == row.claim_id, booking.state == "cancelled", booking.ended_by == "authority"
        )
    )
    was = undone.one_or_none()
    if was is not None:
        await note_event(
            connection,
            kind=EventKind.BOOKING_CANCELLED,
            at=was.ended_at,
            organisation=f"school:{work.school.id}",
            account=None,
            facts={"booking": row.claim_id, "pool": was.pool_id, "unit": was.unit_id, "by": "authority"},
        )


async def missing_consents(
    connection: AsyncConnection, work: Work, wanted: Collection[tuple[BatchRow, int]], *, today: date
) -> list[BatchRow]:
    """The rows whose learner does not consent any more; the consent of the others stands until COMMIT."""
    return [
        row
        for row, subject in wanted
        if not await pin_consent(
            connection, account=row.account, school=work.school.id, subject=subject, today=today
        )
    ]


async def _pin(connection: AsyncConnection, work: Work, row: BatchRow, *, subject: int, today: date) -> None:
    if not await pin_consent(
        connection, account=row.account, school=work.school.id, subject=subject, today=today
    ):
        raise NoConsent(unit=row.unit, subject=subject)


async def _give_back(connection: AsyncConnection, work: Work, row: BatchRow) -> None:
    seat = tables.school_seat
    await connection.execute(delete(seat).where(seat.c.batch_id == work.batch, seat.c.number == row.number))


@asynccontextmanager
async def _under_lease(work: Work) -> AsyncGenerator[AsyncConnection]:
    async with transaction(work.parts.kernel.engine) as connection:
        await renew(connection, batch=work.batch, lease=work.lease)
        yield connection


async def _set(
    connection: AsyncConnection, work: Work, row: BatchRow, *, state: str, claim_id: str | None
) -> BatchRow:
    table = tables.school_batch_row
    values: dict[str, Any] = {"state": state, "claim_id": claim_id, "choice": row.choice}
    await connection.execute(
        update(table)
        .where(table.c.batch_id == work.batch, table.c.number == row.number)
        .values(**values, at=func.now())
    )
    return row._replace(state=state, claim_id=claim_id)
