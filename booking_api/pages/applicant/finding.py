"""`/`: a pool's sessions with their free places, as a list or a week. Readable and usable without scripts.

What strangers ask for is the same for all of them, so it is rendered once a second and worker, and kept packed. Of a page
of one's own, the sessions are the same for all whom the same rules stand against.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup

from booking_api.clock import SHANGHAI
from booking_api.desk import Desk
from booking_api.eligibility.errors import NotEligible
from booking_api.gate.access import Access
from booking_api.offers import FRESH_S, Asked, Choices, Market, Offer, Window
from booking_api.pages.applicant.mine import Mine, mine_of
from booking_api.pages.applicant.sessions import choice_of, days_of, every_day, session_view
from booking_api.pages.applicant.suiting import Suit, suit_of, suitable_pool
from booking_api.pages.applicant.wishes import NAMES, Wish, read_wish
from booking_api.pages.catalogue import Words
from booking_api.pages.compression import compressed
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import Page, page_text, part_of_page
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, visit
from booking_api.request import AnyRequest
from reservation import ClaimantKind, Pool
from reservation.errors import UnknownPool
from reservation.fresh import Fresh

PRIORITY_RULES = frozenset({"priority_only", "priority_used"})
REMEMBERED_LENGTH = 200
"""Of an address: a page that is asked for by a longer one is made for its asker alone."""


class Shown(NamedTuple):
    """A page that was made, and the same packed."""

    text: str
    packed: bytes
    status: int


class Days(NamedTuple):
    """The part of a page that has its sessions by day; `sessions` says whether there are any."""

    html: Markup
    sessions: bool


class Looker(NamedTuple):
    """Somebody signed in: what suits them, what is theirs."""

    account: str
    suit: Suit | None
    mine: Mine
    vehicles: Sequence[str]


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Why none of the sessions that suit somebody may be theirs, and from when on one may. `unit`: one of them."""

    refused: Refusal
    unit: int
    from_link: str
    fee: bool


def find_pages() -> list[HTTPRouteHandler]:
    """The find page of one worker, which remembers what it has shown to strangers."""
    shown: Fresh[Shown] = Fresh(FRESH_S)
    drawn: Fresh[Days] = Fresh(FRESH_S)

    @page_get("/", access=Access.PUBLIC)
    async def get_find(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
        """One pool's sessions: the pool asked for, else the one that suits, else the first."""
        visitor = await visit(request, desk)
        key = _remembered_as(visitor)
        if key is None:
            text, status = await _page(desk, visitor, drawn)
            return Page(text, visitor, status=status)
        found = shown.known(key) or await shown.get(key, lambda: _packed(desk, visitor, drawn))
        return Page(found.text, visitor, status=found.status, packed=found.packed)

    return [get_find]


def _remembered_as(visitor: Visitor) -> tuple[object, ...] | None:
    """What a stranger's page is remembered under; None for a page of somebody's own."""
    asked = {name: value for name, value in visitor.query.items() if name != "lang"}
    length = sum(len(name) + len(value) for name, value in asked.items())
    if visitor.account is not None or not asked.keys() <= NAMES or length > REMEMBERED_LENGTH:
        return None
    return visitor.lang, *sorted(asked.items())


async def _packed(desk: Desk, visitor: Visitor, drawn: Fresh[Days]) -> Shown:
    text, status = await _page(desk, visitor, drawn)
    return Shown(text, compressed(text.encode()), status)


async def _page(desk: Desk, visitor: Visitor, drawn: Fresh[Days]) -> tuple[str, int]:
    now = datetime.fromtimestamp(desk.kernel.clock() / 1000, UTC)
    today = now.astimezone(SHANGHAI).date()
    asked, wrong = read_wish(visitor.query, today=today)
    market, looker = await desk.offers.market(), await _looker(desk, visitor)
    pool = _chosen_pool(market, asked, looker)
    if pool is None:
        return page_text("empty.html", visitor), 200
    choices = await desk.offers.choices(pool.id)
    wish = _suited(asked, pool, choices, looker)
    first, window = await _window(desk, pool, wish, today=today)
    refused = await _refused(desk, looker, pool, window.offers, now=now)
    others = _for_others(refused)
    key = visitor.lang, first, msgspec.structs.replace(wish, unit=None), tuple(refused)
    days = drawn.known(key) or await drawn.get(
        key,
        lambda: _days(window, wish, choices, refused, first=first, pool=pool, words=visitor.words, now=now),
    )
    text = page_text(
        "applicant/find.html",
        visitor,
        wish=wish,
        refused=refusal_of(visitor.words, wrong) if wrong else None,
        typed=visitor.query.get("from", ""),
        choice=choice_of(market, pool, visitor.words),
        choices=choices,
        days=days,
        first=first,
        window=window,
        pages=_pages(wish, first, window, today=today),
        looker=looker,
        suited=asked.vehicle_class is None and bool(wish.vehicle_class),
        bar=_bar(visitor, wish, window.offers, refused),
        others=others,
        counts_vehicles=pool.claimant_kind is ClaimantKind.VEHICLE,
        wanted=await _wanted(desk, visitor.words, wish.unit, pool, looker, now=now),
        now_ms=desk.kernel.clock(),
    )
    return text, 422 if wrong else 200


async def _days(
    window: Window,
    wish: Wish,
    choices: Choices,
    refused: Mapping[int, NotEligible],
    *,
    first: date,
    pool: Pool,
    words: Words,
    now: datetime,
) -> Days:
    others = _for_others(refused)
    shown = [offer for offer in window.offers if offer.unit.id not in others]
    days = days_of(shown, wish, choices, words, now=now, barred=refused)
    if wish.view == "week":
        days = every_day(days, first, wish.days, words)
    html = part_of_page(
        "applicant/days.html", words, days=days, wish=wish, pool=pool, classes=choices.classes
    )
    return Days(html, any(day.sessions for day in days))


async def _looker(desk: Desk, visitor: Visitor) -> Looker | None:
    if visitor.account is None:
        return None
    suit = suit_of(await desk.eligibility.dossier(visitor.account.id))
    return Looker(
        visitor.account.id,
        suit,
        await mine_of(desk, visitor.account, visitor.words),
        visitor.account.vehicles,
    )


def _chosen_pool(market: Market, wish: Wish, looker: Looker | None) -> Pool | None:
    """The pool asked for, the one that suits, or the first; None when there is none at all.

    Raises:
        UnknownPool: there is none of the number asked for.
    """
    if wish.pool is not None:
        chosen = next((pool for pool in market.pools if pool.id == wish.pool), None)
        if chosen is None:
            raise UnknownPool
        return chosen
    suits = suitable_pool(market, looker.suit, vehicles=looker.vehicles) if looker else None
    return suits or next(iter(market.pools), None)


def _suited(asked: Wish, pool: Pool, choices: Choices, looker: Looker | None) -> Wish:
    """The wish with its pool, and with the class of the person's own certificate where none was said."""
    suit = looker.suit if looker else None
    fits = suit is not None and suit.vehicle_class in choices.classes
    vehicle_class = suit.vehicle_class if suit and fits and asked.vehicle_class is None else None
    return msgspec.structs.replace(asked, pool=pool.id, vehicle_class=vehicle_class or asked.vehicle_class)


async def _window(desk: Desk, pool: Pool, wish: Wish, *, today: date) -> tuple[date, Window]:
    """The days asked for; where no day was named, the first ones on which there is anything."""
    first = wish.first or today
    asked = Asked(pool.id, first, wish.days, wish.site or None, wish.vehicle_class or None)
    window = await desk.offers.window(asked)
    if not window.offers and wish.first is None and window.later is not None:
        first = window.later
        window = await desk.offers.window(asked._replace(first=first))
    return first, window


async def _refused(
    desk: Desk,
    looker: Looker | None,
    pool: Pool,
    offers: Sequence[Offer],
    *,
    now: datetime,
) -> Mapping[int, NotEligible]:
    """The rules against each of these sessions for who looks; none for strangers, who will be told when they come."""
    by_vehicle = pool.claimant_kind is ClaimantKind.VEHICLE
    if looker is None or (by_vehicle and not looker.vehicles):
        return {}
    return await desk.eligibility.stands_against(
        account=looker.account,
        vehicles=looker.vehicles if by_vehicle else (),
        sessions=[offer.planned for offer in offers if offer.planned is not None],
        now=now,
    )


def _bar(
    visitor: Visitor, wish: Wish, offers: Sequence[Offer], refused: Mapping[int, NotEligible]
) -> Bar | None:
    """What to say on top when rules stand against the first session on the page that is not for some only."""
    first = next((offer for offer in offers if _ordinary(offer)), None)
    error = refused.get(first.unit.id) if first is not None else None
    if first is None or error is None:
        return None
    day: date | None = error.facts["first_day"]
    return Bar(
        refused=refusal_of(visitor.words, error),
        unit=first.unit.id,
        from_link=wish.link(first=day, unit=None) if day else "",
        fee=any(rule["rule"] == "fee_due" for rule in error.facts["rules"]),
    )


def _for_others(refused: Mapping[int, NotEligible]) -> list[int]:
    """Units whose places are for learners with priority, when somebody has none."""
    return [
        unit
        for unit, error in refused.items()
        if PRIORITY_RULES & {rule["rule"] for rule in error.facts["rules"]}
    ]


def _ordinary(offer: Offer) -> bool:
    return offer.planned is not None and offer.planned.quota == "ordinary"


async def _wanted(
    desk: Desk,
    words: Words,
    unit: int | None,
    pool: Pool,
    looker: Looker | None,
    *,
    now: datetime,
) -> Any:
    """The one session that was pressed, first on the page: its day in full and the session; None without one."""
    offer = await desk.offers.one(unit) if unit is not None else None
    if offer is None or offer.unit.pool != pool.id or offer.starts_at <= now:
        return None
    barred = await _refused(desk, looker, pool, [offer], now=now)
    view = session_view(offer, {}, words, now=now, barred=barred)
    return {"day": words.long_day(offer.starts_at), "session": view}


def _pages(wish: Wish, first: date, window: Window, *, today: date) -> dict[str, str]:
    """Where the days before and after these are."""
    days = timedelta(days=wish.days)
    pages = {"before": "", "after": ""}
    if first > today:
        pages["before"] = wish.link(first=max(today, first - days), unit=None)
    if window.later is not None:
        after = first + days
        pages["after"] = wish.link(first=after if window.later < after + days else window.later, unit=None)
    return pages
