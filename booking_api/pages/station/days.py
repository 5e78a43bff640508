"""`/station/{organisation}`: the day's sessions with who came, one session's list, the windows of the weeks to come.

Imports the attendance room.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.attendance.checking_in import CARD_END, check_in
from booking_api.attendance.day import (
    Expected,
    SiteSession,
    expected_in,
    find_site_session,
    next_day,
    sessions_of_day,
)
from booking_api.attendance.errors import CardDiffers, CheckInClosed, UnknownCode
from booking_api.clock import SHANGHAI
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.station.entering import AtStation, at_station
from booking_api.pages.visiting import posted, visit
from booking_api.request import AnyRequest
from booking_api.tickets.check_in import check_in_key, make_code
from reservation.claim_id import pool_of
from reservation.errors import NotActive
from reservation.transaction import transaction

WINDOWS_DAYS = 28
CODE_END = 6


class ByCard(msgspec.Struct, frozen=True):
    """The end of the number on the card that is shown."""

    card_end: Annotated[str, msgspec.Meta(min_length=CARD_END, max_length=20)]


@page_get("/station/{organisation:str}", access=Access.STATION)
async def get_day(
    request: AnyRequest, organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The day's sessions."""
    visitor = await visit(request, desk)
    here, today = await at_station(desk, visitor, organisation), clock.today()
    day = day_of(visitor.query.get("day"), otherwise=today)
    async with transaction(desk.kernel.reads) as connection:
        sessions = await sessions_of_day(connection, sites=here.sites, first=day)
        following = await next_day(connection, sites=here.sites, after=day)
    return render(
        "station/day.html",
        visitor,
        here=here,
        day=day,
        today=today,
        before=day - timedelta(1),
        after=day + timedelta(1),
        sessions=sessions,
        totals=totals_of(sessions),
        now=clock.now(),
        following=following,
    )


@page_get("/station/{organisation:str}/counts", access=Access.STATION)
async def get_counts(
    request: AnyRequest, organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[dict[str, Any]]:
    """The day's counts, for a page that keeps looking."""
    visitor = await visit(request, desk)
    here = await at_station(desk, visitor, organisation)
    day = day_of(visitor.query.get("day"), otherwise=clock.today())
    async with transaction(desk.kernel.reads) as connection:
        sessions = await sessions_of_day(connection, sites=here.sites, first=day)
    counts = {str(one.unit): [one.booked, one.checked_in, missing_of(one)] for one in sessions}
    told = {"sessions": counts, "all": totals_of(sessions)}
    return Response(told, headers={"Cache-Control": "no-store"} | visitor.headers)


@page_get("/station/{organisation:str}/sessions/{unit:int}", access=Access.STATION)
async def get_session(
    request: AnyRequest, organisation: FromPath[str], unit: FromPath[int], desk: NamedDependency[Desk]
) -> Response[str]:
    """Who is booked for a session, and who came."""
    visitor = await visit(request, desk)
    here = await at_station(desk, visitor, organisation)
    async with transaction(desk.kernel.reads) as connection:
        session = await find_site_session(connection, _unit(unit), sites=here.sites)
        people = await expected_in(connection, session.unit)
    key = check_in_key(desk.key)
    return render(
        "station/session.html",
        visitor,
        here=here,
        session=session,
        people=[(one, make_code(one.booking, key=key)[-CODE_END:]) for one in people],
        missing=missing_of(session),
        over=clock.now() > session.ends_at,
        day=session.starts_at.astimezone(SHANGHAI).date(),
    )


@page_get("/station/{organisation:str}/sessions/{unit:int}/bookings/{booking:str}", access=Access.STATION)
async def get_by_card(
    request: AnyRequest,
    organisation: FromPath[str],
    unit: FromPath[int],
    booking: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[str]:
    """Checking somebody in who has no code with them: the card stands in for it."""
    visitor = await visit(request, desk)
    here = await at_station(desk, visitor, organisation)
    return await _card_form(desk, here, unit=unit, booking=booking)


@page_post("/station/{organisation:str}/sessions/{unit:int}/bookings/{booking:str}", access=Access.STATION)
async def post_by_card(
    request: AnyRequest,
    organisation: FromPath[str],
    unit: FromPath[int],
    booking: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """The same, done."""
    visitor, form = await posted(request, desk)
    here = await at_station(desk, visitor, organisation)
    try:
        typed = form.read(ByCard)
        async with transaction(desk.kernel.engine) as connection:
            await check_in(
                connection,
                booking_id=_booking(booking),
                sites=here.sites,
                station=f"station:{here.station.id}",
                by=visitor.me.id,
                now=clock.now(),
                card_end=typed.card_end,
            )
    except (FieldsRefused, CardDiffers, CheckInClosed, NotActive) as error:
        return await _card_form(desk, here, unit=unit, booking=booking, error=error)
    return go_to(visitor, f"{here.home}/sessions/{unit}", told="checked_in")


@page_get("/station/{organisation:str}/windows", access=Access.STATION)
async def get_windows(
    request: AnyRequest, organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What is published for this station's sites in the weeks to come."""
    visitor = await visit(request, desk)
    here = await at_station(desk, visitor, organisation)
    async with transaction(desk.kernel.reads) as connection:
        found = await sessions_of_day(connection, sites=here.sites, first=clock.today(), days=WINDOWS_DAYS)
    days: dict[date, list[SiteSession]] = {}
    for session in found:
        days.setdefault(session.starts_at.astimezone(SHANGHAI).date(), []).append(session)
    return render("station/windows.html", visitor, here=here, days=days, weeks=WINDOWS_DAYS // 7)


def day_of(text: str | None, *, otherwise: date) -> date:
    """A day as a query has it; one that is none is the other.

    >>> day_of("2026-12-08", otherwise=date(2026, 12, 1)), day_of("soon", otherwise=date(2026, 12, 1))
    (datetime.date(2026, 12, 8), datetime.date(2026, 12, 1))
    """
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return otherwise
    # A calendar has a day before and after each of its own.
    return day if 2000 <= day.year < 2200 else otherwise


def missing_of(session: SiteSession) -> int:
    """Who is booked and has not come, or was noted as missed."""
    return session.booked - session.checked_in


def totals_of(sessions: Sequence[SiteSession]) -> list[int]:
    """Booked, checked in and missing over these sessions."""
    standing = [one for one in sessions if not one.cancelled]
    booked = sum(one.booked for one in standing)
    there = sum(one.checked_in for one in standing)
    return [booked, there, booked - there]


def opens_at(error: CheckInClosed) -> datetime:
    """When the door opens, of the refusal."""
    return error.facts["opens_at"]


async def _card_form(
    desk: Desk,
    here: AtStation,
    *,
    unit: int,
    booking: str,
    error: FieldsRefused | CardDiffers | CheckInClosed | NotActive | None = None,
) -> Response[str]:
    async with transaction(desk.kernel.reads) as connection:
        session = await find_site_session(connection, _unit(unit), sites=here.sites)
        people = await expected_in(connection, session.unit)
    found: Expected | None = next((one for one in people if one.booking == booking), None)
    if found is None:
        raise UnknownCode
    refused = refusal_of(here.visitor.words, error) if error else None
    return render(
        "station/card.html",
        here.visitor,
        here=here,
        session=session,
        person=found,
        refused=refused,
    )


def _booking(text: str) -> str:
    if pool_of(text) is None:
        raise UnknownCode
    return text


def _unit(number: int) -> int:
    """The number, if a unit can have it; a larger one is nobody's."""
    return number if number < 2**53 else 0
