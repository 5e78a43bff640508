"""A school's roll as its people see it: learners who consent, those who were asked, those whose consent has ended.

Numbers and names are told by their ends. Each joins its caller's transaction. Imports SQLAlchemy.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.identity.accounts import masked_number
from booking_api.identity.tables import account as account_table
from booking_api.registers.tables import learner_certificate
from booking_api.schools import tables
from booking_api.schools.consents import REQUESTS_KEPT_DAYS, masked_name
from booking_api.schools.errors import UnknownLearner

Standing = Literal["given", "asked", "ended"]
STANDINGS: tuple[Standing, ...] = ("given", "asked", "ended")
ENDED_SHOWN_DAYS = 90
SOON_DAYS = 30
_consent, _request, _account = tables.consent.c, tables.consent_request.c, account_table.c


class RollEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the roll. `id` is the consent's, or the request's where one was asked; `at`: since when it is so."""

    standing: Standing
    id: int
    account: str | None
    identity_number: str
    name: str
    vehicle_class: str | None = None
    subjects: Sequence[int] = ()
    until: date | None = None
    at: datetime


class Person(msgspec.Struct, frozen=True):
    """Somebody as their school sees them."""

    name: str
    identity_number: str


class RollCounts(msgspec.Struct, frozen=True):
    """How many of each there are; `ending`: consents of which SOON_DAYS are left."""

    given: int
    asked: int
    ended: int
    ending: int


async def roll_of(
    connection: AsyncConnection,
    school: str,
    standing: Standing,
    *,
    today: date,
    before: int | None,
    limit: int,
    word: str = "",
) -> list[RollEntry]:
    """Those of one standing, the newest first, older than the id `before`.

    `word`: only whom it names: a whole number or name, or what a list shows of a name, its first character. More would
    tell what is masked.
    """
    query, number, name = _query(standing, school, today=today)
    column = _request.id if standing == "asked" else _consent.id
    if before is not None:
        query = query.where(column < before)
    if word:
        query = query.where(or_(number == word, name == word, func.left(name, 1) == word))
    if standing == "ended":
        # Of several that have ended the last one counts; it is found before the page is cut.
        latest = query.ext(distinct_on(_consent.account)).order_by(_consent.account, _consent.id.desc())
        found = latest.subquery()
        rows = await connection.execute(select(found).order_by(found.c.id.desc()).limit(limit))
    else:
        rows = await connection.execute(query.order_by(column.desc()).limit(limit))
    return [_entry(row, standing) for row in rows]


async def find_entry(
    connection: AsyncConnection, school: str, standing: Standing, entry_id: int, *, today: date
) -> RollEntry:
    """One consent that stands, or one request.

    Raises:
        UnknownLearner: the school has none with this id.
    """
    query, _, _ = _query(standing, school, today=today)
    column = _request.id if standing == "asked" else _consent.id
    row = (await connection.execute(query.where(column == entry_id))).one_or_none()
    if row is None:
        raise UnknownLearner(id=entry_id)
    return _entry(row, standing)


async def count_roll(connection: AsyncConnection, school: str, *, today: date) -> RollCounts:
    """How many of each standing, and how many consents end soon."""
    counts: dict[str, int] = {}
    for standing in STANDINGS:
        query, _, _ = _query(standing, school, today=today)
        if standing == "ended":
            query = query.ext(distinct_on(_consent.account)).order_by(_consent.account)
        counts[standing] = (
            await connection.execute(select(func.count()).select_from(query.subquery()))
        ).scalar_one()
    soon, _, _ = _query("given", school, today=today)
    soon = soon.where(_consent.until < today + timedelta(days=SOON_DAYS))
    ending = (await connection.execute(select(func.count()).select_from(soon.subquery()))).scalar_one()
    return RollCounts(ending=ending, **counts)


async def give_up_consent(connection: AsyncConnection, school: str, consent_id: int) -> None:
    """The school lets a learner go: it books nothing more for them. Bookings that were made stand.

    Raises:
        UnknownLearner: it has no such consent.
    """
    done = await connection.execute(
        update(tables.consent)
        .where(_consent.id == consent_id, _consent.school == school, _consent.withdrawn_at.is_(None))
        .values(withdrawn_at=func.now())
        .returning(_consent.id)
    )
    if done.one_or_none() is None:
        raise UnknownLearner(id=consent_id)


async def take_request_back(connection: AsyncConnection, school: str, request_id: int) -> None:
    """The school asks no more.

    Raises:
        UnknownLearner: it has no such request.
    """
    done = await connection.execute(
        delete(tables.consent_request)
        .where(_request.id == request_id, _request.school == school)
        .returning(_request.id)
    )
    if done.one_or_none() is None:
        raise UnknownLearner(id=request_id)


async def people_of(
    connection: AsyncConnection, school: str, *, accounts: Collection[str]
) -> dict[str, Person]:
    """Those of these accounts who have ever consented to this school."""
    consented = select(_consent.account).where(_consent.school == school)
    query = select(_account.id, _account.name, _account.identity_number).where(
        _account.id.in_(accounts), _account.id.in_(consented)
    )
    return {
        row.id: Person(masked_name(row.name), masked_number(row.identity_number))
        for row in await connection.execute(query)
    }


def _query(
    standing: Standing, school: str, *, today: date
) -> tuple[Any, ColumnElement[str], ColumnElement[str]]:
    """The rows of a standing, and the columns of number and name."""
    if standing == "asked":
        kept = func.make_interval(0, 0, 0, REQUESTS_KEPT_DAYS)
        query = select(
            _request.id, _request.identity_number, _request.name, _request.asked_at.label("at")
        ).where(_request.school == school, _request.asked_at >= func.now() - kept)
        return query, _request.identity_number, _request.name
    newest = (
        select(learner_certificate.c.vehicle_class)
        .where(learner_certificate.c.identity_number == _account.identity_number)
        .order_by(learner_certificate.c.issued.desc(), learner_certificate.c.number)
        .limit(1)
        .scalar_subquery()
    )
    stands = _consent.withdrawn_at.is_(None) & (_consent.until >= today)
    query = (
        select(
            _consent.id,
            _consent.account,
            _account.identity_number,
            _account.name,
            newest.label("vehicle_class"),
            _consent.subjects,
            _consent.until,
            (_consent.given_at if standing == "given" else _consent.withdrawn_at).label("at"),
        )
        .join(account_table, _account.id == _consent.account)
        .where(_consent.school == school, _account.verified_at.is_not(None))
    )
    if standing == "given":
        return query.where(stands), _account.identity_number, _account.name
    since = today - timedelta(days=ENDED_SHOWN_DAYS)
    ended = func.coalesce(_consent.withdrawn_at, _consent.until) >= since
    standing_now = select(_consent.account).where(_consent.school == school, stands)
    query = query.where(ended, ~stands, _consent.account.not_in(standing_now))
    return query, _account.identity_number, _account.name


def _entry(row: Row[Any], standing: Standing) -> RollEntry:
    number, name = masked_number(row.identity_number), masked_name(row.name)
    if standing == "asked":
        return RollEntry(
            standing=standing, id=row.id, account=None, identity_number=number, name=name, at=row.at
        )
    return RollEntry(
        standing=standing,
        id=row.id,
        account=row.account,
        identity_number=number,
        name=name,
        vehicle_class=row.vehicle_class,
        subjects=list(row.subjects),
        until=row.until,
        at=row.at,
    )
