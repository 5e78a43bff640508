"""Plans as drafts: made, filled, thrown away; and how plans are read. Each joins its caller's transaction.

Imports SQLAlchemy.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.plans import tables
from booking_api.plans.errors import PlanPublished, PlanTooLarge, UnknownPlan
from booking_api.plans.rows import Code, SessionRow, session_values
from booking_api.registers.rows import Word
from reservation.model import Moment

SESSIONS_LIMIT = 5_000
"""Of one plan: publishing it is one transaction."""
ROWS_PER_STATEMENT = 500

Title = Annotated[dict[str, Word], msgspec.Meta(min_length=1, max_length=8)]


class NewPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan to draft. `title` by language; `source`: the document it comes from.

    `opens_at`: when booking begins, at once if left out. `closes_at`: when it ends, else some days before each session
    as the authority's figures say.
    """

    authority: Code
    service: Code
    title: Title
    source: Word
    opens_at: Moment | None = None
    closes_at: Moment | None = None

    def __post_init__(self) -> None:
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValueError("closes_at is not after opens_at")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan without its sessions."""

    id: int
    authority: str
    service: str
    title: dict[str, str]
    source: str
    state: str
    opens_at: Moment | None
    closes_at: Moment | None
    created_at: Moment
    published_at: Moment | None
    closed_at: Moment | None
    sessions: int
    places: int


class PlannedSession(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one quota in one session. `unit` is null until the plan is published."""

    id: int
    unit: int | None
    site: str
    title: dict[str, str]
    district: str | None
    subject: int | None
    vehicle_class: str | None
    quota: str
    starts_at: Moment
    ends_at: Moment
    capacity: int
    cancelled_at: Moment | None
    cancel_reason: str | None


async def draft_plan(connection: AsyncConnection, new: NewPlan, *, by: str) -> Plan:
    """Begins a plan without sessions."""
    made = await connection.execute(
        insert(tables.plan)
        .values(
            authority=new.authority,
            service=new.service,
            title=new.title,
            source=new.source,
            state="draft",
            opens_at=new.opens_at,
            closes_at=new.closes_at,
            created_by=by,
        )
        .returning(tables.plan.c.id)
    )
    return await find_plan(connection, made.scalar_one())


async def add_sessions(connection: AsyncConnection, *, plan_id: int, rows: Sequence[SessionRow]) -> int:
    """Adds sessions to a draft; one that is there already (same place, time, subject, class) is left as it is.

    Gives how many rows of places were new.

    Raises:
        UnknownPlan, PlanPublished: there is no such draft.
        PlanTooLarge: it would have more than SESSIONS_LIMIT.
    """
    await lock_draft(connection, plan_id)
    values = [place for row in rows for place in session_values(row, plan_id=plan_id)]
    table = tables.plan_session
    there = await connection.execute(
        select(func.count()).select_from(table).where(table.c.plan_id == plan_id)
    )
    if there.scalar_one() + len(values) > SESSIONS_LIMIT:
        raise PlanTooLarge(limit=SESSIONS_LIMIT)
    added = 0
    for first in range(0, len(values), ROWS_PER_STATEMENT):
        new = upsert(table).values(values[first : first + ROWS_PER_STATEMENT]).on_conflict_do_nothing()
        added += len((await connection.execute(new.returning(table.c.id))).all())
    return added


async def set_moments(
    connection: AsyncConnection, *, plan_id: int, opens_at: datetime | None, closes_at: datetime | None
) -> None:
    """Sets when booking of a draft is to begin and end; None as in `NewPlan`.

    Raises:
        UnknownPlan, PlanPublished: there is no such draft.
    """
    await lock_draft(connection, plan_id)
    await connection.execute(
        update(tables.plan).where(tables.plan.c.id == plan_id).values(opens_at=opens_at, closes_at=closes_at)
    )


async def delete_draft(connection: AsyncConnection, plan_id: int) -> None:
    """Throws a draft away.

    Raises:
        UnknownPlan, PlanPublished: there is no such draft.
    """
    await lock_draft(connection, plan_id)
    await connection.execute(delete(tables.plan_session).where(tables.plan_session.c.plan_id == plan_id))
    await connection.execute(delete(tables.plan).where(tables.plan.c.id == plan_id))


async def find_plan(connection: AsyncConnection, plan_id: int) -> Plan:
    """One plan.

    Raises:
        UnknownPlan: there is none.
    """
    row = (await connection.execute(_plans().where(tables.plan.c.id == plan_id))).one_or_none()
    if row is None:
        raise UnknownPlan(plan=plan_id)
    return _plan(row)


async def plans_of(
    connection: AsyncConnection, *, authorities: Sequence[str], before: int | None, limit: int
) -> list[Plan]:
    """The plans of these authorities, the newest first, older than the one with the id `before`."""
    query = _plans().where(tables.plan.c.authority.in_(authorities))
    if before is not None:
        query = query.where(tables.plan.c.id < before)
    rows = await connection.execute(query.order_by(tables.plan.c.id.desc()).limit(limit))
    return [_plan(row) for row in rows]


async def sessions_of(
    connection: AsyncConnection, *, plan_id: int, after: int, limit: int
) -> list[PlannedSession]:
    """A plan's sessions in id order."""
    table = tables.plan_session
    query = (
        select(table).where(table.c.plan_id == plan_id, table.c.id > after).order_by(table.c.id).limit(limit)
    )
    return [_session(row) for row in await connection.execute(query)]


async def lock_draft(connection: AsyncConnection, plan_id: int) -> None:
    """Locks a draft, so that it is not published while it is changed.

    Raises:
        UnknownPlan, PlanPublished: there is no such draft.
    """
    table = tables.plan
    query = select(table.c.state).where(table.c.id == plan_id).with_for_update()
    state = (await connection.execute(query)).scalar_one_or_none()
    if state is None:
        raise UnknownPlan(plan=plan_id)
    if state != "draft":
        raise PlanPublished(plan=plan_id)


async def close_plan(connection: AsyncConnection, *, plan_id: int, by: str) -> Plan:
    """Ends booking for every session of a published plan; what is booked stands. Closing it again changes nothing.

    Raises:
        UnknownPlan: there is none that is published.
    """
    table = tables.plan
    await connection.execute(
        update(table)
        .where(table.c.id == plan_id, table.c.state == "published")
        .values(state="closed", closed_by=by, closed_at=func.now())
    )
    return await find_plan(connection, plan_id)


def _plans() -> Any:
    table, session = tables.plan, tables.plan_session
    return (
        select(
            table,
            func.count(session.c.id).label("sessions"),
            func.coalesce(func.sum(session.c.capacity), 0).label("places"),
        )
        .outerjoin(session, session.c.plan_id == table.c.id)
        .group_by(table.c.id)
    )


def _plan(row: Row[Any]) -> Plan:
    return Plan(
        id=row.id,
        authority=row.authority,
        service=row.service,
        title=row.title,
        source=row.source,
        state=row.state,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        created_at=row.created_at,
        published_at=row.published_at,
        closed_at=row.closed_at,
        sessions=row.sessions,
        places=row.places,
    )


def _session(row: Row[Any]) -> PlannedSession:
    return PlannedSession(
        id=row.id,
        unit=row.unit_id,
        site=row.site,
        title=row.title,
        district=row.district,
        subject=row.subject,
        vehicle_class=row.vehicle_class,
        quota=row.quota,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        capacity=row.capacity,
        cancelled_at=row.cancelled_at,
        cancel_reason=row.cancel_reason,
    )
