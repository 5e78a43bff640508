"""The published test sessions and how far each is booked. Imports SQLAlchemy, `reservation` and the plans' tables."""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, func, select

from booking_api.clock import SHANGHAI
from booking_api.plans.tables import plan_session
from reservation import Kernel, tables
from reservation.model import Moment
from reservation.transaction import transaction

SERVICE = "driving_test"
DAYS_SHOWN = 14


class PlanFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions; None is any."""

    authority: str | None = None
    subject: str | None = None
    vehicle_class: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None


class DisclosedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A published session. `free` is what is not booked: places that are held for minutes count as free here."""

    unit: int
    authority: str
    site: str | None
    subject: str | None
    vehicle_class: str | None
    quota: str | None
    starts_at: Moment | None
    ends_at: Moment | None
    capacity: int
    booked: int
    free: int
    cancelled: bool


class DayOfPlaces(msgspec.Struct, frozen=True):
    """One day's places in China, over all sessions that are shown."""

    day: str
    booked: int
    free: int


async def disclosed_sessions(
    kernel: Kernel, *, wanted: PlanFilter, after: int = 0, limit: int
) -> list[DisclosedSession]:
    """Sessions in id order from the one after `after`.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    unit, pool = tables.unit, tables.pool
    query = (
        select(unit, pool.c.authority, plan_session.c.cancelled_at, plan_session.c.quota)
        .join(pool, pool.c.id == unit.c.pool_id)
        .outerjoin(plan_session, plan_session.c.unit_id == unit.c.id)
        .where(*_conditions(wanted), unit.c.id > after)
        .order_by(unit.c.id)
        .limit(limit)
    )
    async with transaction(kernel.reads) as connection:
        rows = (await connection.execute(query)).all()
    return [
        DisclosedSession(
            unit=row.id,
            authority=row.authority,
            site=row.site,
            subject=row.attributes.get("subject"),
            vehicle_class=row.attributes.get("class"),
            quota=row.quota,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            capacity=row.capacity,
            booked=row.booked,
            free=row.capacity - row.booked - row.promised,
            cancelled=row.cancelled_at is not None,
        )
        for row in rows
    ]


async def places_by_day(kernel: Kernel, *, wanted: PlanFilter) -> list[DayOfPlaces]:
    """The places of the first DAYS_SHOWN days that have any.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    unit, pool = tables.unit, tables.pool
    day = func.date(func.timezone(SHANGHAI.tzname(None), unit.c.starts_at)).label("day")
    query = (
        select(
            day,
            func.sum(unit.c.booked + unit.c.promised).label("booked"),
            func.sum(unit.c.capacity).label("capacity"),
        )
        .join(pool, pool.c.id == unit.c.pool_id)
        .where(*_conditions(wanted), unit.c.starts_at.is_not(None))
        .group_by(day)
        .order_by(day)
        .limit(DAYS_SHOWN)
    )
    async with transaction(kernel.reads) as connection:
        rows = (await connection.execute(query)).all()
    return [DayOfPlaces(row.day.isoformat(), row.booked, row.capacity - row.booked) for row in rows]


async def authorities_with_sessions(kernel: Kernel) -> dict[str, dict[str, str]]:
    """Authority -> its name by language, of those that have given out tests.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    authority, pool = tables.authority, tables.pool
    query = (
        select(authority.c.id, authority.c.name)
        .where(authority.c.id.in_(select(pool.c.authority).where(pool.c.service == SERVICE)))
        .order_by(authority.c.id)
    )
    async with transaction(kernel.reads) as connection:
        return {row.id: row.name for row in (await connection.execute(query)).all()}


def _conditions(wanted: PlanFilter) -> list[ColumnElement[bool]]:
    unit, pool = tables.unit.c, tables.pool.c
    conditions: list[ColumnElement[bool]] = [pool.service == SERVICE]
    if wanted.authority is not None:
        conditions.append(pool.authority == wanted.authority)
    asked = {"subject": wanted.subject, "class": wanted.vehicle_class}
    if given := {name: value for name, value in asked.items() if value is not None}:
        conditions.append(unit.attributes.contains(given))
    if wanted.starts_from is not None:
        conditions.append(unit.starts_at >= wanted.starts_from)
    if wanted.starts_before is not None:
        conditions.append(unit.starts_at < wanted.starts_before)
    return conditions
