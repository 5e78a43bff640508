"""`/hold`: take a place for some minutes, look at it in peace, confirm it or give it back. Imports the kernel.

Each step is a form of its own and may be sent twice: a repeated hold is the hold one has, a repeated confirm the booking
that was made, for the form carries one key for this hold.
"""

from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_hold_id, claimant_of, current_holds, refusals_counted
from booking_api.eligibility.errors import NotEligible
from booking_api.errors import ApiError
from booking_api.gate.access import Access, check_access
from booking_api.pages.applicant.holdings import hold_page
from booking_api.pages.applicant.mine import held_views
from booking_api.pages.applicant.ways import refused_page
from booking_api.pages.applicant.why import why_page
from booking_api.pages.applicant.wishes import Wish, booking_of, number_of
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import SignInNeeded, Visitor, posted, visit
from booking_api.request import AnyRequest
from booking_api.tickets.check_in import check_in_key
from booking_api.tickets.reading import find_booked_unit
from reservation import Hold, confirm, find_hold, hold, release
from reservation.claim_id import pool_of
from reservation.errors import (
    AlreadyConfirmed,
    ChooseUnit,
    HoldLost,
    ReservationError,
    UnknownBooking,
    UnknownPool,
)
from reservation.hold import UNITS_LIMIT

UnitId = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
# Printable ASCII, as the API takes it; what `$` would let pass at the end, a line feed, is none.
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[ -~]+(?![\s\S])")]


class Taking(msgspec.Struct, frozen=True):
    """What to hold: units of one pool, for one of one's vehicles where the pool counts those."""

    pool: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    unit: Annotated[list[UnitId], msgspec.Meta(min_length=1, max_length=UNITS_LIMIT)]
    vehicle: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Confirming(msgspec.Struct, frozen=True):
    """The key that makes confirming safe to repeat, and which unit of the hold if it has several."""

    key: Key
    unit: UnitId | None = None


@page_post("/hold", access=Access.PUBLIC)
async def post_hold(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Holds a place; a stranger signs in first and comes back to this very session."""
    visitor, form = await posted(request, desk)
    told, instead = form.read(Taking), booking_of(form.one("instead"))
    [unit, *_] = told.unit
    if visitor.account is None:
        raise SignInNeeded(Wish(pool=told.pool, unit=unit, instead=instead).link() + "#wanted")
    try:
        held = await _take(desk, visitor, told)
    except NotEligible as error:
        return await why_page(desk, visitor, error, vehicle=told.vehicle, instead=instead)
    except (ApiError, ReservationError) as error:
        fields = {"pool": told.pool, "unit": unit, "vehicle": told.vehicle or "", "instead": instead}
        return await refused_page(desk, visitor, error, unit=unit, instead=instead, form=fields)
    return go_to(visitor, _path(held.id, unit=unit, instead=instead))


@page_get("/hold", access=Access.VERIFIED)
async def get_holds(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """What one holds now."""
    visitor = await visit(request, desk)
    holds = await held_views(desk, await current_holds(desk.kernel, visitor.me), visitor.words)
    return render("applicant/holds.html", visitor, holds=holds, now_ms=desk.kernel.clock(), wish=Wish())


@page_get("/hold/{hold_id:str}", access=Access.VERIFIED)
async def get_hold(request: AnyRequest, hold_id: FromPath[str], desk: NamedDependency[Desk]) -> Response[Any]:
    """One hold with its time, and the button that confirms it."""
    visitor = await visit(request, desk)
    unit, instead = number_of(visitor.query.get("unit")), booking_of(visitor.query.get("instead", ""))
    return await _look(desk, visitor, checked_hold_id(hold_id), unit=unit, instead=instead)


@page_post("/hold/{hold_id:str}/confirm", access=Access.VERIFIED)
async def post_confirm(
    request: AnyRequest, hold_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Books the held place for good."""
    visitor, form = await posted(request, desk)
    claim_id = checked_hold_id(hold_id)
    try:
        told = form.read(Confirming)
        booked = await confirm(
            desk.kernel, claim_id=claim_id, owner=visitor.me.id, key=told.key, unit=told.unit
        )
    except AlreadyConfirmed:
        return go_to(visitor, f"/bookings/{claim_id}")
    except (FieldsRefused, ReservationError) as error:
        unit = number_of(form.one("held"))
        return await _look(desk, visitor, claim_id, unit=unit, instead="", error=error)
    return go_to(visitor, f"/bookings/{booked.id}", told="booked")


@page_post("/hold/{hold_id:str}/release", access=Access.VERIFIED)
async def post_release(
    request: AnyRequest, hold_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Gives the place back at once. One that has ended is given back already."""
    visitor, form = await posted(request, desk)
    claim_id, instead = checked_hold_id(hold_id), booking_of(form.one("instead"))
    try:
        # Whoever gives back what has ended has what they want: no place, and no error to read.
        with suppress(HoldLost):
            await release(desk.kernel, claim_id=claim_id, owner=visitor.me.id)
    except ReservationError as error:
        unit = number_of(form.one("held"))
        return await _look(desk, visitor, claim_id, unit=unit, instead=instead, error=error)
    return go_to(visitor, Wish(pool=pool_of(claim_id), instead=instead).link(), told="released")


async def _take(desk: Desk, visitor: Visitor, told: Taking) -> Hold:
    """The place, held.

    Raises:
        NotVerified: nobody has found the person behind the account yet.
        NotEligible: rules stand against it; and whatever `hold` refuses.
    """
    account, vehicle = visitor.me, told.vehicle or None
    with refusals_counted(desk.kernel, told.pool):
        check_access(account, Access.VERIFIED)
        claimant = await claimant_of(desk.kernel, account, pool_id=told.pool, vehicle=vehicle)
        await desk.eligibility.check_hold(
            account=account.id, units=told.unit, vehicle=vehicle, now=clock.now()
        )
        return await hold(
            desk.kernel, pool_id=told.pool, units=told.unit, claimant=claimant, owner=account.id
        )


async def _look(
    desk: Desk,
    visitor: Visitor,
    claim_id: str,
    *,
    unit: int | None,
    instead: str,
    error: ApiError | ReservationError | None = None,
) -> Response[Any]:
    """The hold as it is now; the booking that has become of it; or that it has ended, and how to hold again."""
    try:
        held = await find_hold(desk.kernel, claim_id=claim_id, owner=visitor.me.id)
    except (HoldLost, UnknownPool) as lost:
        if await _booked(desk, visitor, claim_id):
            return go_to(visitor, f"/bookings/{claim_id}")
        # Whose it was is not told: somebody else's hold and one that has ended look alike.
        status = None if error else 404
        return await refused_page(desk, visitor, error or lost, unit=unit, instead=instead, status=status)
    if isinstance(error, ChooseUnit):
        error = FieldsRefused({"unit": ("required", {})})
    return await hold_page(desk, visitor, held, instead=instead, error=error)


async def _booked(desk: Desk, visitor: Visitor, claim_id: str) -> bool:
    """Whether a booking of theirs has this id: it has the id of the hold that it came from."""
    try:
        key = check_in_key(desk.key)
        await find_booked_unit(desk.kernel.reads, claim_id, owner=visitor.me.id, key=key)
    except UnknownBooking:
        return False
    return True


def _path(claim_id: str, *, unit: int, instead: str) -> str:
    # The unit goes along so that a hold that has ended can be offered again.
    return f"/hold/{claim_id}?unit={unit}" + (f"&instead={instead}" if instead else "")


HOLD_PAGES = [post_hold, get_holds, get_hold, post_confirm, post_release]
