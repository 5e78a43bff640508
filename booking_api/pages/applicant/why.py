"""`/why`: which rules stand against a session, with the person's own facts, and from when on they do not.

Imports eligibility. It is the answer when a hold is refused, and can be asked for before.
"""

from datetime import UTC, date, datetime

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.eligibility.errors import NotEligible
from booking_api.eligibility.facts import Dossier
from booking_api.eligibility.sessions import PlannedUnit
from booking_api.gate.access import Access
from booking_api.pages.applicant.ways import place_of
from booking_api.pages.applicant.wishes import Wish, booking_of, number_of
from booking_api.pages.catalogue import Words
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, visit
from booking_api.request import AnyRequest
from booking_api.rules import Outcome
from reservation.errors import UnknownUnit


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a person, or of one vehicle. `rules` empty: nothing stands against it."""

    vehicle: str
    rules: list[str]
    first_day: str
    from_link: str
    fee: bool


@page_get("/why", access=Access.VERIFIED)
async def get_why(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """Every rule against one session, for the person or each of their vehicles."""
    visitor = await visit(request, desk)
    unit = number_of(visitor.query.get("unit"))
    if unit is None:
        raise UnknownUnit
    instead = booking_of(visitor.query.get("instead", ""))
    verdicts: list[Verdict] = []
    sessions = await desk.eligibility.sessions.planned([unit])
    for session in sessions:
        by_vehicle = session.service != "driving_test"
        for plate in visitor.me.vehicles if by_vehicle else [""]:
            error = await _against(desk, visitor, session, plate)
            verdicts.append(_verdict(visitor, session, error, vehicle=plate, instead=instead))
    return await _page(desk, visitor, unit, verdicts, instead=instead)


async def why_page(
    desk: Desk, visitor: Visitor, error: NotEligible, *, vehicle: str | None, instead: str
) -> Response[str]:
    """The answer to a hold that rules forbid.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    unit: int = error.facts["unit"]
    [session] = await desk.eligibility.sessions.planned([unit])
    verdict = _verdict(visitor, session, error, vehicle=vehicle or "", instead=instead)
    return await _page(desk, visitor, unit, [verdict], instead=instead, status=error.status)


async def _page(
    desk: Desk,
    visitor: Visitor,
    unit: int,
    verdicts: list[Verdict],
    *,
    instead: str,
    status: int = 200,
) -> Response[str]:
    place = await place_of(desk, visitor, unit)
    if place is None:
        raise UnknownUnit(unit=unit)
    dossier = await desk.eligibility.dossier(visitor.me.id)
    by_vehicle = any(verdict.vehicle for verdict in verdicts)
    return render(
        "applicant/why.html",
        visitor,
        status=status,
        place=place,
        verdicts=verdicts,
        facts=[] if by_vehicle else _facts(visitor.words, dossier),
        wish=Wish(pool=place.pool, instead=instead),
    )


async def _against(desk: Desk, visitor: Visitor, session: PlannedUnit, plate: str) -> NotEligible | None:
    now = datetime.fromtimestamp(desk.kernel.clock() / 1000, UTC)
    found = await desk.eligibility.stands_against(
        account=visitor.me.id, vehicles=[plate] if plate else [], sessions=[session], now=now
    )
    return found.get(session.unit)


def _verdict(
    visitor: Visitor, session: PlannedUnit, error: NotEligible | None, *, vehicle: str, instead: str
) -> Verdict:
    if error is None:
        return Verdict(vehicle=vehicle, rules=[], first_day="", from_link="", fee=False)
    day: date | None = error.facts["first_day"]
    refused = refusal_of(visitor.words, error)
    wish = Wish(pool=None, vehicle_class=session.vehicle_class, first=day, instead=instead)
    return Verdict(
        vehicle=vehicle,
        rules=refused.rules,
        first_day=refused.first_day or "",
        from_link=wish.link() if day else "",
        fee=any(rule["rule"] == "fee_due" for rule in error.facts["rules"]),
    )


def _facts(words: Words, dossier: Dossier) -> list[tuple[str, str]]:
    """What the registers say of the person, as rules read it."""
    certificate = next(iter(dossier.certificates), None)
    if certificate is None:
        return []
    learner = dossier.learner(certificate.vehicle_class, authority=certificate.authority or "")
    pairs = [
        (words.text("Learner certificate"), certificate.vehicle_class),
        (words.text("Issued on"), words.long_day(certificate.issued)),
        (words.text("Valid until"), words.long_day(certificate.last_day)),
    ]
    pairs += [
        (
            words.text("Subject %(subject)s", subject=attempt.subject),
            f"{words.code(f'outcome.{attempt.outcome}')} · {words.day(attempt.day)}",
        )
        for attempt in sorted(learner.attempts, key=lambda one: (one.day, one.subject))
        if attempt.outcome in set(Outcome)
    ]
    return pairs
