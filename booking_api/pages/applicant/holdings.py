"""A hold as its page shows it: what it is, until when, what is due, and what it would take the place of. Imports eligibility."""

from datetime import UTC, datetime

import msgspec
from litestar import Response

from booking_api.desk import Desk
from booking_api.eligibility import Leaving
from booking_api.errors import ApiError
from booking_api.pages.applicant.mine import BookedView, coming_bookings, until, vehicle_of
from booking_api.pages.applicant.ways import place_of
from booking_api.pages.applicant.wishes import Wish
from booking_api.pages.catalogue import Words
from booking_api.pages.refusals import refusal_of, rule_sentences
from booking_api.pages.rendering import render
from booking_api.pages.visiting import Visitor
from booking_api.rules import TestSettings
from reservation import PresentHold
from reservation.errors import ReservationError

WARN_S = 60


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A booking that the hold would take the place of, and what moving it costs. `rules`: what stands against it."""

    booking: BookedView
    asked: bool
    costs: list[str]
    rules: list[str]


async def hold_page(
    desk: Desk,
    visitor: Visitor,
    held: PresentHold,
    *,
    instead: str,
    error: ApiError | ReservationError | None = None,
) -> Response[str]:
    """The page of a hold that has not ended.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    found = [await place_of(desk, visitor, unit) for unit in held.units]
    places = [place for place in found if place is not None]
    refused = refusal_of(visitor.words, error) if error else None
    return render(
        "applicant/hold.html",
        visitor,
        refused=refused,
        held=held,
        until=until(held.expires_at_ms, visitor.words),
        now_ms=desk.kernel.clock(),
        warn_s=WARN_S,
        places=places,
        vehicle=vehicle_of(held.claimant),
        fee_fen=await _fee_fen(desk, held),
        move=await _move(desk, visitor, held, instead=instead),
        key=f"page-{held.id}",
        wish=Wish(pool=held.pool, unit=held.units[0], instead=instead),
    )


async def _fee_fen(desk: Desk, held: PresentHold) -> int:
    """What the sitting costs, which was paid before it could be held; 0 where nothing is due."""
    for session in await desk.eligibility.sessions.planned(held.units):
        settings = (await desk.eligibility.sessions.terms(session)).settings
        if isinstance(settings, TestSettings) and session.subject is not None:
            return settings.eligibility.fees_fen.get(session.subject, 0)
    return 0


async def _move(desk: Desk, visitor: Visitor, held: PresentHold, *, instead: str) -> Move | None:
    """The booking to be moved; or one of the same kind, which stands in the way of a second."""
    pool = await desk.kernel.pool(held.pool)
    mine = await coming_bookings(desk, visitor.me, visitor.words)
    alike = [
        booking
        for booking in mine
        if (booking.claimant, booking.service, booking.rule) == (held.claimant, pool.service, pool.rule)
    ]
    asked = next((booking for booking in mine if booking.id == instead), None)
    booking = asked or next(iter(alike), None)
    if booking is None:
        return None
    now = datetime.fromtimestamp(desk.kernel.clock() / 1000, UTC)
    leaving = await desk.eligibility.leaving_of(owner=visitor.me.id, booking_id=booking.id, now=now)
    return Move(
        booking=booking,
        asked=asked is not None,
        costs=_costs(visitor.words, leaving) if leaving else [],
        rules=_rules(visitor.words, leaving) if leaving else [],
    )


def _costs(words: Words, leaving: Leaving) -> list[str]:
    number, limit = leaving.left_before + 1, leaving.limit
    return [
        words.text(
            "This counts as change %(number)s of the %(limit)s cancellations and changes you have.",
            number=words.number(number),
            limit=words.number(limit),
        ),
        words.text("Your place in the former session goes back for others."),
    ]


def _rules(words: Words, leaving: Leaving) -> list[str]:
    return rule_sentences(words, msgspec.to_builtins(leaving.refusals))
