"""The register of schools and stations, and who acts for them. Each joins its caller's transaction.

Every change is a row of `organisation_change`, written in the same transaction. Imports SQLAlchemy.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.errors import NotYourOrganisation, UnknownAccount
from booking_api.identity.accounts import spelled_login
from booking_api.identity.tables import account as account_table
from booking_api.organisations import tables
from booking_api.organisations.errors import (
    AccountNotVerified,
    OrganisationExists,
    OrganisationSuspended,
    UnknownOrganisation,
)
from booking_api.plans.draft import Title
from booking_api.plans.rows import Code

SITES_LIMIT = 50
SCHOOLS_LIMIT = 2_000
Kind = Literal["school", "station"]


class NewOrganisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A school or station to register. `sites`: of a station, where it works, as plans name the place."""

    id: Code
    kind: Kind
    authority: Code
    name: Title
    sites: Annotated[list[Code], msgspec.Meta(max_length=SITES_LIMIT)] = []

    def __post_init__(self) -> None:
        if self.kind == "school" and self.sites:
            raise ValueError("a school has no sites")


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """A school or station as everybody may know it."""

    id: str
    kind: str
    authority: str
    name: dict[str, str]
    sites: list[str]
    state: str


class OrganisationChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done about an organisation. `account`: whose membership it was about."""

    id: int
    action: str
    account: str | None
    reason: str | None
    by: str
    at: datetime


async def register_organisation(
    connection: AsyncConnection, new: NewOrganisation, *, by: str
) -> Organisation:
    """Registers a school or station.

    Raises:
        OrganisationExists: the id is taken.
    """
    table = tables.organisation
    made = await connection.execute(
        upsert(table)
        .values(
            id=new.id,
            kind=new.kind,
            authority=new.authority,
            name=new.name,
            sites=sorted(set(new.sites)),
            state="active",
            created_by=by,
        )
        .on_conflict_do_nothing()
        .returning(table)
    )
    row = made.one_or_none()
    if row is None:
        raise OrganisationExists(organisation=new.id)
    await _note(connection, new.id, action="created", by=by)
    return _organisation(row)


async def find_organisation(connection: AsyncConnection, organisation_id: str) -> Organisation:
    """One school or station.

    Raises:
        UnknownOrganisation: there is none of this id.
    """
    table = tables.organisation
    row = (await connection.execute(select(table).where(table.c.id == organisation_id))).one_or_none()
    if row is None:
        raise UnknownOrganisation(organisation=organisation_id[:64])
    return _organisation(row)


async def organisation_names(engine: AsyncEngine, ids: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """Organisation -> its name by language; one that is not there is left out."""
    table = tables.organisation.c
    async with engine.connect() as connection:
        rows = await connection.execute(select(table.id, table.name).where(table.id.in_(set(ids))))
        return {row.id: row.name for row in rows}


async def enter_organisation(
    connection: AsyncConnection, organisation_id: str, *, kind: Kind | None, scopes: Collection[str]
) -> Organisation:
    """The organisation somebody acts for, if their role is for it and its authority has not suspended it.

    `kind` None: either. `scopes`: what the asker has the role for.

    Raises:
        NotYourOrganisation: the role is for another one, or it is not of this kind.
        UnknownOrganisation, OrganisationSuspended: it cannot act.
    """
    if organisation_id not in scopes:
        raise NotYourOrganisation(organisation=organisation_id[:64])
    found = await find_organisation(connection, organisation_id)
    if kind is not None and found.kind != kind:
        raise NotYourOrganisation(organisation=organisation_id)
    if found.state != "active":
        raise OrganisationSuspended(organisation=organisation_id)
    return found


async def organisations_of(
    connection: AsyncConnection, *, authority: str, kind: Kind | None, after: str, limit: int
) -> list[Organisation]:
    """An authority's schools and stations in the order of their ids."""
    table = tables.organisation
    query = select(table).where(table.c.authority == authority, table.c.id > after)
    if kind is not None:
        query = query.where(table.c.kind == kind)
    return [_organisation(row) for row in await connection.execute(query.order_by(table.c.id).limit(limit))]


async def schools_open(connection: AsyncConnection) -> list[Organisation]:
    """Every school that may act, by authority, for people to choose theirs; at most SCHOOLS_LIMIT."""
    table = tables.organisation
    query = select(table).where(table.c.kind == "school", table.c.state == "active")
    rows = await connection.execute(query.order_by(table.c.authority, table.c.id).limit(SCHOOLS_LIMIT))
    return [_organisation(row) for row in rows]


async def set_state(
    connection: AsyncConnection, organisation_id: str, *, state: str, reason: str, by: str
) -> Organisation:
    """Suspends an organisation, or ends its suspension. One that is in this state already is left as it is.

    Raises:
        UnknownOrganisation: there is none of this id.
    """
    table = tables.organisation
    done = await connection.execute(
        update(table)
        .where(table.c.id == organisation_id, table.c.state != state)
        .values(state=state)
        .returning(table.c.id)
    )
    if done.one_or_none() is not None:
        action = "suspended" if state == "suspended" else "resumed"
        await _note(connection, organisation_id, action=action, by=by, reason=reason)
    return await find_organisation(connection, organisation_id)


async def give_membership(
    connection: AsyncConnection, organisation: Organisation, *, login: str, by: str
) -> str:
    """Lets a verified account act for the organisation, from its next token on. Gives the account's id.

    Raises:
        UnknownAccount: nobody has this login.
        AccountNotVerified: its person has not been verified yet.
    """
    account = await _lock_account(connection, login)
    if account.verified_at is None:
        raise AccountNotVerified(account=account.id)
    role = f"{organisation.kind}:{organisation.id}"
    if role not in account.roles:
        await _set_roles(connection, account.id, sorted({*account.roles, role}))
        await _note(connection, organisation.id, action="member_given", by=by, account=account.id)
    return account.id


async def take_membership(
    connection: AsyncConnection, organisation: Organisation, *, login: str, by: str
) -> str:
    """Ends that an account acts for the organisation, when its present token ends. Gives the account's id.

    Raises:
        UnknownAccount: nobody has this login.
    """
    account = await _lock_account(connection, login)
    role = f"{organisation.kind}:{organisation.id}"
    if role in account.roles:
        await _set_roles(connection, account.id, [held for held in account.roles if held != role])
        await _note(connection, organisation.id, action="member_taken", by=by, account=account.id)
    return account.id


async def changes_of(
    connection: AsyncConnection, organisation_id: str, *, before: int | None, limit: int
) -> list[OrganisationChange]:
    """What was done about an organisation, the newest first."""
    table = tables.organisation_change
    query = select(table).where(table.c.organisation == organisation_id)
    if before is not None:
        query = query.where(table.c.id < before)
    rows: Sequence[Row[Any]] = (
        await connection.execute(query.order_by(table.c.id.desc()).limit(limit))
    ).all()
    return [
        OrganisationChange(
            id=row.id, action=row.action, account=row.account, reason=row.reason, by=row.by, at=row.at
        )
        for row in rows
    ]


async def _lock_account(connection: AsyncConnection, login: str) -> Row[*tuple[Any, ...]]:
    table = account_table.c
    spelled = spelled_login(login)
    # What PostgreSQL would refuse outright is nobody's login.
    query = select(table.id, table.roles, table.verified_at).where(table.login == spelled)
    row = (await connection.execute(query.with_for_update())).one_or_none() if spelled.isprintable() else None
    if row is None:
        raise UnknownAccount(account=login[:64])
    return row


async def _set_roles(connection: AsyncConnection, account_id: str, roles: list[str]) -> None:
    await connection.execute(
        update(account_table).where(account_table.c.id == account_id).values(roles=roles)
    )


async def _note(
    connection: AsyncConnection,
    organisation_id: str,
    *,
    action: str,
    by: str,
    account: str | None = None,
    reason: str | None = None,
) -> None:
    await connection.execute(
        insert(tables.organisation_change).values(
            organisation=organisation_id, action=action, account=account, reason=reason, by=by
        )
    )


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        id=row.id,
        kind=row.kind,
        authority=row.authority,
        name=row.name,
        sites=list(row.sites),
        state=row.state,
    )
