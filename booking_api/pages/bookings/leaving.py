"""Giving a booking up, or moving it to a session one holds: the cost is said first. Imports eligibility and the kernel."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_booking_id, checked_hold_id
from booking_api.eligibility.errors import NotEligible
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.pages.bookings.reading import read_ticket
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest
from reservation import cancel, reschedule
from reservation.errors import NotActive, ReservationError


class Move(msgspec.Struct, frozen=True):
    """The hold to move to, and which of its units if it has several."""

    hold: Annotated[str, msgspec.Meta(max_length=64)]
    unit: Annotated[int, msgspec.Meta(ge=1, lt=2**53)] | None = None


@page_get("/bookings/{booking_id:str}/cancel", access=Access.ACCOUNT)
async def get_cancel(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What cancelling costs, and the button."""
    return await _leaving(await visit(request, desk), desk, booking_id, way="cancel")


@page_post("/bookings/{booking_id:str}/cancel", access=Access.ACCOUNT)
async def post_cancel(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Ends the booking."""
    visitor, _ = await posted(request, desk)
    booking_id, me = checked_booking_id(booking_id), visitor.me.id
    try:
        free_at = await desk.eligibility.check_leaving(owner=me, booking_id=booking_id, now=clock.now())
        await cancel(desk.kernel, booking_id=booking_id, owner=me, free_at=free_at)
    except (NotEligible, NotActive) as error:
        return await _leaving(visitor, desk, booking_id, way="cancel", error=error)
    return go_to(visitor, f"/bookings/{booking_id}", told="cancelled")


@page_get("/bookings/{booking_id:str}/change", access=Access.ACCOUNT)
async def get_change(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What moving costs, and the way to another session."""
    return await _leaving(await visit(request, desk), desk, booking_id, way="change")


@page_post("/bookings/{booking_id:str}/move", access=Access.ACCOUNT)
async def post_move(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Moves the booking to what is held: both at once or neither."""
    visitor, form = await posted(request, desk)
    booking_id, me = checked_booking_id(booking_id), visitor.me.id
    told = form.read(Move)
    try:
        free_at = await desk.eligibility.check_leaving(owner=me, booking_id=booking_id, now=clock.now())
        moved = await reschedule(
            desk.kernel,
            booking_id=booking_id,
            hold_id=checked_hold_id(told.hold),
            owner=me,
            unit=told.unit,
            free_at=free_at,
        )
    except (NotEligible, NotActive) as error:
        return await _leaving(visitor, desk, booking_id, way="change", error=error)
    return go_to(visitor, f"/bookings/{moved.id}", told="moved")


async def _leaving(
    visitor: Visitor,
    desk: Desk,
    booking_id: str,
    *,
    way: str,
    error: ApiError | ReservationError | None = None,
) -> Response[Any]:
    ticket = await read_ticket(desk, booking_id, owner=visitor.me.id, now=clock.now())
    booked = ticket.owned.booked
    tried, leaving = error is not None, ticket.leaving
    # What stands against it is said as the refusal it would be.
    if error is None and leaving is not None and leaving.refusals:
        error = NotEligible(leaving.refusals, first_day=None, unit=booked.unit)
    elif error is None and not ticket.coming:
        error = NotActive(booking=booking_id)
    refused = refusal_of(visitor.words, error) if error else None
    window_s = leaving.return_window_s if leaving else 0
    wanted = {"pool": booked.pool, "class": booked.attributes.get("class", ""), "instead": booked.id}
    return render(
        f"bookings/{way}.html",
        visitor,
        status=refused.status if refused and tried else 200,
        refused=refused,
        ticket=ticket,
        booked=booked,
        window=visitor.words.duration(timedelta(seconds=window_s)) if window_s else "",
        find="/?" + urlencode({name: value for name, value in wanted.items() if value}),
    )
