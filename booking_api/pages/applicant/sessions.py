"""What the find page shows, prepared: who gives out what, and a pool's sessions by day. Imports `offers` and the catalogues."""

from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from booking_api.clock import SHANGHAI
from booking_api.offers import Choices, Market, Offer, Site
from booking_api.pages.applicant.wishes import Wish
from booking_api.pages.catalogue import DayWords, Words
from booking_api.rules import Quota
from reservation import Pool

FEW_SHARE = 0.2
SATURDAY = 6


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
    """One session. `free` is None while the live count is not known; `filled` is the share taken, in percent.

    `state`: open, later (holds begin `opens`), closed, or barred (a rule stands against it for who looks).
    """

    id: int
    title: str
    site: str
    district: str
    near: bool
    start: str
    end: str
    vehicle_class: str
    priority: bool
    capacity: int
    free: int | None
    filled: int
    level: str
    state: str
    opens: str


class DayView(msgspec.Struct, frozen=True, kw_only=True):
    """A day's sessions: those of the wished district first, then in order of time."""

    anchor: str
    words: DayWords
    long: str
    weekend: bool
    level: str
    sessions: list[SessionView]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one can choose from, and what is chosen."""

    authority: str
    province: str
    authorities: list[AuthorityView]
    pools: list[PoolView]
    pool: Pool

    @property
    def chosen(self) -> PoolView:
        """The pool that is shown."""
        return next(view for view in self.pools if view.chosen)


def choice_of(market: Market, chosen: Pool, words: Words) -> Choice:
    """What there is to choose, with this pool chosen."""
    names = {authority: words.named(name) for authority, name in market.names.items()}
    return Choice(
        authority=names[chosen.authority],
        province=names.get(market.parents[chosen.authority] or "", ""),
        authorities=_authorities(market.pools, chosen, names),
        pools=[
            _pool_view(pool, words, chosen=pool.id == chosen.id)
            for pool in market.pools
            if pool.authority == chosen.authority
        ],
        pool=chosen,
    )


def days_of(
    offers: Sequence[Offer],
    wish: Wish,
    choices: Choices,
    words: Words,
    *,
    now: datetime,
    barred: Container[int] = frozenset(),
) -> list[DayView]:
    """The offers by day in China; `barred` are units that rules forbid to who looks."""
    sites = {site.code: site for site in choices.sites}
    days: dict[date, list[SessionView]] = {}
    for offer in offers:
        view = session_view(offer, sites, words, near=wish.near, now=now, barred=barred)
        if not wish.free or view.free != 0:
            days.setdefault(offer.starts_at.astimezone(SHANGHAI).date(), []).append(view)
    return [_day(day, sessions, words) for day, sessions in days.items()]


def every_day(days: Sequence[DayView], first: date, count: int, words: Words) -> list[DayView]:
    """So many days from the first one on, those without sessions too."""
    known = {day.anchor: day for day in days}
    wanted = [first + timedelta(days=number) for number in range(count)]
    return [known.get(_anchor(day)) or _day(day, [], words) for day in wanted]


def session_view(
    offer: Offer,
    sites: Mapping[str, Site],
    words: Words,
    *,
    near: str = "",
    now: datetime,
    barred: Container[int] = frozenset(),
) -> SessionView:
    """One offer as it is shown."""
    unit = offer.unit
    title, site = words.named(unit.title), sites.get(unit.site or "")
    taken = unit.capacity - (unit.free if unit.free is not None else unit.capacity)
    return SessionView(
        id=unit.id,
        title=title,
        site=words.named(site.name) if site else title,
        district=unit.attributes.get("district", ""),
        near=bool(near) and unit.attributes.get("district") == near,
        start=words.time(offer.starts_at),
        end=words.time(unit.ends_at) if unit.ends_at else "",
        vehicle_class=unit.attributes.get("class", ""),
        priority=unit.attributes.get("quota") == Quota.PRIORITY,
        capacity=unit.capacity,
        free=unit.free,
        filled=round(100 * taken / max(unit.capacity, 1)),
        level=level_of(unit.free, unit.capacity),
        state=_state(offer, now=now, barred=barred),
        opens=words.moment(offer.opens_at) if offer.opens_at else "",
    )


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


def _state(offer: Offer, *, now: datetime, barred: Container[int]) -> str:
    if now >= offer.closes_at:
        return "closed"
    if offer.unit.id in barred:
        return "barred"
    return "later" if offer.opens_at is not None and now < offer.opens_at else "open"


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


def _day(day: date, sessions: list[SessionView], words: Words) -> DayView:
    counts = [view.free for view in sessions if view.state != "closed"]
    free = sum(count or 0 for count in counts)
    return DayView(
        anchor=_anchor(day),
        words=words.leaf(day),
        long=words.long_day(day),
        weekend=day.isoweekday() >= SATURDAY,
        level="unknown" if None in counts else "many" if free else "none",
        sessions=sorted(sessions, key=lambda view: (not view.near, view.start)),
    )


def _anchor(day: date) -> str:
    return f"d-{day.isoformat()}"
