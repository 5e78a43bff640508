"""Which sites a station works at, and which stations work at a site. Imports SQLAlchemy and this room's tables."""

from collections.abc import Collection, Mapping

from sqlalchemy import any_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.organisations import tables

_organisation = tables.organisation.c


async def sites_of(connection: AsyncConnection, stations: Collection[str]) -> frozenset[str]:
    """The sites at which these stations work; a suspended one works nowhere."""
    rows = await connection.execute(
        select(_organisation.sites).where(
            _organisation.id.in_(stations), _organisation.kind == "station", _organisation.state == "active"
        )
    )
    return frozenset(site for sites in rows.scalars() for site in sites)


async def stations_at(connection: AsyncConnection, sites: Collection[str]) -> Mapping[str, list[str]]:
    """Site -> the stations that work there, as events name them; a site without one is left out."""
    found: dict[str, list[str]] = {}
    for site in sorted(set(sites)):
        rows = await connection.execute(
            select(_organisation.id)
            .where(_organisation.kind == "station", literal(site) == any_(_organisation.sites))
            .order_by(_organisation.id)
        )
        if names := [f"station:{name}" for name in rows.scalars()]:
            found[site] = names
    return found
