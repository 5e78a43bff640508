"""`/school`: which school, and each school's day at a glance; and the sessions it may book. Imports the schools' room."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.organisations.register import find_organisation
from booking_api.pages.catalogue import Words
from booking_api.pages.plots import Bars, bar_plot
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get
from booking_api.pages.school.entering import enter, parts_of, show
from booking_api.pages.visiting import visit
from booking_api.request import AnyRequest
from booking_api.schools.batches import batches_of
from booking_api.schools.roll import count_roll
from booking_api.schools.seats import (
    SchoolSession,
    coming_seats,
    school_rules,
    seats_by_day,
    sessions_for,
)
from reservation.transaction import transaction

PLOT_DAYS = 14
SEATS_SHOWN = 6
BATCHES_SHOWN = 5
SUBJECTS = (1, 2, 3, 4)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What a school may have and has of the coming sessions of one subject, and the first and last of them."""

    subject: int
    sessions: int
    share: int
    used: int
    left: int
    first: datetime
    last: datetime


@page_get("/school", access=Access.SCHOOL)
async def get_schools(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """The only school somebody acts for, or a choice."""
    visitor = await visit(request, desk)
    mine = sorted(visitor.me.scopes("school"))
    if len(mine) == 1:
        return go_to(visitor, f"/school/{mine[0]}")
    async with transaction(desk.kernel.reads) as connection:
        schools = [await find_organisation(connection, one) for one in mine]
    return render("school/choose.html", visitor, schools=schools)


@page_get("/school/{school:str}", access=Access.SCHOOL)
async def get_overview(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The day at a glance."""
    visitor, mine = await enter(request, desk, school)
    now, today = clock.now(), clock.today()
    sessions = await sessions_for(parts_of(desk), mine, now=now)
    async with transaction(desk.kernel.reads) as connection:
        rules = await school_rules(connection, mine)
        roll = await count_roll(connection, mine.id, today=today)
        batches = await batches_of(connection, mine.id, before=None, limit=BATCHES_SHOWN)
        seats = await coming_seats(connection, mine.id, now=now, after=None, limit=SEATS_SHOWN)
        by_day = await seats_by_day(connection, mine.id, first=today, days=PLOT_DAYS)
    return show(
        "overview.html",
        visitor,
        mine,
        "overview",
        rules=rules,
        roll=roll,
        shares=shares_of(sessions),
        batches=batches,
        seats=seats,
        today=today,
        places=sum(by_day.values()),
        plot=_plot(by_day, visitor.words, today=today),
        days=_days(by_day, today=today),
    )


@page_get("/school/{school:str}/sessions", access=Access.SCHOOL)
async def get_sessions(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The coming sessions with their numbers, the school's share and what it has of each."""
    visitor, mine = await enter(request, desk, school)
    subject = next((one for one in SUBJECTS if visitor.query.get("subject") == str(one)), None)
    now = clock.now()
    sessions = await sessions_for(parts_of(desk), mine, now=now, subject=subject)
    return show(
        "sessions.html",
        visitor,
        mine,
        "sessions",
        sessions=sessions,
        subject=subject,
        subjects=SUBJECTS,
        now=now,
    )


def shares_of(sessions: Sequence[SchoolSession]) -> list[Share]:
    """The school's share of all coming sessions, by subject."""
    of: dict[int, list[SchoolSession]] = {}
    for session in sessions:
        of.setdefault(session.subject, []).append(session)
    return [
        Share(
            subject=subject,
            sessions=len(some),
            share=sum(one.share for one in some),
            used=sum(one.used for one in some),
            left=sum(min(one.left, max(one.share - one.used, 0)) for one in some),
            first=some[0].starts_at,
            last=some[-1].starts_at,
        )
        for subject, some in sorted(of.items())
    ]


def _plot(by_day: dict[tuple[date, int], int], words: Words, *, today: date) -> Bars:
    days = [today + timedelta(days=n) for n in range(PLOT_DAYS)]
    return bar_plot(
        [
            (
                words.leaf(day).number,
                [(subject, by_day[day, subject]) for subject in SUBJECTS if (day, subject) in by_day],
            )
            for day in days
        ]
    )


def _days(by_day: dict[tuple[date, int], int], *, today: date) -> list[tuple[date, int]]:
    """The same as the plot, for who cannot see it: days with places."""
    days = [today + timedelta(days=n) for n in range(PLOT_DAYS)]
    counted = [(day, sum(n for (other, _), n in by_day.items() if other == day)) for day in days]
    return [(day, n) for day, n in counted if n]


OVERVIEW_PAGES = [get_schools, get_overview, get_sessions]
