"""One booking, its calendar entry and its check-in code. Somebody else's is as if it were not there."""

from typing import Annotated, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from booking_api.description import told
from booking_api.desk import Desk
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_bookings as examples
from booking_api.tickets.appointment import calendar_entry
from booking_api.tickets.check_in import check_in_key, code_svg
from booking_api.tickets.errors import NoAppointment
from booking_api.tickets.reading import BookedUnit, appointment_of, find_booked_unit
from reservation.errors import NotActive, UnknownBooking

Language = Literal["zh-CN", "en"]

# Whoever has the code can show it at the door: no cache keeps it.
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PICTURE = {"Content-Security-Policy": "default-src 'none'"}


@get(
    "/bookings/{booking_id:str}",
    summary="One booking",
    tags=["bookings"],
    opt=told(UnknownBooking, answer=examples.BOOKED_UNIT),
)
async def get_booking(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[BookedUnit]:
    """The booking with its session, place and times, and the code that is shown at the door."""
    booked, headers = await _mine(request, booking_id, desk)
    return Answer(booked, status_code=200, headers=headers | PRIVATE)


@get(
    "/bookings/{booking_id:str}/ticket.ics",
    summary="Calendar entry",
    tags=["bookings"],
    media_type="text/calendar",
    opt=told(
        UnknownBooking,
        NoAppointment,
        answer=examples.CALENDAR,
        sends={"Content-Disposition": "The file's name."},
    ),
)
async def get_ticket_ics(
    request: AnyRequest,
    booking_id: FromPath[str],
    desk: NamedDependency[Desk],
    lang: Annotated[Language, QueryParameter()] = "zh-CN",
) -> Response[bytes]:
    """The booking for a calendar (RFC 5545); once it is cancelled or moved, the entry that strikes it out."""
    booked, headers = await _mine(request, booking_id, desk)
    entry = calendar_entry(appointment_of(booked), lang=lang)
    named = {"Content-Disposition": f'attachment; filename="{booked.id}.ics"'}
    return Response(entry, media_type="text/calendar", headers=headers | PRIVATE | named)


@get(
    "/bookings/{booking_id:str}/ticket.svg",
    summary="Check-in code",
    tags=["bookings"],
    media_type="image/svg+xml",
    opt=told(UnknownBooking, NotActive, answer=examples.CODE_PICTURE),
)
async def get_ticket_svg(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[bytes]:
    """The check-in code as a QR symbol. A booking that has ended has none."""
    booked, headers = await _mine(request, booking_id, desk)
    if booked.check_in_code is None:
        raise NotActive(booking=booked.id)
    picture = code_svg(booked.check_in_code, title=booked.check_in_code)
    return Response(picture, media_type="image/svg+xml", headers=headers | PRIVATE | PICTURE)


async def _mine(request: AnyRequest, booking_id: str, desk: Desk) -> tuple[BookedUnit, dict[str, str]]:
    account, headers = await desk.gate.enter(request, reads=True)
    booked = await find_booked_unit(
        desk.kernel.reads, booking_id, owner=account.id, key=check_in_key(desk.key)
    )
    return booked, headers
