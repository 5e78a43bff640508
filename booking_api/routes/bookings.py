"""A person's bookings: list, cancel, reschedule."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from booking_api import clock
from booking_api.desk import Desk
from booking_api.request import Answer, AnyRequest
from booking_api.routes.holds import UnitId, checked_hold_id
from reservation import Booking, bookings_of, cancel, reschedule
from reservation.claim_id import pool_of
from reservation.errors import UnknownBooking


class RescheduleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hold to move to, and which of its units if it has several."""

    hold: Annotated[str, msgspec.Meta(max_length=64)]
    unit: UnitId | None = None


class Bookings(msgspec.Struct, frozen=True):
    """The newest first."""

    bookings: list[Booking]


@get("/bookings", summary="My bookings", tags=["bookings"])
async def get_bookings(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> Response[Bookings]:
    """The account's bookings, active and ended, newest first."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await bookings_of(desk.kernel, owner=account.id, limit=limit)
    return Answer(Bookings(found), status_code=200, headers=headers)


@post("/bookings/{booking_id:str}/cancel", summary="Cancel a booking", tags=["bookings"], status_code=200)
async def post_cancel(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Booking]:
    """Ends a booking, if the rules still allow it. Repeating it gives the cancelled booking.

    Its place is free for others at once, or at a moment that nobody can predict, as the authority has it.
    """
    account, headers = await desk.gate.enter(request)
    booking_id = _checked_booking_id(booking_id)
    free_at = await desk.eligibility.check_leaving(owner=account.id, booking_id=booking_id, now=clock.now())
    ended = await cancel(desk.kernel, booking_id=booking_id, owner=account.id, free_at=free_at)
    return Answer(ended, status_code=200, headers=headers)


@post("/bookings/{booking_id:str}/reschedule", summary="Move a booking", tags=["bookings"], status_code=200)
async def post_reschedule(
    request: AnyRequest,
    booking_id: FromPath[str],
    data: JSONBody[RescheduleRequest],
    desk: NamedDependency[Desk],
) -> Response[Booking]:
    """Moves a booking to a unit one holds: both at once or neither. Repeating it gives the same new booking."""
    account, headers = await desk.gate.enter(request)
    booking_id = _checked_booking_id(booking_id)
    free_at = await desk.eligibility.check_leaving(owner=account.id, booking_id=booking_id, now=clock.now())
    moved = await reschedule(
        desk.kernel,
        booking_id=booking_id,
        hold_id=checked_hold_id(data.hold),
        owner=account.id,
        unit=data.unit,
        free_at=free_at,
    )
    return Answer(moved, status_code=200, headers=headers)


def _checked_booking_id(text: str) -> str:
    if pool_of(text) is None:
        raise UnknownBooking(booking=text[:64])
    return text
