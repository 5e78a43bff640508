"""Holding, booking, cancelling and moving for the person at a counter, in the same queue as everybody."""

from litestar import Response, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from booking_api import clock
from booking_api.counter import serving
from booking_api.counter.errors import PersonNotVerified, UnknownVisit
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_booking_id, checked_hold_id
from booking_api.errors import UnknownAccount
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples
from booking_api.routes.bookings import CANCEL_REFUSALS, MOVE_REFUSALS, RescheduleRequest
from booking_api.routes.counter import TAGS, acting
from booking_api.routes.holds import (
    CONFIRM_REFUSALS,
    HOLD_REFUSALS,
    IDEMPOTENCY_KEY,
    RELEASE_REFUSALS,
    ConfirmRequest,
    HoldRequest,
    idempotency_key,
)
from reservation import Booking, Hold


@post(
    "/counter/visits/{visit_id:str}/holds",
    summary="Hold for the person",
    tags=TAGS,
    opt=told(
        UnknownVisit,
        UnknownAccount,
        PersonNotVerified,
        *HOLD_REFUSALS,
        body=examples.NEW_HOLD,
        answer=examples.HOLD,
        also={200: "The hold the person has already."},
    ),
)
async def post_visit_hold(
    request: AnyRequest,
    visit_id: FromPath[str],
    data: JSONBody[HoldRequest],
    desk: NamedDependency[Desk],
) -> Response[Hold]:
    """The person's one hold, under the rules that bind them at home. Counted for the person and for the clerk."""
    _, present, headers = await acting(request, visit_id, desk)
    held = await serving.hold_for(
        desk.kernel,
        desk.eligibility,
        present,
        pool=data.pool,
        units=data.units,
        vehicle=data.vehicle,
        now=clock.now(),
    )
    return Answer(held, status_code=200 if held.repeated else 201, headers=headers)


@delete(
    "/counter/visits/{visit_id:str}/holds/{hold_id:str}",
    summary="Release the person's hold",
    tags=TAGS,
    status_code=204,
    opt=told(UnknownVisit, UnknownAccount, *RELEASE_REFUSALS),
)
async def delete_visit_hold(
    request: AnyRequest, visit_id: FromPath[str], hold_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Gives it back at once."""
    _, present, headers = await acting(request, visit_id, desk)
    await serving.release_for(desk.kernel, present, hold_id=checked_hold_id(hold_id))
    return Answer(None, status_code=204, headers=headers)


@post(
    "/counter/visits/{visit_id:str}/holds/{hold_id:str}/confirm",
    summary="Confirm the person's hold",
    tags=TAGS,
    status_code=201,
    opt=told(
        UnknownVisit,
        UnknownAccount,
        *CONFIRM_REFUSALS,
        headers=(IDEMPOTENCY_KEY,),
        body=examples.CONFIRM,
        answer=examples.BOOKING,
    ),
)
async def post_visit_confirm(
    request: AnyRequest,
    visit_id: FromPath[str],
    hold_id: FromPath[str],
    desk: NamedDependency[Desk],
    data: JSONBody[ConfirmRequest | None] = None,
) -> Response[Booking]:
    """Books what the person holds; the booking is theirs. Needs an Idempotency-Key, as at home."""
    _, present, headers = await acting(request, visit_id, desk)
    booked = await serving.confirm_for(
        desk.kernel,
        present,
        hold_id=checked_hold_id(hold_id),
        key=idempotency_key(request),
        unit=data.unit if data else None,
    )
    return Answer(booked, status_code=201, headers=headers)


@post(
    "/counter/visits/{visit_id:str}/bookings/{booking_id:str}/cancel",
    summary="Cancel the person's booking",
    tags=TAGS,
    status_code=200,
    opt=told(
        UnknownVisit,
        UnknownAccount,
        *CANCEL_REFUSALS,
        answer=examples.CANCELLED,
    ),
)
async def post_visit_cancel(
    request: AnyRequest, visit_id: FromPath[str], booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Booking]:
    """As if they had cancelled it themselves: it counts, and the place goes back as the authority has it."""
    _, present, headers = await acting(request, visit_id, desk)
    ended = await serving.cancel_for(
        desk.kernel,
        desk.eligibility,
        present,
        booking_id=checked_booking_id(booking_id),
        now=clock.now(),
    )
    return Answer(ended, status_code=200, headers=headers)


@post(
    "/counter/visits/{visit_id:str}/bookings/{booking_id:str}/reschedule",
    summary="Move the person's booking",
    tags=TAGS,
    status_code=200,
    opt=told(
        UnknownVisit,
        UnknownAccount,
        *MOVE_REFUSALS,
        body=examples.RESCHEDULE,
        answer=examples.BOOKING,
    ),
)
async def post_visit_reschedule(
    request: AnyRequest,
    visit_id: FromPath[str],
    booking_id: FromPath[str],
    data: JSONBody[RescheduleRequest],
    desk: NamedDependency[Desk],
) -> Response[Booking]:
    """Moves it to what they hold: both at once or neither."""
    _, present, headers = await acting(request, visit_id, desk)
    moved = await serving.move_for(
        desk.kernel,
        desk.eligibility,
        present,
        booking_id=checked_booking_id(booking_id),
        hold_id=checked_hold_id(data.hold),
        unit=data.unit,
        now=clock.now(),
    )
    return Answer(moved, status_code=200, headers=headers)
