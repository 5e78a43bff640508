"""When a place is not to be had: why, and the ways on. Imports `offers` and the refusals.

A refusal is a page of its own with what one can do next: the hold one has, the sessions nearby that are still free, the
same form once more.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from litestar import Response

from booking_api.clock import SHANGHAI
from booking_api.desk import Desk
from booking_api.errors import ApiError
from booking_api.offers import Asked, Offer
from booking_api.pages.applicant.sessions import SessionView, choice_of, session_view
from booking_api.pages.applicant.wishes import Wish
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.visiting import Visitor
from reservation.errors import ReservationError

SHOWN = 5
DAYS_BEFORE, DAYS_AFTER = 3, 14
AGAIN = frozenset({"rebuilding", "busy", "unavailable", "rate_limited"})
"""Refusals of a moment: the same form may be sent again."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One session in words: what, where and when, and its pool's and authority's names."""

    session: SessionView
    pool: int
    what: str
    authority: str
    day: str


async def place_of(desk: Desk, visitor: Visitor, unit_id: int) -> Place | None:
    """A unit in words; None where there is none with a time.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    offer = await desk.offers.one(unit_id)
    return await _place(desk, visitor, offer) if offer is not None else None


async def alternatives(desk: Desk, visitor: Visitor, unit_id: int) -> list[Place]:
    """Sessions like this one that are still free and not forbidden to who asks, the nearest in time first.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    offer = await desk.offers.one(unit_id)
    if offer is None:
        return []
    now = _now(desk)
    first = max(now, offer.starts_at - timedelta(days=DAYS_BEFORE)).astimezone(SHANGHAI).date()
    asked = Asked(offer.unit.pool, first, DAYS_AFTER, None, offer.unit.attributes.get("class"))
    free = [
        other
        for other in (await desk.offers.window(asked)).offers
        if other.unit.free and other.unit.id != unit_id and _open(other, now)
    ]
    barred: Mapping[int, Any] = {}
    if visitor.account is not None:
        planned = [other.planned for other in free if other.planned is not None]
        barred = await desk.eligibility.stands_against(
            account=visitor.account.id, vehicles=visitor.account.vehicles, sessions=planned, now=now
        )
    near = sorted(
        (other for other in free if other.unit.id not in barred),
        key=lambda other: (abs(other.starts_at - offer.starts_at), other.unit.id),
    )
    return [await _place(desk, visitor, other) for other in near[:SHOWN]]


async def refused_page(
    desk: Desk,
    visitor: Visitor,
    error: ApiError | ReservationError,
    *,
    unit: int | None,
    instead: str,
    form: Mapping[str, object] | None = None,
    status: int | None = None,
) -> Response[str]:
    """Why not, and the ways on. `form` are the fields of a form to `/hold` that may be sent again.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    refused = refusal_of(visitor.words, error)
    again = error.code in AGAIN
    place = await place_of(desk, visitor, unit) if unit is not None else None
    others = await alternatives(desk, visitor, unit) if unit is not None and not again else []
    opens_at: datetime | None = error.facts.get("opens_at")
    headers = {"Retry-After": str(refused.retry_after_s)} if refused.retry_after_s else None
    return render(
        "applicant/refused.html",
        visitor,
        status=status,
        headers=headers,
        refused=refused,
        title=visitor.words.code(f"refusal.{error.code}", instead=visitor.words.text("This was not done")),
        place=place,
        others=others,
        other_hold=error.facts.get("hold") if error.code == "another_hold" else None,
        opens=visitor.words.moment(opens_at) if opens_at else "",
        form=form if again else None,
        wish=Wish(pool=place.pool if place else None, instead=instead),
    )


async def _place(desk: Desk, visitor: Visitor, offer: Offer) -> Place:
    market = await desk.offers.market()
    choices = await desk.offers.choices(offer.unit.pool)
    pool = await desk.kernel.pool(offer.unit.pool)
    sites = {site.code: site for site in choices.sites}
    return Place(
        session=session_view(offer, sites, visitor.words, now=_now(desk)),
        pool=pool.id,
        what=visitor.words.named(pool.title),
        authority=choice_of(market, pool, visitor.words).authority,
        day=visitor.words.long_day(offer.starts_at),
    )


def _open(offer: Offer, now: datetime) -> bool:
    return now < offer.closes_at and (offer.opens_at is None or now >= offer.opens_at)


def _now(desk: Desk) -> datetime:
    return datetime.fromtimestamp(desk.kernel.clock() / 1000, UTC)
