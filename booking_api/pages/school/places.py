"""The places a school has booked: coming ones, each of which may go to another learner, and what became of tests.

Imports the schools' room.
"""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.eligibility.errors import BookingClosed, NotEligible, NotOpenYet
from booking_api.errors import ApiError, InvalidRequest
from booking_api.gate.access import Access
from booking_api.organisations.register import Organisation
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.school.entering import enter, enter_posted, parts_of, show
from booking_api.pages.school.row_words import refusal_words
from booking_api.pages.visiting import Visitor
from booking_api.paging import page, read_cursor
from booking_api.registers.rows import Reason
from booking_api.request import AnyRequest
from booking_api.schools.checking import told
from booking_api.schools.consents import learners_of
from booking_api.schools.errors import NoConsent, SchoolElsewhere, SubstitutionsOff
from booking_api.schools.roll import people_of
from booking_api.schools.seats import Seat, coming_seats, find_seat, past_seats, school_rules
from booking_api.schools.substitutions import NewSubstitution, substitute_learner, substitutions_of
from reservation.errors import AlreadyBooked, NotActive, ReservationError
from reservation.transaction import transaction

PAGE = 50
CHOICES_LIMIT = 200
"""Up to so many learners one chooses from a list; of more one types the number."""
SUBSTITUTIONS_SHOWN = 20
_MENDABLE = (
    NoConsent,
    SubstitutionsOff,
    SchoolElsewhere,
    NotOpenYet,
    BookingClosed,
    NotEligible,
    AlreadyBooked,
    NotActive,
)


class Swap(msgspec.Struct, frozen=True):
    """Who takes the place, and why."""

    learner: str
    reason: Reason


class TestDay(msgspec.Struct, frozen=True, kw_only=True):
    """The school's learners in one session that is over."""

    __test__ = False

    seats: list[Seat]
    passed: int
    failed: int


@page_get("/school/{school:str}/seats", access=Access.SCHOOL)
async def get_seats(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[str]:
    """Coming places by their time, and the latest substitutions."""
    visitor, mine = await enter(request, desk, school)
    of = ("school seats", mine.id)
    after = _place(visitor, of=of)
    now = clock.now()
    async with transaction(desk.kernel.reads) as connection:
        rules = await school_rules(connection, mine)
        found = await coming_seats(connection, mine.id, now=now, after=after, limit=PAGE + 1)
        swaps = await substitutions_of(connection, mine.id, before=None, limit=SUBSTITUTIONS_SHOWN)
        accounts = {account for one in swaps for account in (one.from_account, one.to_account)}
        people = await people_of(connection, mine.id, accounts=accounts)
    shown, following = page(found, limit=PAGE, key=_key, of=of)
    return show(
        "seats.html",
        visitor,
        mine,
        "seats",
        seats=shown,
        following=following,
        rules=rules,
        swaps=swaps,
        people=people,
    )


@page_get("/school/{school:str}/results", access=Access.SCHOOL)
async def get_results(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What became of the tests that the school booked, session by session."""
    visitor, mine = await enter(request, desk, school)
    of = ("school results", mine.id)
    before = _place(visitor, of=of)
    async with transaction(desk.kernel.reads) as connection:
        found = await past_seats(connection, mine.id, now=clock.now(), before=before, limit=PAGE + 1)
    shown, following = page(found, limit=PAGE, key=_key, of=of)
    return show("results.html", visitor, mine, "results", tests=by_session(shown), following=following)


@page_get("/school/{school:str}/seats/{booking:str}/substitute", access=Access.SCHOOL)
async def get_substitute(
    request: AnyRequest, school: FromPath[str], booking: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What it means to put another learner in this place, and who."""
    visitor, mine = await enter(request, desk, school)
    return await _swap_form(desk, visitor, mine, booking)


@page_post("/school/{school:str}/seats/{booking:str}/substitute", access=Access.SCHOOL)
async def post_substitute(
    request: AnyRequest, school: FromPath[str], booking: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Puts the other learner in this place."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        swap = form.read(Swap)
        new = NewSubstitution(booking, swap.learner[:40], swap.reason)
        done = await substitute_learner(parts_of(desk), mine, new, by=visitor.me.id, now=clock.now())
    except (FieldsRefused, InvalidRequest, *_MENDABLE) as error:
        refused = _refused(visitor.words, error)
        return await _swap_form(desk, visitor, mine, booking, form=form, refused=refused)
    if done.effect is not None:
        await desk.kernel.tell(done.effect)
    return go_to(visitor, f"/school/{mine.id}/seats", told="substituted")


def by_session(seats: list[Seat]) -> list[TestDay]:
    """Places that follow each other, put together by session."""
    grouped: dict[int, list[Seat]] = {}
    for seat in seats:
        grouped.setdefault(seat.session.unit, []).append(seat)
    return [
        TestDay(
            seats=some,
            passed=sum(one.result == "passed" for one in some),
            failed=sum(one.result in {"failed", "no_show"} for one in some),
        )
        for some in grouped.values()
    ]


def _key(seat: Seat) -> tuple[datetime, str]:
    return seat.session.starts_at, seat.booking


def _place(visitor: Visitor, *, of: tuple[str, str]) -> tuple[datetime, str] | None:
    return read_cursor(visitor.query.get("cursor"), of=of, kind=tuple[datetime, str])


def _refused(words: Words, error: ApiError | ReservationError) -> Refusal:
    """Rules and refusals are about the learner who would take the place, not about who reads this."""
    refused = refusal_of(words, error)
    if isinstance(error, FieldsRefused):
        return refused
    said = refusal_words(words, told(error, unit=None))
    return msgspec.structs.replace(refused, sentence=" ".join(said), rules=[], first_day=None)


async def _swap_form(
    desk: Desk,
    visitor: Visitor,
    school: Organisation,
    booking: str,
    *,
    form: Form | None = None,
    refused: Refusal | None = None,
) -> Response[str]:
    async with transaction(desk.kernel.reads) as connection:
        rules = await school_rules(connection, school)
        seat = await find_seat(connection, school.id, booking, now=clock.now())
        learners = await learners_of(
            connection, school.id, today=clock.today(), after=0, limit=CHOICES_LIMIT + 1
        )
    choices = [
        (one.account, f"{one.name} {one.identity_number} {one.vehicle_class or ''}")
        for one in learners
        if one.account != seat.account and seat.session.subject in one.subjects
    ]
    return show(
        "substitute.html",
        visitor,
        school,
        "seats",
        seat=seat,
        rules=rules,
        choices=choices if len(learners) <= CHOICES_LIMIT else [],
        typed=len(learners) > CHOICES_LIMIT,
        refused=refused,
        kept={name: form.one(name) if form else "" for name in ("learner", "reason")},
    )


PLACE_PAGES = [get_seats, get_results, get_substitute, post_substitute]
