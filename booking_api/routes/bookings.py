"""A person's bookings: list, cancel, reschedule."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_booking_id, checked_hold_id
from booking_api.eligibility.errors import NotEligible
from booking_api.errors import UnknownHold
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
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples
from booking_api.routes.holds import UnitId
from reservation import Booking, BookingFilter, BookingState, bookings_of, cancel, reschedule
from reservation.errors import (
    ChooseUnit,
    Full,
    HoldInFlight,
    HoldLost,
    NotActive,
    NotMovable,
    Rebuilding,
    UnknownBooking,
    UnknownPool,
)

CANCEL_REFUSALS = (UnknownBooking, UnknownPool, NotActive, NotEligible)
MOVE_REFUSALS = (
    UnknownHold,
    UnknownBooking,
    UnknownPool,
    NotActive,
    NotMovable,
    NotEligible,
    HoldLost,
    HoldInFlight,
    ChooseUnit,
    Full,
    Rebuilding,
)
"""What these acts refuse, at a counter as at home."""


class RescheduleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hold to move to, and which of its units if it has several."""

    hold: Annotated[str, msgspec.Meta(max_length=64)]
    unit: UnitId | None = None


class Bookings(msgspec.Struct, frozen=True):
    """The newest first; `next` is the cursor of the page after this one, null at the end."""

    bookings: list[Booking]
    next: str | None


@get("/bookings", summary="My bookings", tags=["bookings"], opt=told(answer=examples.BOOKINGS))
async def get_bookings(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    *,
    booking_state: Annotated[BookingState | None, QueryParameter(name="state")] = None,
    service: Word = None,
    first: FromDay = None,
    last: UntilDay = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response[Bookings]:
    """The account's bookings, active and ended, newest first. `from` and `until` ask for the sessions' days."""
    account, headers = await desk.gate.enter(request, reads=True)
    starts_from, starts_before = moments(first, last)
    wanted = BookingFilter(
        state=booking_state, service=service, starts_from=starts_from, starts_before=starts_before
    )
    of = ("bookings", wanted)
    before = read_cursor(cursor, of=of, kind=str)
    found = await bookings_of(desk.kernel, owner=account.id, wanted=wanted, before=before, limit=limit + 1)
    bookings, following = page(found, limit=limit, key=lambda booking: booking.id, of=of)
    return Answer(Bookings(bookings, following), status_code=200, headers=headers)


@post(
    "/bookings/{booking_id:str}/cancel",
    summary="Cancel a booking",
    tags=["bookings"],
    status_code=200,
    opt=told(*CANCEL_REFUSALS, answer=examples.CANCELLED),
)
async def post_cancel(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Booking]:
    """Ends a booking, if the rules still allow it. Repeating it gives the cancelled booking.

    Its place is free for others at once, or at a moment that nobody can predict, as the authority has it.
    """
    account, headers = await desk.gate.enter(request)
    booking_id = checked_booking_id(booking_id)
    free_at = await desk.eligibility.check_leaving(owner=account.id, booking_id=booking_id, now=clock.now())
    ended = await cancel(desk.kernel, booking_id=booking_id, owner=account.id, free_at=free_at)
    return Answer(ended, status_code=200, headers=headers)


@post(
    "/bookings/{booking_id:str}/reschedule",
    summary="Move a booking",
    tags=["bookings"],
    status_code=200,
    opt=told(
        *MOVE_REFUSALS,
        body=examples.RESCHEDULE,
        answer=examples.BOOKING,
    ),
)
async def post_reschedule(
    request: AnyRequest,
    booking_id: FromPath[str],
    data: JSONBody[RescheduleRequest],
    desk: NamedDependency[Desk],
) -> Response[Booking]:
    """Moves a booking to a unit one holds: both at once or neither. Repeating it gives the same new booking."""
    account, headers = await desk.gate.enter(request)
    booking_id = checked_booking_id(booking_id)
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
