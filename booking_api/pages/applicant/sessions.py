"""What the live page shows, prepared: who gives out what, and a pool's sessions by day. May import `reservation`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import msgspec
from sqlalchemy import select

from booking_api.clock import SHANGHAI
from booking_api.pages.catalogue import DayWords, Words
from booking_api.rules import Quota
from reservation import Kernel, Pool, Unit, tables
from reservation.transaction import transaction

FEW_SHARE = 0.2


class AuthorityView(msgspec.Struct, frozen=True, kw_only=True):
    """An authority one can choose, and the pool of it to show first."""

    name: str
    pool: int
    chosen: bool


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """A pool one can choose. The title's part before its middle dot is its short name."""

    id: int
    short: str
    long: str
    chosen: bool


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `free` is None while the live count is not known; `filled` is the share taken, in percent."""

    id: int
    title: str
    start: str
    end: str
    vehicle_class: str
    priority: bool
    capacity: int
    free: int | None
    filled: int
    level: str


class DayView(msgspec.Struct, frozen=True, kw_only=True):
    """A day's sessions in order of time."""

    anchor: str
    words: DayWords
    weekend: bool
    sessions: list[SessionView]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one can choose from, and what is chosen."""

    authority: str
    province: str
    authorities: list[AuthorityView]
    pools: list[PoolView]
    pool: Pool


async def read_choice(kernel: Kernel, *, pool_id: int | None, words: Words) -> Choice | None:
    """What there is to choose, with this pool or the first one chosen; None when there is no such pool.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    pools = await kernel.read_pools()
    chosen = next((pool for pool in pools if pool_id in {None, pool.id}), None)
    if chosen is None:
        return None
    table = tables.authority
    async with transaction(kernel.reads) as connection:
        rows = (await connection.execute(select(table.c.id, table.c.name, table.c.parent))).all()
    names = {row.id: words.named(row.name) for row in rows}
    parents = {row.id: row.parent for row in rows}
    return Choice(
        authority=names[chosen.authority],
        province=names.get(parents[chosen.authority], ""),
        authorities=_authorities(pools, chosen, names),
        pools=[
            _pool_view(pool, words, chosen=pool.id == chosen.id)
            for pool in pools
            if pool.authority == chosen.authority
        ],
        pool=chosen,
    )


def group_by_day(units: Sequence[Unit], words: Words, *, now: datetime) -> list[DayView]:
    """The sessions that have not begun, by day in China; units without a time are left out."""
    coming = sorted(
        ((unit.starts_at, unit) for unit in units if unit.starts_at is not None and unit.starts_at > now),
        key=lambda pair: (pair[0], pair[1].id),
    )
    days: dict[date, list[SessionView]] = {}
    for starts_at, unit in coming:
        days.setdefault(starts_at.astimezone(SHANGHAI).date(), []).append(_session(unit, starts_at, words))
    return [
        DayView(
            anchor=f"d-{day.isoformat()}",
            words=words.leaf(day),
            weekend=day.isoweekday() > 5,
            sessions=sessions,
        )
        for day, sessions in days.items()
    ]


def classes_of(units: Sequence[Unit]) -> list[str]:
    """The vehicle classes these units are for, in order of name."""
    return sorted({unit.attributes["class"] for unit in units if unit.attributes.get("class")})


def level_of(free: int | None, capacity: int) -> str:
    """How a count is shown: many, few (FEW_SHARE or less), none, or unknown.

    >>> level_of(30, 40), level_of(8, 40), level_of(0, 40), level_of(None, 40)
    ('many', 'few', 'none', 'unknown')
    """
    if free is None:
        return "unknown"
    if free == 0:
        return "none"
    return "few" if free <= capacity * FEW_SHARE else "many"


def _authorities(pools: Sequence[Pool], chosen: Pool, names: dict[str, str]) -> list[AuthorityView]:
    first: dict[str, int] = {}
    same: dict[str, int] = {}
    for pool in pools:
        first.setdefault(pool.authority, pool.id)
        if (pool.service, pool.rule) == (chosen.service, chosen.rule):
            same.setdefault(pool.authority, pool.id)
    return [
        AuthorityView(
            name=names[authority], pool=same.get(authority, pool_id), chosen=authority == chosen.authority
        )
        for authority, pool_id in first.items()
    ]


def _pool_view(pool: Pool, words: Words, *, chosen: bool) -> PoolView:
    short, _, long = words.named(pool.title).partition(" · ")
    return PoolView(id=pool.id, short=short, long=long, chosen=chosen)


def _session(unit: Unit, starts_at: datetime, words: Words) -> SessionView:
    ends_at = unit.ends_at.astimezone(SHANGHAI).strftime("%H:%M") if unit.ends_at else ""
    taken = unit.capacity - (unit.free if unit.free is not None else unit.capacity)
    return SessionView(
        id=unit.id,
        title=words.named(unit.title),
        start=starts_at.astimezone(SHANGHAI).strftime("%H:%M"),
        end=ends_at,
        vehicle_class=unit.attributes.get("class", ""),
        priority=unit.attributes.get("quota") == Quota.PRIORITY,
        capacity=unit.capacity,
        free=unit.free,
        filled=round(100 * taken / max(unit.capacity, 1)),
        level=level_of(unit.free, unit.capacity),
    )


def utc(moment_ms: int) -> datetime:
    """Milliseconds since 1970 as a moment."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC)
