"""What a pool offers now, remembered for a moment: thousands who look at an opening cost one read a second.

Imports SQLAlchemy, `eligibility`'s sessions and `reservation`. Everything here is the same for everybody who asks.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import func, select

from booking_api.clock import SHANGHAI
from booking_api.eligibility.sessions import PlannedUnit, Sessions, closing_moment
from booking_api.gathering import Reader
from reservation import Kernel, Pool, Unit, UnitFilter, find_units, tables, units_of
from reservation.fresh import Fresh
from reservation.transaction import transaction

FRESH_S = 1.0
CHOICES_FRESH_S = 10.0
ONE_FRESH_S = 0.25
UNITS_LIMIT = 600
"""Of one window: a crowded city is asked by class or site."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A unit with a time. `planned` None: no plan has made it, so that no rule is known of it.

    Holds are taken from `opens_at`, if that is not None, until `closes_at`.
    """

    unit: Unit
    starts_at: datetime
    planned: PlannedUnit | None
    opens_at: datetime | None
    closes_at: datetime


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A pool's offers of some days in order of time. `more`: there are more than UNITS_LIMIT.

    `later`: the first day after these on which there is something.
    """

    offers: list[Offer]
    more: bool
    later: date | None


class Asked(NamedTuple):
    """Which window: from a day on, for so many days, of one site or class where given."""

    pool: int
    first: date
    days: int
    site: str | None = None
    vehicle_class: str | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place. It is called what the titles of its sessions have in common."""

    code: str
    name: dict[str, str]
    district: str | None


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a pool's coming units can be chosen by."""

    sites: list[Site]
    classes: list[str]
    districts: list[str]


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """Every pool, and what authorities are called and who is above them."""

    pools: list[Pool]
    names: Mapping[str, dict[str, str]]
    parents: Mapping[str, str | None]


class Offers:
    """Owns one worker's memory of what is offered: FRESH_S old at most, `reservation.fresh.KEPT` of each kind."""

    def __init__(self, kernel: Kernel, sessions: Sessions) -> None:
        self._kernel = kernel
        self._sessions = sessions
        self._markets: Fresh[Market] = Fresh(FRESH_S)
        self._windows: Fresh[Window] = Fresh(FRESH_S)
        self._choices: Fresh[Choices] = Fresh(CHOICES_FRESH_S)
        self._ones: Reader[int, Offer | None] = Reader(self._read_ones, nothing=None, fresh_s=ONE_FRESH_S)

    async def market(self) -> Market:
        """What there is to choose from.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        return self._markets.known(None) or await self._markets.get(None, self._read_market)

    async def window(self, asked: Asked) -> Window:
        """A pool's offers that have not begun.

        Raises:
            UnknownPool: there is none.
            Unavailable, Busy: PostgreSQL does not answer.
        """
        return self._windows.known(asked) or await self._windows.get(asked, lambda: self._read(asked))

    async def choices(self, pool_id: int) -> Choices:
        """What the pool's coming units can be chosen by.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        known = self._choices.known(pool_id)
        return known or await self._choices.get(pool_id, lambda: self._read_choices(pool_id))

    async def one(self, unit_id: int) -> Offer | None:
        """One unit, ONE_FRESH_S old at most; None where there is none, or none with a time.

        Hundreds who are refused one place at once are shown it, each on a page of their own.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        return await self._ones.of(unit_id)

    async def _read_market(self) -> Market:
        authority = tables.authority
        query = select(authority.c.id, authority.c.name, authority.c.parent)
        async with transaction(self._kernel.reads) as connection:
            rows = (await connection.execute(query)).all()
        return Market(
            pools=await self._kernel.read_pools(),
            names={row.id: row.name for row in rows},
            parents={row.id: row.parent for row in rows},
        )

    async def _read(self, asked: Asked) -> Window:
        starts_from = max(_midnight(asked.first), _moment(self._kernel.clock()))
        starts_before = _midnight(asked.first + timedelta(days=asked.days))
        wanted = UnitFilter(
            site=asked.site,
            starts_from=starts_from,
            starts_before=starts_before,
            attributes={} if asked.vehicle_class is None else {"class": asked.vehicle_class},
        )
        found = await units_of(self._kernel, pool_id=asked.pool, wanted=wanted, limit=UNITS_LIMIT + 1)
        offers = await self._offers([unit for unit in found[:UNITS_LIMIT] if unit.capacity])
        later = await self._first_after(asked.pool, starts_before)
        return Window(offers=offers, more=len(found) > UNITS_LIMIT, later=later)

    async def _read_ones(self, unit_ids: Sequence[int]) -> dict[int, Offer | None]:
        units = await find_units(self._kernel, unit_ids=unit_ids)
        return {offer.unit.id: offer for offer in await self._offers(list(units.values()))}

    async def _offers(self, units: Sequence[Unit]) -> list[Offer]:
        planned = {each.unit: each for each in await self._sessions.planned([unit.id for unit in units])}
        offers: list[Offer] = []
        for unit in units:
            session, starts_at = planned.get(unit.id), unit.starts_at
            if starts_at is None:
                continue
            closes_at = starts_at
            if session is not None:
                closes_at = closing_moment(session, await self._sessions.terms(session))
            offers.append(
                Offer(
                    unit=unit,
                    starts_at=starts_at,
                    planned=session,
                    opens_at=session.opens_at if session else None,
                    closes_at=closes_at,
                )
            )
        return sorted(offers, key=lambda offer: (offer.starts_at, offer.unit.id))

    async def _first_after(self, pool_id: int, moment: datetime) -> date | None:
        unit = tables.unit.c
        query = select(func.min(unit.starts_at)).where(
            unit.pool_id == pool_id, unit.starts_at >= moment, unit.capacity > 0
        )
        async with transaction(self._kernel.reads) as connection:
            first = (await connection.execute(query)).scalar_one()
        return first.astimezone(SHANGHAI).date() if first is not None else None

    async def _read_choices(self, pool_id: int) -> Choices:
        unit = tables.unit.c
        district, vehicle_class = unit.attributes["district"].astext, unit.attributes["class"].astext
        query = (
            select(unit.site, unit.title, district.label("district"), vehicle_class.label("vehicle_class"))
            .where(unit.pool_id == pool_id, unit.starts_at > _moment(self._kernel.clock()))
            .where(unit.site.is_not(None), unit.capacity > 0)
            .distinct()
        )
        async with transaction(self._kernel.reads) as connection:
            rows = (await connection.execute(query)).all()
        titles: dict[str, list[dict[str, str]]] = {}
        districts = {row.site: row.district for row in rows}
        for row in rows:
            titles.setdefault(row.site, []).append(row.title)
        sites = [
            Site(code=code, name=site_name(code, titles[code]), district=districts[code])
            for code in sorted(titles)
        ]
        return Choices(
            sites=sites,
            classes=sorted({row.vehicle_class for row in rows if row.vehicle_class}),
            districts=sorted({name for name in districts.values() if name}),
        )


def site_name(code: str, titles: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What a site is called, by language: what its sessions' titles begin with alike, else its code.

    >>> site_name("hz-xihu", [{"en": "Xihu site, morning"}, {"en": "Xihu site, afternoon"}])
    {'en': 'Xihu site'}
    >>> site_name("hz-xihu", [{"en": "Morning"}, {"en": "Afternoon"}])
    {'en': 'hz-xihu'}
    >>> site_name("a", [{"zh-CN": "拱墅检测站 第一时段"}, {"zh-CN": "拱墅检测站 第二时段"}])
    {'zh-CN': '拱墅检测站'}
    """
    languages = titles[0].keys()
    return {lang: _alike([title.get(lang, "") for title in titles]) or code for lang in languages}


def _alike(titles: Sequence[str]) -> str:
    shortest, longest = min(titles), max(titles)
    length = next((n for n, (a, b) in enumerate(zip(shortest, longest, strict=False)) if a != b), None)
    alike = shortest[:length]
    if any(title[len(alike) : len(alike) + 1].isalnum() for title in titles):
        # In the middle of a word, where words are written apart.
        alike = alike.rpartition(" ")[0] or alike
    return alike.rstrip(" ,·-:\u2013\uff1a\uff0c\u3001")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _moment(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC)
