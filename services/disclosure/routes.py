"""The disclosure's API: JSON, and CSV for those who say so in `Accept`."""

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.paging import (
    PAGE_SIZE,
    Cursor,
    FromDay,
    Limit,
    UntilDay,
    Word,
    moments,
    page,
    read_cursor,
)
from booking_api.request import AnyRequest
from services.disclosure.plans import DisclosedSession, PlanFilter, disclosed_sessions
from services.disclosure.results import (
    MONTHS_LIMIT,
    DisclosedResult,
    Key,
    ResultFilter,
    disclosed_results,
    last_closed_day,
)

JSON, CSV = "application/json", "text/csv"
DAYS_LIMIT = MONTHS_LIMIT * 31

VehicleClass = Annotated[str | None, QueryParameter(name="class", min_length=1, max_length=8)]
Subject = Annotated[int | None, QueryParameter(ge=1, le=4)]

SESSION: dict[str, Any] = {
    "unit": 1204,
    "authority": "cn-zj-hz",
    "site": "hz-xihu",
    "subject": "2",
    "vehicle_class": "C1",
    "quota": "ordinary",
    "starts_at": "2026-12-08T00:30:00Z",
    "ends_at": "2026-12-08T03:30:00Z",
    "capacity": 36,
    "booked": 31,
    "free": 5,
    "cancelled": False,
}
RESULT: dict[str, Any] = {
    "month": "2026-10",
    "authority": "cn-zj-hz",
    "site": "hz-xihu",
    "subject": 2,
    "sat": 412,
    "passed": 251,
    "pass_rate": 0.609,
    "no_shows": 17,
}


class DisclosedPlans(msgspec.Struct, frozen=True):
    """Sessions in id order; `next` is the cursor of the page after this one, null at the end."""

    sessions: list[DisclosedSession]
    next: str | None


class DisclosedResults(msgspec.Struct, frozen=True):
    """Months in order; `next` is the cursor of the page after this one, null at the end."""

    results: list[DisclosedResult]
    next: str | None


def _spelled(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _csv_of(rows: Sequence[dict[str, Any]]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, rows[0].keys() if rows else (), lineterminator="\r\n")
    table.writeheader()
    # Spelt as in JSON: a program that reads both finds the same words.
    table.writerows({name: _spelled(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


@get(
    "/api/v1/disclosure/plans",
    summary="Published sessions",
    tags=["disclosure"],
    opt=told(answer={"sessions": [SESSION], "next": None}, media={CSV: _csv_of([SESSION])}),
)
async def get_published_plans(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    *,
    authority: Word = None,
    subject: Subject = None,
    vehicle_class: VehicleClass = None,
    first: FromDay = None,
    last: UntilDay = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[DisclosedPlans]:
    """Every published driving-test session with its places. CSV on `Accept: text/csv`, the next page in `Link`."""
    starts_from, starts_before = moments(first, last)
    wanted = PlanFilter(
        authority=authority,
        subject=None if subject is None else str(subject),
        vehicle_class=vehicle_class,
        starts_from=starts_from,
        starts_before=starts_before,
    )
    of = ("disclosed plans", wanted)
    after = read_cursor(cursor, of=of, kind=int) or 0
    found = await disclosed_sessions(desk.kernel, wanted=wanted, after=after, limit=limit + 1)
    shown, following = page(found, limit=limit, key=lambda session: session.unit, of=of)
    return _answer(request, DisclosedPlans(shown, following), shown, following)


@get(
    "/api/v1/disclosure/results",
    summary="Monthly results",
    tags=["disclosure"],
    opt=told(answer={"results": [RESULT], "next": None}, media={CSV: _csv_of([RESULT])}),
)
async def get_results(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    *,
    authority: Word = None,
    subject: Subject = None,
    first: FromDay = None,
    last: UntilDay = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[DisclosedResults]:
    """How tests ended, by month, site and subject; a year if no days are given, never the present month. Counts under 5 are not told."""
    wanted = _span(first, last, authority=authority, subject=subject, today=clock.today())
    of = ("disclosed results", wanted)
    after = read_cursor(cursor, of=of, kind=Key)
    found = await disclosed_results(desk.kernel, wanted=wanted, after=after, limit=limit + 1)
    shown, following = page(
        found, limit=limit, key=lambda row: (row.month, row.authority, row.site, row.subject), of=of
    )
    return _answer(request, DisclosedResults(shown, following), shown, following)


def _span(
    first: date | None, last: date | None, *, authority: str | None, subject: int | None, today: date
) -> ResultFilter:
    """Whole months that are over: a part of one, or one that grows, would tell by subtraction what a count hides."""
    moments(first, last)
    until = last or today
    begin = first.replace(day=1) if first else until.replace(year=until.year - 1, day=1)
    end = date(until.year + until.month // 12, until.month % 12 + 1, 1) - timedelta(days=1)
    if not 0 <= (end - begin).days <= DAYS_LIMIT:
        reason = f"a day within the {MONTHS_LIMIT} months before `until`"
        raise InvalidRequest(errors=[{"field": "from", "reason": reason}])
    return ResultFilter(
        first=begin, last=min(end, last_closed_day(today)), authority=authority, subject=subject
    )


def _answer(
    request: AnyRequest, answer: Any, rows: Sequence[msgspec.Struct], following: str | None
) -> Response[Any]:
    headers = {"Vary": "Accept", "Cache-Control": "public, max-age=60"}
    if request.accept.best_match([JSON, CSV]) != CSV:
        return Response(msgspec.json.encode(answer), media_type=JSON, headers=headers)
    if following is not None:
        asked = {name: value for name, value in request.query_params.items() if name != "cursor"}
        query = urlencode(asked | {"cursor": following})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    text = _csv_of([msgspec.to_builtins(row) for row in rows])
    return Response(text.encode(), media_type=CSV, headers=headers)
