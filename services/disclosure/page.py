"""`/disclosure`: the same figures for people, with a plot. Readable without scripts; nothing foreign is loaded."""

from importlib.resources import files
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency

from booking_api import clock
from booking_api.clock import SHANGHAI
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.gate.access import Access
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.plots import bar_plot
from booking_api.pages.rendering import render, templates_of
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import visit
from booking_api.paging import moments, page, read_cursor
from booking_api.request import AnyRequest
from services.disclosure.plans import (
    PlanFilter,
    authorities_with_sessions,
    disclosed_sessions,
    places_by_day,
)
from services.disclosure.results import ResultFilter, disclosed_results, last_closed_day

SESSIONS_SHOWN = 50
RESULTS_SHOWN = 60
BOOKED, FREE = 1, 5
"""The plot's colours."""
PACKAGES = ("services.disclosure",)
_STYLE = (files("services.disclosure") / "disclosure.css").read_bytes()
_templates = templates_of("services.disclosure")


@page_get("/disclosure", access=Access.PUBLIC)
async def get_page(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The coming sessions, their places by day, and the last month's results."""
    visitor, today = await visit(request, desk, PACKAGES), clock.today()
    names = await authorities_with_sessions(desk.kernel)
    asked = request.query_params.get("authority", "")
    # An authority that is not there is all of them: a page is not the place for a lesson in spelling.
    authority = asked if asked in names else None
    wanted = PlanFilter(authority=authority, starts_from=moments(today, None)[0])
    of = ("disclosure page", wanted)
    try:
        after = read_cursor(request.query_params.get("cursor"), of=of, kind=int) or 0
    except InvalidRequest:
        after = 0
    found = await disclosed_sessions(desk.kernel, wanted=wanted, after=after, limit=SESSIONS_SHOWN + 1)
    shown, following = page(found, limit=SESSIONS_SHOWN, key=lambda session: session.unit, of=of)
    closed = last_closed_day(today)
    month = ResultFilter(first=closed.replace(day=1), last=closed, authority=authority)
    kept = {"authority": authority} if authority else {}
    return render(
        "disclosure.html",
        visitor,
        templates=_templates,
        authority=authority,
        authorities={key: visitor.words.named(name) for key, name in names.items()},
        sessions=shown,
        following=urlencode({**kept, "cursor": following}) if following else None,
        results=await disclosed_results(desk.kernel, wanted=month, after=None, limit=RESULTS_SHOWN),
        plot=bar_plot(
            [
                (day.day[5:], [(BOOKED, day.booked), (FREE, day.free)])
                for day in await places_by_day(desk.kernel, wanted=wanted)
            ]
        ),
        query=urlencode(kept),
        zone=SHANGHAI,
    )


@get("/disclosure/disclosure.css", include_in_schema=False)
async def get_style() -> Response[bytes]:
    """The page's own styles."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "public, max-age=3600"}
    return Response(_STYLE, media_type="text/css", headers=headers)
