"""`/bookings`: what is to come first, what has been below; and the same for when there is no network."""

from typing import Any

from litestar import Response
from litestar.di import NamedDependency

from booking_api import clock
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.bookings.reading import read_coming, read_states
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor, visit
from booking_api.paging import cursor_or_start, page
from booking_api.request import AnyRequest
from booking_api.tickets.check_in import check_in_key, code_groups, code_path
from booking_api.tickets.owned import OwnedBooking, past_bookings
from reservation.claim_id import pool_of

PAST_SHOWN = 20
KEPT = 10
"""How many bookings a browser keeps for the time without a network."""


@page_get("/bookings", access=Access.ACCOUNT)
async def get_bookings(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The list."""
    visitor, now = await visit(request, desk), clock.now()
    of = ("past bookings",)
    before = cursor_or_start(visitor.query.get("cursor"), of=of, kind=str)
    if before is not None and pool_of(before) is None:
        before = None
    coming = await read_coming(desk, owner=visitor.me.id, now=now) if before is None else []
    found = await past_bookings(
        desk.kernel.reads,
        owner=visitor.me.id,
        key=check_in_key(desk.key),
        now=now,
        before=before,
        limit=PAST_SHOWN + 1,
    )
    past, following = page(found, limit=PAST_SHOWN, key=lambda owned: owned.booked.id, of=of)
    return render(
        "bookings/list.html",
        visitor,
        coming=coming,
        past=past,
        states=await read_states(desk, [*coming, *past], now=now),
        following=f"/bookings?cursor={following}" if following else None,
        earlier=before is not None,
        as_of=now,
    )


@page_get("/bookings/kept", access=Access.ACCOUNT)
async def get_kept(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """What a browser keeps of the coming bookings, for the page that is shown without a network."""
    visitor, now = await visit(request, desk), clock.now()
    coming = await read_coming(desk, owner=visitor.me.id, now=now)
    kept = [_kept(visitor, owned) for owned in coming[:KEPT]]
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", **visitor.headers}
    content = {"as_of": visitor.words.moment(now), "bookings": kept}
    return Response(content, media_type="application/json", headers=headers)


def _kept(visitor: Visitor, owned: OwnedBooking) -> dict[str, Any]:
    words, booked = visitor.words, owned.booked
    code = booked.check_in_code or ""
    symbol = code_path(code)
    when = f"{words.long_day(booked.starts_at)} {words.time(booked.starts_at)}" if booked.starts_at else ""
    return {
        "id": booked.id,
        "title": words.named(booked.title),
        "place": words.named(booked.unit_title),
        "when": when,
        "about": owned.vehicle or booked.attributes.get("class", ""),
        "code": " ".join(code_groups(code)),
        "size": symbol.size,
        "path": symbol.path,
    }
