"""A site's day: its sessions with who is booked and who came, and one session's list. Imports SQLAlchemy, the plans' tables.

Names and numbers are shown by their ends: whoever stands at the door is compared with the card they show.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.attendance.errors import AnotherSite
from booking_api.clock import SHANGHAI
from booking_api.identity.accounts import masked_name, masked_number
from booking_api.identity.tables import account
from booking_api.plans import tables
from booking_api.plans.errors import UnknownSession
from reservation import tables as kernel_tables

_session, _plan, _attendance = tables.plan_session.c, tables.plan.c, tables.attendance.c
_booking = kernel_tables.booking.c


class SiteSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session at a site. `missed`: noted when it was over; until then `booked - checked_in` are not there yet."""

    unit: int
    site: str
    title: dict[str, str]
    service: str
    subject: int | None
    vehicle_class: str | None
    quota: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    booked: int
    checked_in: int
    missed: int
    cancelled: bool
    plan_closed: bool


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is booked. `state`: expected, checked_in or no_show; `by_vehicle`: the plate, where vehicles count."""

    booking: str
    name: str
    identity_number: str
    vehicle: str | None
    state: str
    at: datetime | None


async def sessions_of_day(
    connection: AsyncConnection, *, sites: Collection[str], first: date, days: int = 1
) -> list[SiteSession]:
    """The published sessions at these sites on a day in China, or on so many days from it, in order of time."""
    begins = datetime.combine(first, datetime.min.time(), SHANGHAI)
    query = (
        _sessions()
        .where(_session.site.in_(list(sites)))
        .where(_session.starts_at >= begins, _session.starts_at < begins + timedelta(days))
        .order_by(_session.starts_at, _session.site, _session.vehicle_class, _session.quota, _session.unit_id)
    )
    return [_site_session(row) for row in await connection.execute(query)]


async def next_day(connection: AsyncConnection, *, sites: Collection[str], after: date) -> date | None:
    """The next day in China on which something takes place at these sites; None when nothing is published."""
    begins = datetime.combine(after + timedelta(1), datetime.min.time(), SHANGHAI)
    query = select(func.min(_session.starts_at)).where(
        _session.unit_id.is_not(None),
        _session.cancelled_at.is_(None),
        _session.site.in_(list(sites)),
        _session.starts_at >= begins,
    )
    found: datetime | None = (await connection.execute(query)).scalar_one()
    return found.astimezone(SHANGHAI).date() if found is not None else None


async def find_site_session(connection: AsyncConnection, unit: int, *, sites: Collection[str]) -> SiteSession:
    """One session, if it takes place at one of these sites.

    Raises:
        UnknownSession: there is none.
        AnotherSite: it takes place elsewhere.
    """
    row = (await connection.execute(_sessions().where(_session.unit_id == unit))).one_or_none()
    if row is None:
        raise UnknownSession(session=unit)
    if row.site not in sites:
        raise AnotherSite(site=row.site)
    return _site_session(row)


async def expected_in(connection: AsyncConnection, unit: int) -> list[Expected]:
    """Everybody who is booked for a session, in the order in which they booked."""
    query = (
        select(
            _booking.id,
            _booking.claimant,
            account.c.name,
            account.c.identity_number,
            _attendance.state,
            _attendance.at,
        )
        .select_from(kernel_tables.booking)
        .outerjoin(account, account.c.id == _booking.owner)
        .outerjoin(tables.attendance, _attendance.booking_id == _booking.id)
        .where(_booking.unit_id == unit, _booking.state == "booked")
        .order_by(_booking.id)
    )
    return [_expected(row) for row in await connection.execute(query)]


def _sessions() -> Select[Any]:
    booked = (
        select(func.count()).where(_booking.unit_id == _session.unit_id, _booking.state == "booked")
    ).scalar_subquery()

    def noted(state: str) -> Any:
        return (
            select(func.count())
            .where(_attendance.unit_id == _session.unit_id, _attendance.state == state)
            .scalar_subquery()
        )

    return (
        select(
            tables.plan_session,
            _plan.service,
            _plan.closed_at,
            booked.label("booked"),
            noted("checked_in").label("checked_in"),
            noted("no_show").label("missed"),
        )
        .join(tables.plan, _plan.id == _session.plan_id)
        .where(_session.unit_id.is_not(None))
    )


def _site_session(row: Row[Any]) -> SiteSession:
    return SiteSession(
        unit=row.unit_id,
        site=row.site,
        title=row.title,
        service=row.service,
        subject=row.subject,
        vehicle_class=row.vehicle_class,
        quota=row.quota,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        capacity=row.capacity,
        booked=row.booked,
        checked_in=row.checked_in,
        missed=row.missed,
        cancelled=row.cancelled_at is not None,
        plan_closed=row.closed_at is not None,
    )


def _expected(row: Row[*tuple[Any, ...]]) -> Expected:
    kind, _, plate = row.claimant.partition(":")
    return Expected(
        booking=row.id,
        name=masked_name(row.name) if row.name else "",
        identity_number=masked_number(row.identity_number) if row.identity_number else "",
        vehicle=plate if kind == "vehicle" else None,
        state=row.state or "expected",
        at=row.at if row.state == "checked_in" else None,
    )
