"""Authorities: who is above whom, and each one's figures and days off. Imports SQLAlchemy and the rules."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.errors import InvalidRequest, UnknownAuthority
from booking_api.payments.errors import NothingDue
from booking_api.plans import tables
from booking_api.plans.errors import NotYourAuthority
from booking_api.rules.settings import SETTINGS, ServiceSettings, TestSettings, settings_of
from reservation.model import Moment
from reservation.tables import authority as authority_table
from reservation.transaction import transaction

DEPTH_LIMIT = 8


class SettingsChange(msgspec.Struct, frozen=True):
    """One change in the history of an authority's figures: what it set itself, by whom and why."""

    settings: dict[str, Any]
    reason: str
    set_by: str
    set_at: Moment


class Lineage(msgspec.Struct, frozen=True):
    """Every authority and the one above it."""

    parents: dict[str, str | None]

    def up(self, authority: str) -> list[str]:
        """The authority and those above it, itself first.

        Raises:
            UnknownAuthority: there is none of this id.
        """
        if authority not in self.parents:
            raise UnknownAuthority(authority=authority[:64])
        found: list[str] = []
        here: str | None = authority
        while here is not None and len(found) < DEPTH_LIMIT:
            found.append(here)
            here = self.parents.get(here)
        return found

    def check_scope(self, scopes: Iterable[str], authority: str) -> None:
        """Passes when a role's scope is the authority or one above it.

        Raises:
            UnknownAuthority, NotYourAuthority: it is not.
        """
        if not set(scopes) & set(self.up(authority)):
            raise NotYourAuthority(authority=authority)


async def read_lineage(connection: AsyncConnection) -> Lineage:
    """All authorities; a country has some hundreds."""
    rows = await connection.execute(select(authority_table.c.id, authority_table.c.parent))
    return Lineage({row.id: row.parent for row in rows})


async def read_settings(connection: AsyncConnection, *, lineage: list[str], service: str) -> ServiceSettings:
    """The figures in force for the first authority of this lineage (`Lineage.up`).

    Raises:
        KeyError: the service has none.
    """
    layers = await read_layers(connection, authorities=lineage, service=service)
    return settings_of(service, *(layers[above].settings for above in reversed(lineage) if above in layers))


async def authority_names(engine: AsyncEngine, ids: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Authority -> its name by language; one that is not there is left out."""
    table = authority_table.c
    async with engine.connect() as connection:
        rows = await connection.execute(select(table.id, table.name).where(table.id.in_(set(ids))))
        return {row.id: row.name for row in rows}


async def read_fee_fen(connection: AsyncConnection, *, authority: str, subject: int) -> int:
    """What a sitting of a subject costs at an authority, in fen; 0 when nothing is due.

    Raises:
        UnknownAuthority: there is none of this id.
    """
    lineage = (await read_lineage(connection)).up(authority)
    settings = await read_settings(connection, lineage=lineage, service="driving_test")
    return settings.eligibility.fees_fen.get(subject, 0) if isinstance(settings, TestSettings) else 0


async def due_fen(engine: AsyncEngine, *, authority: str, subject: int) -> int:
    """What somebody has to pay for a sitting of a subject at an authority, in fen.

    Raises:
        UnknownAuthority: there is none of this id.
        NothingDue: it asks no fee for it.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    async with transaction(engine) as connection:
        amount_fen = await read_fee_fen(connection, authority=authority, subject=subject)
    if amount_fen == 0:
        raise NothingDue(authority=authority, subject=subject)
    return amount_fen


async def set_settings(
    connection: AsyncConnection,
    *,
    lineage: list[str],
    service: str,
    settings: dict[str, Any],
    reason: str,
    by: str,
) -> ServiceSettings:
    """Sets what an authority has of its own, whole; gives the figures that are in force then.

    Raises:
        InvalidRequest: no such service, or a name or value that its settings do not have.
    """
    if service not in SETTINGS:
        raise InvalidRequest(errors=[{"field": "service", "reason": f"one of {', '.join(SETTINGS)}"}])
    try:
        settings_of(service, settings)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=[{"field": "settings", "reason": str(error)}]) from None
    await connection.execute(
        insert(tables.authority_settings).values(
            authority=lineage[0], service=service, settings=settings, reason=reason, set_by=by
        )
    )
    return await read_settings(connection, lineage=lineage, service=service)


async def settings_history(
    connection: AsyncConnection, *, authority: str, service: str, limit: int
) -> list[SettingsChange]:
    """What the authority has set, the newest first."""
    table = tables.authority_settings.c
    rows = await connection.execute(
        select(table.settings, table.reason, table.set_by, table.set_at)
        .where(table.authority == authority, table.service == service)
        .order_by(table.id.desc())
        .limit(limit)
    )
    return [SettingsChange(row.settings, row.reason, row.set_by, row.set_at) for row in rows]


async def read_days_off(connection: AsyncConnection, *, lineage: list[str]) -> frozenset[date]:
    """The authority's days off and those of the ones above it."""
    table = tables.day_off.c
    rows = await connection.execute(select(table.day).where(table.authority.in_(lineage)))
    return frozenset(rows.scalars())


class NamedDay(msgspec.Struct, frozen=True):
    """A day off, its name, and which authority has set it."""

    day: date
    name: str
    authority: str


async def named_days_off(connection: AsyncConnection, *, lineage: list[str], since: date) -> list[NamedDay]:
    """The days off from a day on, in order; those of the authorities above are among them."""
    table = tables.day_off.c
    query = select(table.day, table.name, table.authority).where(
        table.authority.in_(lineage), table.day >= since
    )
    rows = await connection.execute(query.order_by(table.day, table.authority))
    return [NamedDay(row.day, row.name, row.authority) for row in rows]


async def names_of_authorities(connection: AsyncConnection) -> dict[str, dict[str, str]]:
    """Every authority's name by language, those above before those below them."""
    table = authority_table.c
    rows = await connection.execute(select(table.id, table.name).order_by(table.id))
    return {row.id: row.name for row in rows}


async def read_layers(
    connection: AsyncConnection, *, authorities: list[str], service: str
) -> dict[str, SettingsChange]:
    """What each of these authorities has set itself, as of its latest change; those that never did are left out."""
    table = tables.authority_settings.c
    latest = (
        select(table.authority, table.settings, table.reason, table.set_by, table.set_at)
        .where(table.authority.in_(authorities), table.service == service)
        .ext(distinct_on(table.authority))
        .order_by(table.authority, table.id.desc())
    )
    return {
        row.authority: SettingsChange(row.settings, row.reason, row.set_by, row.set_at)
        for row in await connection.execute(latest)
    }


async def add_days_off(connection: AsyncConnection, *, authority: str, days: dict[date, str]) -> None:
    """Adds days off with their names; one that is known takes the new name."""
    if not days:
        return
    new = upsert(tables.day_off).values(
        [{"authority": authority, "day": day, "name": name} for day, name in days.items()]
    )
    await connection.execute(
        new.on_conflict_do_update(index_elements=["authority", "day"], set_={"name": new.excluded.name})
    )
