"""Finding, holding, confirming and moving for the person at the counter. Imports the kernel."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.clock import SHANGHAI
from booking_api.counter.serving import confirm_for, hold_for, move_for, release_for
from booking_api.desk import Desk
from booking_api.eligibility.claimants import checked_booking_id, checked_hold_id, current_holds
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.pages.counter.entering import Refused, Serving, serving, serving_posted, show
from booking_api.pages.counter.kept import bookings_shown
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.request import AnyRequest
from booking_api.tickets.reading import BookedUnit
from reservation import (
    ClaimantKind,
    Pool,
    PresentHold,
    Unit,
    find_hold,
    find_unit,
    units_of,
)
from reservation.errors import ReservationError, UnknownPool
from reservation.listing import PoolFilter, UnitFilter, pools_of

UNITS_SHOWN = 500
POOLS_SHOWN = 100


class HoldShown(msgspec.Struct, frozen=True, kw_only=True):
    """A hold with its session, and the booking it could take the place of."""

    hold: PresentHold
    unit: Unit
    expires_at: datetime
    vehicle: str | None
    instead_of: BookedUnit | None


class Wanted(msgspec.Struct, frozen=True):
    """For which vehicle, where vehicles are counted."""

    vehicle: Annotated[str, msgspec.Meta(max_length=40)] | None = None


@page_get("/counter/{authority:str}/visits/{visit_id:str}/find", access=Access.CLERK)
async def get_find(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What is given out here now, by day: what everybody else sees."""
    here = await serving(request, desk, authority, visit_id)
    pools = await pools_of(
        desk.kernel, wanted=PoolFilter(authority=here.counter.authority), limit=POOLS_SHOWN
    )
    chosen = next((pool for pool in pools if str(pool.id) == here.visitor.query.get("pool")), None)
    chosen = chosen or next(iter(pools), None)
    units = await _coming(desk, chosen) if chosen else []
    classes = sorted({unit.attributes["class"] for unit in units if unit.attributes.get("class")})
    vehicle_class = here.visitor.query.get("class", "")
    wanted = [unit for unit in units if vehicle_class in {"", unit.attributes.get("class")}]
    return show(
        "find",
        here,
        pools=pools,
        chosen=chosen,
        classes=classes,
        vehicle_class=vehicle_class,
        days=by_day(wanted),
    )


@page_get("/counter/{authority:str}/visits/{visit_id:str}/units/{unit:int}", access=Access.CLERK)
async def get_unit(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    unit: FromPath[int],
    desk: NamedDependency[Desk],
) -> Response[str]:
    """Before it is held: for whom, what, and for how long."""
    return await _unit_page(desk, await serving(request, desk, authority, visit_id), unit=unit)


@page_post("/counter/{authority:str}/visits/{visit_id:str}/units/{unit:int}", access=Access.CLERK)
async def post_unit(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    unit: FromPath[int],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """Holds it for the person."""
    here, form = await serving_posted(request, desk, authority, visit_id)
    try:
        vehicle = form.read(Wanted).vehicle
        found = await find_unit(desk.kernel, unit_id=_id(unit))
        held = await hold_for(
            desk.kernel,
            desk.eligibility,
            here.present,
            pool=found.pool,
            units=[found.id],
            vehicle=vehicle,
            now=clock.now(),
        )
    except (ApiError, ReservationError) as error:
        return await _unit_page(desk, here, unit=unit, vehicle=form.one("vehicle"), error=error)
    return go_to(here.visitor, f"{here.home}/holds/{held.id}")


@page_get("/counter/{authority:str}/visits/{visit_id:str}/holds/{hold_id:str}", access=Access.CLERK)
async def get_hold(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    hold_id: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[str]:
    """What is held, to be read to the person before it is booked."""
    return await _hold_page(desk, await serving(request, desk, authority, visit_id), hold_id=hold_id)


@page_post("/counter/{authority:str}/visits/{visit_id:str}/holds/{hold_id:str}/confirm", access=Access.CLERK)
async def post_confirm(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    hold_id: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """Books it. The hold's own id is the key: sent twice it is one booking."""
    here, _ = await serving_posted(request, desk, authority, visit_id)
    try:
        booked = await confirm_for(desk.kernel, here.present, hold_id=checked_hold_id(hold_id), key=hold_id)
    except ReservationError as error:
        return await _refused_page(desk, here, error, hold_id=hold_id)
    return go_to(here.visitor, f"{here.home}/bookings/{booked.id}", told="booked")


@page_post("/counter/{authority:str}/visits/{visit_id:str}/holds/{hold_id:str}/release", access=Access.CLERK)
async def post_release(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    hold_id: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """Gives it back."""
    here, _ = await serving_posted(request, desk, authority, visit_id)
    await release_for(desk.kernel, here.present, hold_id=checked_hold_id(hold_id))
    return go_to(here.visitor, here.home, told="released")


@page_post("/counter/{authority:str}/visits/{visit_id:str}/holds/{hold_id:str}/move", access=Access.CLERK)
async def post_move(
    request: AnyRequest,
    authority: FromPath[str],
    visit_id: FromPath[str],
    hold_id: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """Moves the person's booking to what they hold."""
    here, form = await serving_posted(request, desk, authority, visit_id)
    try:
        moved = await move_for(
            desk.kernel,
            desk.eligibility,
            here.present,
            booking_id=checked_booking_id(form.one("booking")),
            hold_id=checked_hold_id(hold_id),
            unit=None,
            now=clock.now(),
        )
    except (ApiError, ReservationError) as error:
        return await _refused_page(desk, here, error, hold_id=hold_id)
    return go_to(here.visitor, f"{here.home}/bookings/{moved.id}", told="moved")


async def holds_shown(desk: Desk, here: Serving) -> list[HoldShown]:
    """What the person holds now."""
    return [await _shown(desk, here, held) for held in await current_holds(desk.kernel, here.present.account)]


def by_day(units: Sequence[Unit]) -> list[tuple[date, list[Unit]]]:
    """Sessions by day in China, in order of time."""
    days: dict[date, list[Unit]] = {}
    for starts_at, unit in sorted(
        ((unit.starts_at, unit) for unit in units if unit.starts_at is not None),
        key=lambda pair: (pair[0], pair[1].id),
    ):
        days.setdefault(starts_at.astimezone(SHANGHAI).date(), []).append(unit)
    return list(days.items())


async def _coming(desk: Desk, pool: Pool) -> list[Unit]:
    wanted = UnitFilter(starts_from=clock.now())
    return await units_of(desk.kernel, pool_id=pool.id, wanted=wanted, limit=UNITS_SHOWN)


async def _shown(desk: Desk, here: Serving, held: PresentHold) -> HoldShown:
    unit = await find_unit(desk.kernel, unit_id=held.units[0])
    pool = await desk.kernel.pool(held.pool)
    kind, _, plate = held.claimant.partition(":")
    same = [
        one
        for one in await bookings_shown(desk, here)
        if (one.service, one.rule) == (pool.service, pool.rule) and kind == "person"
    ]
    return HoldShown(
        hold=held,
        unit=unit,
        expires_at=datetime.fromtimestamp(held.expires_at_ms / 1000, SHANGHAI),
        vehicle=plate if kind == "vehicle" else None,
        instead_of=next(iter(same), None),
    )


async def _unit_page(
    desk: Desk, here: Serving, *, unit: int, vehicle: str = "", error: Refused | None = None
) -> Response[str]:
    found = await find_unit(desk.kernel, unit_id=_id(unit))
    pool = await desk.kernel.pool(found.pool)
    return show(
        "unit",
        here,
        unit=found,
        pool=pool,
        minutes=pool.hold_ttl_s // 60,
        by_vehicle=pool.claimant_kind is ClaimantKind.VEHICLE,
        vehicles=[(plate, plate) for plate in here.present.account.vehicles],
        vehicle=vehicle,
        error=error,
    )


async def _hold_page(
    desk: Desk, here: Serving, *, hold_id: str, error: Refused | None = None
) -> Response[str]:
    held = await find_hold(desk.kernel, claim_id=checked_hold_id(hold_id), owner=here.present.account.id)
    return show(
        "hold",
        here,
        held=await _shown(desk, here, held),
        error=error,
    )


async def _refused_page(desk: Desk, here: Serving, error: Refused, *, hold_id: str) -> Response[str]:
    """The hold's page again, while there is a hold; else the refusal is all there is to say."""
    try:
        return await _hold_page(desk, here, hold_id=hold_id, error=error)
    except (ReservationError, ApiError):
        raise error from None


def _id(unit: int) -> int:
    """The number, if a unit can have it.

    Raises:
        UnknownPool: it is in none.
    """
    if not 0 < unit < 2**53:
        raise UnknownPool
    return unit
