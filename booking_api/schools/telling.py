"""Cancelling a session, and telling everybody concerned of that, or that a plan is published.

Imports SQLAlchemy, the outbox, the register of organisations and this room's tables.
"""

from datetime import datetime

from sqlalchemy import any_, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.organisations.stations import stations_at
from booking_api.organisations.tables import organisation
from booking_api.outbox.events import Event, EventKind, note_events
from booking_api.outbox.tables import webhook
from booking_api.plans.authorities import read_lineage
from booking_api.plans.draft import Plan
from booking_api.plans.publishing import Cancelled, cancel_session, unit_of_session
from booking_api.plans.tables import plan_session
from booking_api.schools.tables import school_seat
from reservation import Kernel
from reservation.transaction import transaction


async def cancel_planned_session(
    kernel: Kernel, *, plan_id: int, session_id: int, by: str, reason: str, now: datetime
) -> Cancelled:
    """Cancels one session of a published plan and tells everybody concerned, in one transaction.

    Raises:
        UnknownSession, PlanNotPublished: there is no such session.
        UnitOver: it is over.
        UnknownPool, UnknownUnit, Unavailable, Busy: as the kernel says.
    """
    async with transaction(kernel.reads) as connection:
        unit_id, pool_id = await unit_of_session(connection, session_id=session_id, plan_id=plan_id)
    pool = await kernel.pool(pool_id)
    async with transaction(kernel.engine) as connection:
        done = await cancel_session(connection, pool, unit_id=unit_id, by=by, reason=reason)
        await note_cancelled_session(connection, done, reason=reason, at=now)
    await kernel.tell(done.effect)
    return done


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


async def note_published_plan(connection: AsyncConnection, plan: Plan, *, at: datetime) -> None:
    """Tells those who asked to be, in the transaction that publishes: stations of its sites, and schools under its authority.

    Schools are not told of plans of other services than driving tests.
    """
    session, hook, known = plan_session.c, webhook.c, organisation.c
    kind = EventKind.PLAN_PUBLISHED
    at_its_sites = exists().where(session.plan_id == plan.id, session.site == any_(known.sites))
    named = known.kind + ":" + known.id
    asked = exists().where(
        hook.organisation == named, hook.off_at.is_(None), literal(kind.value) == any_(hook.kinds)
    )
    found = await connection.execute(
        select(named.label("name"), known.kind, known.authority)
        .where(asked, (known.kind == "school") | at_its_sites)
        .order_by(known.id)
    )
    rows = found.all()
    lineage = await read_lineage(connection) if rows else None
    facts = {
        "plan": plan.id,
        "authority": plan.authority,
        "service": plan.service,
        "title": plan.title,
        "sessions": plan.sessions,
        "places": plan.places,
        "opens_at": plan.opens_at,
    }
    told = [
        Event(kind=kind, at=at, organisation=row.name, facts=facts)
        for row in rows
        if row.kind == "station"
        or (
            lineage is not None
            and plan.service == "driving_test"
            and plan.authority in lineage.up(row.authority)
        )
    ]
    if told:
        await note_events(connection, told)
