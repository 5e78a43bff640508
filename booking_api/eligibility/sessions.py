"""Which plan a unit comes from, and that plan's figures: remembered, for a published session never changes.

Imports SQLAlchemy and `reservation`. Whether a plan has been closed, and an authority's figures, may be FRESH_S old.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, select

from booking_api.clock import SHANGHAI
from booking_api.plans import tables
from booking_api.plans.authorities import Lineage, read_days_off, read_lineage, read_settings
from booking_api.rules.settings import ServiceSettings
from reservation import Kernel
from reservation.fresh import Fresh
from reservation.transaction import transaction

FRESH_S = 2.0
SESSIONS_KEPT = 50_000


class PlannedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """What a published session is, as rules ask. Never changes."""

    unit: int
    plan: int
    authority: str
    service: str
    subject: int | None
    vehicle_class: str | None
    quota: str
    site: str
    starts_at: datetime
    ends_at: datetime
    day: date
    """The day it takes place, in China."""
    opens_at: datetime | None
    closes_at: datetime | None


class Terms(msgspec.Struct, frozen=True):
    """What may change: the authority's figures and days off, its place among authorities, when the plan was closed."""

    settings: ServiceSettings
    days_off: frozenset[date]
    lineage: Lineage
    closed_at: datetime | None


class Sessions:
    """Owns what one worker remembers of published sessions. A unit that no plan has made is remembered as None."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._known: dict[int, PlannedUnit | None] = {}
        self._terms: Fresh[Terms] = Fresh(FRESH_S)

    async def planned(self, units: Sequence[int]) -> list[PlannedUnit]:
        """The planned ones of these units.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        known = self._known
        missing = [unit for unit in units if unit not in known]
        if missing:
            await self._read(missing)
        return [session for unit in units if (session := self._known.get(unit)) is not None]

    async def terms(self, session: PlannedUnit) -> Terms:
        """The figures in force for a session.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        known = self._terms.known(session.plan)
        return known or await self._terms.get(session.plan, lambda: self._read_terms(session))

    async def _read(self, units: Sequence[int]) -> None:
        session, plan = tables.plan_session, tables.plan
        query = (
            select(session, plan.c.authority, plan.c.service, plan.c.opens_at, plan.c.closes_at)
            .join(plan, plan.c.id == session.c.plan_id)
            .where(session.c.unit_id.in_(units))
        )
        async with transaction(self._kernel.reads) as connection:
            rows = (await connection.execute(query)).all()
        if len(self._known) + len(units) > SESSIONS_KEPT:
            self._known = {}
        self._known |= dict.fromkeys(units)
        self._known |= {row.unit_id: _planned(row) for row in rows}

    async def _read_terms(self, session: PlannedUnit) -> Terms:
        plan = tables.plan.c
        async with transaction(self._kernel.reads) as connection:
            lineage = await read_lineage(connection)
            above = lineage.up(session.authority)
            settings = await read_settings(connection, lineage=above, service=session.service)
            days_off = await read_days_off(connection, lineage=above)
            closed = await connection.execute(select(plan.closed_at).where(plan.id == session.plan))
            return Terms(settings, days_off, lineage, closed.scalar_one())


def closing_moment(session: PlannedUnit, terms: Terms) -> datetime:
    """When booking for this session ends: as its plan says, or the evening so many days before it, or earlier by hand."""
    closes = session.closes_at
    if closes is None:
        days = terms.settings.plans.closes_days_before
        midnight = datetime.combine(session.day, datetime.min.time(), SHANGHAI)
        closes = midnight - timedelta(days=days - 1) if days else session.starts_at
    return min(closes, session.starts_at, terms.closed_at or closes)


def _planned(row: Row[Any]) -> PlannedUnit:
    return PlannedUnit(
        unit=row.unit_id,
        plan=row.plan_id,
        authority=row.authority,
        service=row.service,
        subject=row.subject,
        vehicle_class=row.vehicle_class,
        quota=row.quota,
        site=row.site,
        day=row.starts_at.astimezone(SHANGHAI).date(),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
    )
