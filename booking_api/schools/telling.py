"""Telling everybody concerned that a session will not take place. Imports SQLAlchemy, the outbox and this room's tables."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.organisations.stations import stations_at
from booking_api.outbox.events import Event, EventKind, note_events
from booking_api.plans.publishing import Cancelled
from booking_api.plans.tables import plan_session
from booking_api.schools.tables import school_seat


async def note_cancelled_session(
    connection: AsyncConnection, done: Cancelled, *, reason: str, at: datetime
) -> None:
    """Tells people, schools and stations, in the transaction that cancels it. Cancelled again, nobody is told again.

    Each person who had booked has a notice; the school that had booked for them and the stations of the site hear of it
    by webhook.
    """
    if not done.first:
        return
    site = (
        await connection.execute(select(plan_session.c.site).where(plan_session.c.unit_id == done.unit))
    ).scalar_one()
    seats = await connection.execute(
        select(school_seat.c.claim_id, school_seat.c.school).where(
            school_seat.c.claim_id.in_([booking for booking, _ in done.bookings])
        )
    )
    schools = {row.claim_id: f"school:{row.school}" for row in seats}
    facts = {"unit": done.unit, "reason": reason}
    told = [
        Event(
            kind=EventKind.SESSION_CANCELLED,
            at=at,
            account=owner,
            organisation=schools.get(booking),
            facts=facts | {"booking": booking},
        )
        for booking, owner in done.bookings
    ]
    told += [
        Event(kind=EventKind.SESSION_CANCELLED, at=at, organisation=station, facts=facts)
        for station in (await stations_at(connection, [site])).get(site, [])
    ]
    if told:
        await note_events(connection, told)
