"""What the person at the counter has booked: on paper, and cancelled. Imports the kernel and the tickets' room."""

from typing import Any

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.counter.serving import cancel_for
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_booking_id
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.pages.counter.entering import Refused, Serving, serving, serving_posted, show
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.request import AnyRequest
from booking_api.tickets.check_in import check_in_key, code_svg
from booking_api.tickets.reading import BookedUnit, find_booked_unit
from reservation import (
    BookingFilter,
    BookingState,
    bookings_of,
)
from reservation.errors import NotActive, ReservationError

BOOKINGS_SHOWN = 20


@page_get("/counter/{authority:str}/visits/{visit_id:str}/bookings/{booking:str}", access=Access.CLERK)
async def get_ticket(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    booking: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[str]:
    """The booking on a sheet of paper, in large type, with its code."""
    here = await serving(request, desk, authority, visit_id)
    return show("ticket", here, booked=await booking_of(desk, here, booking))


@page_get(
    "/counter/{authority:str}/visits/{visit_id:str}/bookings/{booking:str}/code.svg", access=Access.CLERK
)
async def get_code(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    booking: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[bytes]:
    """The code as a QR symbol."""
    here = await serving(request, desk, authority, visit_id)
    booked = await booking_of(desk, here, booking)
    if booked.check_in_code is None:
        raise NotActive(booking=booked.id)
    picture = code_svg(booked.check_in_code, title=booked.check_in_code)
    headers = SECURITY_HEADERS | {"Cache-Control": "no-store"} | here.visitor.headers
    return Response(picture, media_type="image/svg+xml", headers=headers)


@page_get("/counter/{authority:str}/visits/{visit_id:str}/bookings/{booking:str}/cancel", access=Access.CLERK)
async def get_cancel(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    booking: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[str]:
    """What cancelling costs the person."""
    return await _cancel_page(desk, await serving(request, desk, authority, visit_id), booking=booking)


@page_post(
    "/counter/{authority:str}/visits/{visit_id:str}/bookings/{booking:str}/cancel", access=Access.CLERK
)
async def post_cancel(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    booking: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """Cancels it."""
    here, _ = await serving_posted(request, desk, authority, visit_id)
    try:
        await cancel_for(
            desk.kernel,
            desk.eligibility,
            here.present,
            booking_id=checked_booking_id(booking),
            now=clock.now(),
        )
    except (ApiError, ReservationError) as error:
        return await _cancel_page(desk, here, booking=booking, error=error)
    return go_to(here.visitor, here.home, told="cancelled")


async def booking_of(desk: Desk, here: Serving, booking: str) -> BookedUnit:
    """The person's booking.

    Raises:
        UnknownBooking: they have none with this id.
    """
    return await find_booked_unit(
        desk.kernel.engine, booking, owner=here.present.account.id, key=check_in_key(desk.key)
    )


async def bookings_shown(desk: Desk, here: Serving) -> list[BookedUnit]:
    """The person's bookings that stand and whose sessions are not over, the newest first."""
    found = await bookings_of(
        desk.kernel,
        owner=here.present.account.id,
        wanted=BookingFilter(state=BookingState.BOOKED),
        limit=BOOKINGS_SHOWN,
    )
    return [await booking_of(desk, here, one.id) for one in found if one.concluded_at is None]


async def _cancel_page(
    desk: Desk, here: Serving, *, booking: str, error: Refused | None = None
) -> Response[str]:
    booked = await booking_of(desk, here, booking)
    leaving = await desk.eligibility.leaving_of(
        owner=here.present.account.id, booking_id=booked.id, now=clock.now()
    )
    return show(
        "cancel",
        here,
        booked=booked,
        leaving=leaving,
        error=error,
    )
