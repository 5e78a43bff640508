"""Sessions that are over: their bookings are concluded, so that people may book again, and who missed them is noted.

One transaction for a handful of sessions; several workers share the work. A crash leaves them for the next turn.
Imports SQLAlchemy and `reservation`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.outbox.events import Event, EventKind, note_events
from booking_api.payments.sittings import Sitting, use_fees
from booking_api.plans import tables
from booking_api.plans.authorities import read_lineage, read_settings
from reservation import Kernel, conclude_units
from reservation.transaction import transaction
from reservation.units import Concluded

CONCLUDE_EVERY_S = 20.0
SESSIONS_AT_ONCE = 20
GRACE = timedelta(hours=1)
"""After a session's end: no hold for it can be alive any more, for none outlives an hour."""


async def conclude(kernel: Kernel, *, now: Callable[[], datetime]) -> bool:
    """Concludes at most SESSIONS_AT_ONCE sessions that are over; True when there may be more.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    async with transaction(kernel.engine) as connection:
        moment = now()
        sessions = await _lock_over(connection, now=moment)
        if not sessions:
            return False
        units = [row.unit_id for row in sessions]
        concluded = await conclude_units(connection, units)
        if concluded:
            await _note_missed(connection, sessions, concluded, now=moment)
            await _use_fees(connection, sessions, concluded, now=moment)
        session = tables.plan_session
        await connection.execute(
            update(session).where(session.c.unit_id.in_(units)).values(concluded_at=func.now())
        )
    return len(sessions) == SESSIONS_AT_ONCE


async def _lock_over(connection: AsyncConnection, *, now: datetime) -> Sequence[Row[*tuple[Any, ...]]]:
    session, plan = tables.plan_session, tables.plan
    query = (
        select(session.c.unit_id, session.c.subject, session.c.starts_at, plan.c.authority, plan.c.service)
        .join(plan, plan.c.id == session.c.plan_id)
        .where(session.c.unit_id.is_not(None), session.c.ends_at < now - GRACE)
        .where(session.c.concluded_at.is_(None), session.c.cancelled_at.is_(None))
        .order_by(session.c.unit_id)
        .limit(SESSIONS_AT_ONCE)
        .with_for_update(of=session, skip_locked=True)
    )
    return (await connection.execute(query)).all()


async def _note_missed(
    connection: AsyncConnection,
    sessions: Sequence[Row[*tuple[Any, ...]]],
    concluded: Sequence[Concluded],
    *,
    now: datetime,
) -> None:
    """A booking that nobody checked in is a no-show, where the authority counts them."""
    counted = await _counted(connection, sessions)
    of_unit = {row.unit_id: row for row in sessions}
    rows = [
        {
            "booking_id": booking.booking,
            "unit_id": booking.unit,
            "owner": booking.owner,
            "claimant": booking.claimant,
            "state": "no_show",
            "day": of_unit[booking.unit].starts_at.astimezone(SHANGHAI).date(),
            "at": now,
            "by": "system",
        }
        for booking in concluded
        if (of_unit[booking.unit].authority, of_unit[booking.unit].service) in counted
    ]
    if not rows:
        return
    table = tables.attendance
    new = upsert(table).values(rows).on_conflict_do_nothing()
    missed = await connection.execute(new.returning(table.c.booking_id, table.c.unit_id, table.c.owner))
    told = [
        Event(
            kind=EventKind.BOOKING_NO_SHOW,
            at=now,
            account=row.owner,
            facts={"booking": row.booking_id, "unit": row.unit_id},
        )
        for row in missed
    ]
    if told:
        await note_events(connection, told)


async def _use_fees(
    connection: AsyncConnection,
    sessions: Sequence[Row[*tuple[Any, ...]]],
    concluded: Sequence[Concluded],
    *,
    now: datetime,
) -> None:
    """A sitting uses its fee up, whether the person came or not."""
    of_unit = {row.unit_id: row for row in sessions if row.subject is not None}
    sittings = [
        Sitting(
            booking.booking, booking.owner, of_unit[booking.unit].authority, of_unit[booking.unit].subject
        )
        for booking in concluded
        if booking.unit in of_unit
    ]
    if sittings:
        await use_fees(connection, sittings, at=now)


async def _counted(
    connection: AsyncConnection, sessions: Sequence[Row[*tuple[Any, ...]]]
) -> set[tuple[str, str]]:
    """The (authority, service) pairs whose figures count no-shows."""
    lineage = await read_lineage(connection)
    counted: set[tuple[str, str]] = set()
    for authority, service in {(row.authority, row.service) for row in sessions}:
        settings = await read_settings(connection, lineage=lineage.up(authority), service=service)
        if settings.plans.no_shows:
            counted.add((authority, service))
    return counted
