"""What a school has and may have: coming sessions with its share of each, and the places it has booked.

Each joins its caller's transaction or takes the worker's parts. Imports SQLAlchemy and the rules' rooms.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Date, Row, Select, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.eligibility.sessions import closing_moment
from booking_api.identity.accounts import masked_number
from booking_api.identity.tables import account as account_table
from booking_api.organisations.register import Organisation
from booking_api.plans.authorities import read_lineage, read_settings
from booking_api.plans.tables import attendance, plan, plan_session
from booking_api.registers.tables import exam_result
from booking_api.rules.settings import SchoolRules, TestSettings
from booking_api.schools import tables
from booking_api.schools.consents import masked_name
from booking_api.schools.parts import Parts
from booking_api.schools.rows import share_of
from booking_api.uuids import is_uuid
from reservation import tables as kernel_tables
from reservation.errors import UnknownBooking
from reservation.transaction import transaction

SERVICE = "driving_test"
SESSIONS_LIMIT = 500
_session, _plan = plan_session.c, plan.c
_seat, _booking, _unit = tables.school_seat.c, kernel_tables.booking.c, kernel_tables.unit.c


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A session as people know it."""

    unit: int
    title: dict[str, str]
    subject: int
    vehicle_class: str
    quota: str
    starts_at: datetime
    ends_at: datetime


class SchoolSession(SessionFacts, frozen=True, kw_only=True):
    """A coming session and what of it a school may have. `left`: places nobody has, `used`: those the school has."""

    capacity: int
    left: int
    used: int
    share: int
    opens_at: datetime | None
    closes_at: datetime


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A place the school booked, and whose it is. `result`: what the register or the site says of the test."""

    booking: str
    state: str
    account: str
    name: str
    identity_number: str
    session: SessionFacts
    result: str | None


async def school_rules(connection: AsyncConnection, school: Organisation) -> SchoolRules:
    """What the school's authority lets schools do."""
    lineage = (await read_lineage(connection)).up(school.authority)
    settings = await read_settings(connection, lineage=lineage, service=SERVICE)
    return settings.schools if isinstance(settings, TestSettings) else SchoolRules()


async def sessions_for(
    parts: Parts, school: Organisation, *, now: datetime, subject: int | None = None
) -> list[SchoolSession]:
    """Coming sessions whose booking has not ended, of the school's authority and those below it, by their time.

    At most SESSIONS_LIMIT. Authorities that let no school book are left out.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    async with transaction(parts.kernel.reads) as connection:
        lineage = await read_lineage(connection)
        below = [one for one in lineage.parents if school.authority in lineage.up(one)]
        rows = (await connection.execute(_coming(below, now=now, subject=subject))).all()
        units = [row.unit_id for row in rows]
        used = await _used(connection, school.id, units=units)
    planned = {one.unit: one for one in await parts.eligibility.sessions.planned(units)}
    found: list[SchoolSession] = []
    for row in rows:
        terms = await parts.eligibility.sessions.terms(planned[row.unit_id])
        closes_at = closing_moment(planned[row.unit_id], terms)
        settings = terms.settings
        if isinstance(settings, TestSettings) and settings.schools.batches and closes_at > now:
            share = share_of(row.capacity, share=settings.schools.session_share)
            found.append(
                _school_session(row, used=used.get(row.unit_id, 0), share=share, closes_at=closes_at)
            )
    return found


async def session_facts(connection: AsyncConnection, units: Collection[int]) -> dict[int, SessionFacts]:
    """What these units are, as far as they are sessions of driving tests."""
    if not units:
        return {}
    query = select(plan_session).where(_session.unit_id.in_(units), _session.subject.is_not(None))
    return {row.unit_id: _facts(row) for row in await connection.execute(query)}


async def coming_seats(
    connection: AsyncConnection, school: str, *, now: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[Seat]:
    """Booked places of sessions that have not ended, by their time. `after`: the last one's start and booking."""
    query = _seats(school).where(_session.ends_at > now, _booking.state == "booked")
    if after is not None:
        query = query.where(_beyond(after, later=True))
    return await _read(connection, query.order_by(_session.starts_at, _booking.id).limit(limit))


async def past_seats(
    connection: AsyncConnection,
    school: str,
    *,
    now: datetime,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Seat]:
    """Places of sessions that are over, the latest first, of learners who still let the school book their subject.

    What became of a test is the learner's affair: who ends the consent ends that the school sees it.
    """
    consent = tables.consent.c
    stands = (
        select(consent.id)
        .where(consent.school == _seat.school, consent.account == _booking.owner)
        .where(consent.withdrawn_at.is_(None), consent.until >= now.astimezone(SHANGHAI).date())
        .where(_session.subject == func.any(consent.subjects))
    )
    query = _seats(school).where(_session.ends_at <= now, _booking.state == "booked", stands.exists())
    if before is not None:
        query = query.where(_beyond(before, later=False))
    order = (_session.starts_at.desc(), _booking.id.desc())
    return await _read(connection, query.order_by(*order).limit(limit))


async def find_seat(connection: AsyncConnection, school: str, booking: str, *, now: datetime) -> Seat:
    """A coming place that the school booked.

    Raises:
        UnknownBooking: it has none with this id.
    """
    if not is_uuid(booking):
        raise UnknownBooking(booking=booking[:64])
    query = _seats(school).where(_booking.id == booking, _booking.state == "booked", _session.ends_at > now)
    found = await _read(connection, query)
    if not found:
        raise UnknownBooking(booking=booking)
    return found[0]


async def seats_by_day(
    connection: AsyncConnection, school: str, *, first: date, days: int
) -> dict[tuple[date, int], int]:
    """How many places the school has on each day from `first` on, by subject: (day, subject) -> places."""
    day = func.cast(func.timezone(str(SHANGHAI), _session.starts_at), Date).label("day")
    query = (
        select(day, _session.subject, func.count().label("n"))
        .select_from(tables.school_seat)
        .join(kernel_tables.booking, _booking.id == _seat.claim_id)
        .join(plan_session, _session.unit_id == _booking.unit_id)
        .where(_seat.school == school, _booking.state == "booked")
        .where(day >= first, day < first + timedelta(days=days))
        .group_by(day, _session.subject)
    )
    return {(row.day, row.subject): row.n for row in await connection.execute(query)}


def _coming(authorities: Sequence[str], *, now: datetime, subject: int | None) -> Select[Any]:
    query = (
        select(plan_session, _plan.opens_at, _unit.booked, _unit.promised)
        .join(plan, _plan.id == _session.plan_id)
        .join(kernel_tables.unit, _unit.id == _session.unit_id)
        .where(_plan.authority.in_(authorities), _plan.service == SERVICE, _plan.state == "published")
        .where(_session.starts_at > now, _session.cancelled_at.is_(None), _session.subject.is_not(None))
    )
    if subject is not None:
        query = query.where(_session.subject == subject)
    return query.order_by(_session.starts_at, _session.unit_id).limit(SESSIONS_LIMIT)


async def _used(connection: AsyncConnection, school: str, *, units: Sequence[int]) -> dict[int, int]:
    """As `rows.take_seat` counts them."""
    query = (
        select(_seat.unit_id, func.count().label("n"))
        .outerjoin(kernel_tables.booking, _booking.id == _seat.claim_id)
        .where(_seat.school == school, _seat.unit_id.in_(units))
        .where(or_(_booking.id.is_(None), _booking.state == "booked"))
        .group_by(_seat.unit_id)
    )
    return {row.unit_id: row.n for row in await connection.execute(query)}


def _seats(school: str) -> Select[Any]:
    account, result = account_table.c, exam_result.c
    day = func.cast(func.timezone(str(SHANGHAI), _session.starts_at), Date)
    # A test may have been sat once a day; of two rows of the register for one day a pass counts.
    outcome = (
        select(result.outcome)
        .where(result.identity_number == account.identity_number, result.subject == _session.subject)
        .where(result.day == day)
        .order_by(text("outcome = 'passed' DESC"))
        .limit(1)
        .scalar_subquery()
    )
    noted = (
        select(attendance.c.state).where(attendance.c.booking_id == _booking.id).limit(1).scalar_subquery()
    )
    return (
        select(
            plan_session,
            _booking.id.label("booking"),
            _booking.state.label("booking_state"),
            account.id.label("account"),
            account.name,
            account.identity_number,
            func.coalesce(outcome, noted).label("result"),
        )
        .select_from(tables.school_seat)
        .join(kernel_tables.booking, _booking.id == _seat.claim_id)
        .join(plan_session, _session.unit_id == _booking.unit_id)
        .join(account_table, account.id == _booking.owner)
        .where(_seat.school == school, _session.subject.is_not(None))
    )


def _beyond(place: tuple[datetime, str], *, later: bool) -> Any:
    starts_at, booking = place
    if later:
        return or_(
            _session.starts_at > starts_at, and_(_session.starts_at == starts_at, _booking.id > booking)
        )
    return or_(_session.starts_at < starts_at, and_(_session.starts_at == starts_at, _booking.id < booking))


async def _read(connection: AsyncConnection, query: Select[Any]) -> list[Seat]:
    return [
        Seat(
            booking=row.booking,
            state=row.booking_state,
            account=row.account,
            name=masked_name(row.name),
            identity_number=masked_number(row.identity_number),
            session=_facts(row),
            result=row.result,
        )
        for row in await connection.execute(query)
    ]


def _told(row: Row[Any]) -> Mapping[str, Any]:
    return {
        "unit": row.unit_id,
        "title": row.title,
        "subject": row.subject,
        "vehicle_class": row.vehicle_class,
        "quota": row.quota,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    }


def _facts(row: Row[Any]) -> SessionFacts:
    return SessionFacts(**_told(row))


def _school_session(row: Row[Any], *, used: int, share: int, closes_at: datetime) -> SchoolSession:
    return SchoolSession(
        **_told(row),
        capacity=row.capacity,
        left=row.capacity - row.booked - row.promised,
        used=used,
        share=share,
        opens_at=row.opens_at,
        closes_at=closes_at,
    )
