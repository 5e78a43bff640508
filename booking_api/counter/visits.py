"""A visit: one clerk serves one person whose card they have in hand, for minutes. Imports SQLAlchemy and `identity`.

Whoever acts for somebody names the visit, never the person: without the card in hand there is none, and what is done in
one is on record with its clerk.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.clock import SHANGHAI
from booking_api.counter import tables
from booking_api.counter.errors import UnknownVisit
from booking_api.errors import OwnAccount, UnknownAccount
from booking_api.identity import tables as identity
from booking_api.identity.accounts import Person, find_at_counter, person_of
from booking_api.identity.passwords import NO_PASSWORD
from booking_api.identity.tokens import Account
from booking_api.plans.errors import NotYourAuthority
from booking_api.registers.asking import vehicles_of
from booking_api.uuids import is_uuid

VISIT_LIFE = timedelta(minutes=30)
OPEN_SHOWN = 20
_visit, _account = tables.counter_visit.c, identity.account.c


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One person at the counter, until `expires_at`. `has_password`: whether they can sign in by themselves."""

    id: str
    authority: str
    person: Person
    has_password: bool
    opened_at: datetime
    expires_at: datetime


class Present(NamedTuple):
    """Who stands at the counter: the visit, the account as its owner's token would have it, and the number on the card."""

    visit: Visit
    account: Account
    identity_number: str


def check_counter(clerk: Account, authority: str) -> None:
    """Passes when the clerk works at this authority's counters.

    Raises:
        NotYourAuthority: they do not.
    """
    if authority not in clerk.scopes("clerk"):
        raise NotYourAuthority(authority=authority[:64])


async def begin_visit(
    engine: AsyncEngine, *, authority: str, clerk: str, login: str, identity_number: str, now: datetime
) -> Visit:
    """A visit of the account with this login and the number that the clerk has read from the card.

    Raises:
        InvalidRequest: the number cannot be one.
        UnknownAccount: no account has this login and this number.
        OwnAccount: it is the clerk's own, or another one of the same person.
    """
    person = await find_at_counter(
        engine, login=login, identity_number=identity_number, today=now.astimezone(SHANGHAI).date()
    )
    async with engine.begin() as connection:
        number = await connection.execute(select(_account.identity_number).where(_account.id == person.id))
        await check_other(connection, clerk=clerk, identity_number=number.scalar_one_or_none())
        visit = await add_visit(connection, authority=authority, clerk=clerk, account=person.id)
        return (await _read(connection, visit)).visit


async def check_other(connection: AsyncConnection, *, clerk: str, identity_number: str | None) -> None:
    """Passes when the number is another person's than the clerk's.

    Raises:
        OwnAccount: nobody serves themselves.
    """
    own = await connection.execute(select(_account.identity_number).where(_account.id == clerk))
    if own.scalar_one_or_none() == identity_number:
        raise OwnAccount


async def add_visit(connection: AsyncConnection, *, authority: str, clerk: str, account: str) -> str:
    """Adds a visit in the caller's transaction; gives its id."""
    values = {"id": str(uuid4()), "authority": authority, "clerk": clerk, "account": account}
    new = insert(tables.counter_visit).values(values | {"expires_at": func.now() + VISIT_LIFE})
    return (await connection.execute(new.returning(_visit.id))).scalar_one()


async def find_visit(engine: AsyncEngine, visit_id: str, *, clerk: Account) -> Present:
    """The clerk's visit of this id, with the person as they are now.

    Raises:
        UnknownVisit: there is none, it has ended, or it is of an authority the clerk does not work for any more.
        UnknownAccount: the person has been erased meanwhile.
    """
    if not is_uuid(visit_id):
        raise UnknownVisit(visit=visit_id[:64])
    query = select(_visit.id).where(
        _visit.id == visit_id,
        _visit.clerk == clerk.id,
        _visit.authority.in_(clerk.scopes("clerk")),
        _visit.ended_at.is_(None),
        _visit.expires_at > func.now(),
    )
    async with engine.connect() as connection:
        if (await connection.execute(query)).one_or_none() is None:
            raise UnknownVisit(visit=visit_id)
        return await _read(connection, visit_id)


async def open_visits(connection: AsyncConnection, *, clerk: str, authority: str) -> list[Visit]:
    """The clerk's visits that have not ended, the newest first; two for one person are shown as the newer one."""
    query = (
        select(_visit.id, _visit.account)
        .where(_visit.clerk == clerk, _visit.authority == authority, _visit.ended_at.is_(None))
        .where(_visit.expires_at > func.now())
        .order_by(_visit.opened_at.desc())
        .limit(OPEN_SHOWN)
    )
    newest: dict[str, str] = {}
    for row in await connection.execute(query):
        newest.setdefault(row.account, row.id)
    return [(await _read(connection, visit)).visit for visit in newest.values()]


async def end_visit(engine: AsyncEngine, visit_id: str, *, clerk: Account) -> None:
    """Ends the clerk's visit, and what other visits of the same person they have open.

    Raises:
        As `find_visit`.
    """
    present = await find_visit(engine, visit_id, clerk=clerk)
    async with engine.begin() as connection:
        await connection.execute(
            update(tables.counter_visit)
            .where(_visit.clerk == clerk.id, _visit.account == present.account.id, _visit.ended_at.is_(None))
            .values(ended_at=func.now())
        )


async def _read(connection: AsyncConnection, visit_id: str) -> Present:
    query = (
        select(
            _visit.authority,
            _visit.opened_at,
            _visit.expires_at,
            _visit.account.label("served"),
            identity.account,
        )
        .outerjoin(identity.account, _account.id == _visit.account)
        .where(_visit.id == visit_id)
    )
    row = (await connection.execute(query)).one()
    if row.id is None:
        raise UnknownAccount(account=row.served)
    person = person_of(row)
    visit = Visit(
        id=visit_id,
        authority=row.authority,
        person=person,
        has_password=row.password_hash != NO_PASSWORD,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
    )
    account = Account(
        id=person.id,
        vehicles=tuple((await vehicles_of(connection, [person.id]))[person.id]),
        expires_at_s=int(row.expires_at.timestamp()),
        verified=person.verified,
        roles=frozenset(),
    )
    return Present(visit, account, row.identity_number)
