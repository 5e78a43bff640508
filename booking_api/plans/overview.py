"""A day's sessions with what is booked of them and who came, for the authority whose they are. Imports SQLAlchemy."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.plans import tables
from booking_api.plans.errors import UnknownSession
from reservation import tables as kernel_tables


class RunSession(msgspec.Struct, frozen=True, kw_only=True):
    """A published session with PostgreSQL's counts. `service` and `authority` are its plan's."""

    id: int
    plan: int
    authority: str
    service: str
    unit: int
    pool: int
    site: str
    title: dict[str, str]
    subject: int | None
    vehicle_class: str | None
    quota: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    booked: int
    promised: int
    checked_in: int
    missed: int
    published_at: datetime
    published_by: str
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancel_reason: str | None


async def sessions_on(
    connection: AsyncConnection, *, authority: str, day: date, service: str | None
) -> list[RunSession]:
    """The published sessions of an authority on a day in China, in order of time and site."""
    begins = datetime.combine(day, time(), SHANGHAI)
    session = tables.plan_session.c
    query = _sessions().where(
        tables.plan.c.authority == authority,
        session.starts_at >= begins,
        session.starts_at < begins + timedelta(days=1),
    )
    if service is not None:
        query = query.where(tables.plan.c.service == service)
    query = query.order_by(
        session.starts_at, session.site, session.subject, session.vehicle_class, session.id
    )
    return [_session(row) for row in await connection.execute(query)]


async def find_run_session(connection: AsyncConnection, session_id: int) -> RunSession:
    """One published session.

    Raises:
        UnknownSession: there is none.
    """
    row = (await connection.execute(_sessions().where(tables.plan_session.c.id == session_id))).one_or_none()
    if row is None:
        raise UnknownSession(session=session_id)
    return _session(row)


async def days_with_sessions(connection: AsyncConnection, *, authority: str, since: date) -> Sequence[date]:
    """The first fortnight of days from a day on that have sessions."""
    session = tables.plan_session.c
    day = func.date(func.timezone("Asia/Shanghai", session.starts_at))
    rows = await connection.execute(
        select(day)
        .join(tables.plan, tables.plan.c.id == session.plan_id)
        .where(tables.plan.c.authority == authority, session.unit_id.is_not(None))
        .where(session.starts_at >= datetime.combine(since, time(), SHANGHAI))
        .distinct()
        .order_by(day)
        .limit(14)
    )
    return rows.scalars().all()


def _sessions() -> Any:
    session, plan, unit = tables.plan_session, tables.plan, kernel_tables.unit
    came = (
        select(
            tables.attendance.c.unit_id,
            func.count().filter(tables.attendance.c.state == "checked_in").label("checked_in"),
            func.count().filter(tables.attendance.c.state == "no_show").label("missed"),
        )
        .where(tables.attendance.c.unit_id == unit.c.id)
        .group_by(tables.attendance.c.unit_id)
        .lateral("came")
    )
    return (
        select(
            session,
            plan.c.authority,
            plan.c.service,
            plan.c.published_at,
            plan.c.published_by,
            unit.c.pool_id,
            unit.c.booked,
            unit.c.promised,
            func.coalesce(came.c.checked_in, 0).label("checked_in"),
            func.coalesce(came.c.missed, 0).label("missed"),
        )
        .join(plan, plan.c.id == session.c.plan_id)
        .join(unit, unit.c.id == session.c.unit_id)
        .outerjoin(came, came.c.unit_id == unit.c.id)
    )


def _session(row: Row[Any]) -> RunSession:
    renamed = {"plan": row.plan_id, "unit": row.unit_id, "pool": row.pool_id}
    fields = {name: getattr(row, name) for name in RunSession.__struct_fields__ if name not in renamed}
    return RunSession(**fields, **renamed)
