"""Hold, look at one's holds, release, confirm."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_hold_id, claimant_of, current_holds
from booking_api.eligibility.errors import BookingClosed, NotEligible, NotOpenYet
from booking_api.errors import ApiError, KeyMissing, NotYourVehicle, UnknownHold
from booking_api.request import Answer, AnyRequest, header
from booking_api.routes import examples
from reservation import (
    Booking,
    Hold,
    PresentHold,
    confirm,
    find_hold,
    hold,
    release,
)
from reservation.errors import (
    AlreadyBooked,
    AlreadyConfirmed,
    AnotherHold,
    ChooseUnit,
    Full,
    HoldInFlight,
    HoldLost,
    KeyReused,
    PoolClosed,
    Rebuilding,
    ReservationError,
    UnknownPool,
    UnknownUnit,
)
from reservation.hold import UNITS_LIMIT

KEY_LENGTH_LIMIT = 200
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Of your own making, new for each booking; the same one when you repeat the request.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_LIMIT, "pattern": "^[ -~]+$"},
    "example": "6f1c2a7e-hold-to-booking",
}
UNIT_ID_LIMIT = 2**53

UnitId = Annotated[int, msgspec.Meta(ge=1, lt=UNIT_ID_LIMIT)]

HOLD_REFUSALS = (
    UnknownPool,
    UnknownUnit,
    PoolClosed,
    AnotherHold,
    Full,
    NotYourVehicle,
    NotEligible,
    NotOpenYet,
    BookingClosed,
    Rebuilding,
)
RELEASE_REFUSALS = (UnknownHold, HoldLost, HoldInFlight, UnknownPool, Rebuilding)
CONFIRM_REFUSALS = (
    KeyMissing,
    UnknownHold,
    UnknownPool,
    HoldLost,
    HoldInFlight,
    ChooseUnit,
    KeyReused,
    AlreadyConfirmed,
    AlreadyBooked,
    Full,
    Rebuilding,
)
"""What these acts refuse, at a counter as at home."""


class HoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to hold: 1 to 10 units of one pool, all or none. `vehicle` where the pool counts vehicles."""

    pool: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    units: Annotated[list[UnitId], msgspec.Meta(min_length=1, max_length=UNITS_LIMIT)]
    vehicle: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None


class ConfirmRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which unit of the hold to book; not needed when it has one."""

    unit: UnitId | None = None


class MyHold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it is now. `confirming`: it waits for its confirm's outcome, and does not expire meanwhile.

    `vehicle`: for which vehicle it is, where the pool counts vehicles.
    """

    id: str
    pool: int
    service: str
    vehicle: str | None
    units: tuple[int, ...]
    expires_at_ms: int
    confirming: bool


class MyHolds(msgspec.Struct, frozen=True):
    """The holds that have not ended, oldest first: one for each service, of the person and of each vehicle."""

    holds: list[MyHold]


@post(
    "/holds",
    summary="Hold units",
    tags=["holds"],
    opt=told(
        *HOLD_REFUSALS,
        body=examples.NEW_HOLD,
        answer=examples.HOLD,
        also={200: "The hold one has already."},
    ),
)
async def post_hold(
    request: AnyRequest, data: JSONBody[HoldRequest], desk: NamedDependency[Desk]
) -> Response[Hold]:
    """Claims units for some minutes, if the rules allow it. Repeating it gives the hold one has (200 instead of 201)."""
    stage = desk.kernel.stage
    try:
        with stage("gate"):
            account, headers = await desk.gate.enter(request)
        claimant = await claimant_of(desk.kernel, account, pool_id=data.pool, vehicle=data.vehicle)
        await desk.eligibility.check_hold(
            account=account.id, units=data.units, vehicle=data.vehicle, now=clock.now()
        )
        with stage("hold"):
            held = await hold(
                desk.kernel, pool_id=data.pool, units=data.units, claimant=claimant, owner=account.id
            )
    except (ApiError, ReservationError) as error:
        desk.kernel.note_refusal(data.pool, error.code)
        raise
    return Answer(held, status_code=200 if held.repeated else 201, headers=headers)


@get("/holds", summary="My holds", tags=["holds"], opt=told(Rebuilding, answer=examples.HOLDS))
async def get_holds(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[MyHolds]:
    """What the account holds now, for the person and for each vehicle of theirs. Nothing is prolonged by looking."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await current_holds(desk.kernel, account)
    return Answer(MyHolds([my_hold(one) for one in found]), status_code=200, headers=headers)


@get(
    "/holds/{hold_id:str}",
    summary="One of my holds",
    tags=["holds"],
    opt=told(UnknownHold, HoldLost, UnknownPool, Rebuilding, answer=examples.PRESENT_HOLD),
)
async def get_hold(
    request: AnyRequest, hold_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[MyHold]:
    """A hold that has not ended, with its end. Nothing is prolonged by looking."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await find_hold(desk.kernel, claim_id=checked_hold_id(hold_id), owner=account.id)
    return Answer(my_hold(found), status_code=200, headers=headers)


@delete(
    "/holds/{hold_id:str}",
    summary="Release a hold",
    tags=["holds"],
    status_code=204,
    opt=told(*RELEASE_REFUSALS),
)
async def delete_hold(
    request: AnyRequest, hold_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Gives a hold back at once."""
    account, headers = await desk.gate.enter(request)
    await release(desk.kernel, claim_id=checked_hold_id(hold_id), owner=account.id)
    return Answer(None, status_code=204, headers=headers)


@post(
    "/holds/{hold_id:str}/confirm",
    summary="Confirm a hold",
    tags=["holds"],
    status_code=201,
    opt=told(
        *CONFIRM_REFUSALS,
        headers=(IDEMPOTENCY_KEY,),
        body=examples.CONFIRM,
        answer=examples.BOOKING,
    ),
)
async def post_confirm(
    request: AnyRequest,
    hold_id: FromPath[str],
    desk: NamedDependency[Desk],
    data: JSONBody[ConfirmRequest | None] = None,
) -> Response[Booking]:
    """Books the held unit, durably. Needs an Idempotency-Key; repeating with the same key gives the same answer."""
    stage = desk.kernel.stage
    with stage("gate"):
        account, headers = await desk.gate.enter(request)
    with stage("confirm"):
        booked = await confirm(
            desk.kernel,
            claim_id=checked_hold_id(hold_id),
            owner=account.id,
            key=idempotency_key(request),
            unit=data.unit if data else None,
        )
    return Answer(booked, status_code=201, headers=headers)


def idempotency_key(request: AnyRequest) -> str:
    """The request's Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header).

    Raises:
        KeyMissing: there is none, or it is not 1 to 200 printable ASCII characters.
    """
    key = header(request, b"idempotency-key") or ""
    if not 0 < len(key) <= KEY_LENGTH_LIMIT or not key.isascii() or not key.isprintable():
        raise KeyMissing
    return key


def my_hold(found: PresentHold) -> MyHold:
    """A hold as its owner is told of it: their vehicle is named, they themselves need not be."""
    kind, _, name = found.claimant.partition(":")
    return MyHold(
        id=found.id,
        pool=found.pool,
        service=found.service,
        vehicle=name if kind == "vehicle" else None,
        units=found.units,
        expires_at_ms=found.expires_at_ms,
        confirming=found.confirming,
    )
