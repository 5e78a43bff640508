"""What there is to hold: pools, their units, and live counts. Open to everyone, signed in or not."""

from collections.abc import AsyncGenerator
from typing import Annotated, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from booking_api.availability import Availability
from booking_api.description import told
from booking_api.desk import Desk
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
    units_list,
)
from booking_api.routes import examples
from reservation import Pool, PoolFilter, Unit, UnitFilter, find_unit, pools_of, units_of
from reservation.errors import UnknownPool, UnknownUnit

FREE = (
    "Leave out the units that have no place left: a page may then have fewer than `limit` of them, and only `next` says "
    "whether it is the last. A unit whose live count is not known stays in, with `free` null."
)
STREAM_HEADERS = {
    "Cache-Control": "no-cache",
    # A proxy that gathered events before it passed them on would make them useless.
    "X-Accel-Buffering": "no",
}
STILL_HERE = b": still here\r\n\r\n"
PoolId = Annotated[int, PathParameter(ge=1, lt=2**31)]
UnitId = Annotated[int, PathParameter(ge=1, lt=2**53)]


class Pools(msgspec.Struct, frozen=True):
    """Pools in id order; `next` is the cursor of the page after this one, null at the end."""

    pools: list[Pool]
    next: str | None


class Units(msgspec.Struct, frozen=True):
    """A pool's units in id order; `next` is the cursor of the page after this one, null at the end."""

    units: list[Unit]
    next: str | None


@get("/pools", summary="Pools", tags=["pools"], opt=told(answer=examples.POOLS))
async def get_pools(
    desk: NamedDependency[Desk],
    *,
    authority: Word = None,
    service: Word = None,
    rule: Word = None,
    pool_state: Annotated[Literal["open", "closed"] | None, QueryParameter(name="state")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Pools:
    """What is given out, by authority, service and rule."""
    wanted = PoolFilter(authority=authority, service=service, rule=rule, state=pool_state)
    of = ("pools", wanted)
    after = read_cursor(cursor, of=of, kind=int) or 0
    found = await pools_of(desk.kernel, wanted=wanted, after=after, limit=limit + 1)
    return Pools(*page(found, limit=limit, key=lambda pool: pool.id, of=of))


@get(
    "/pools/{pool_id:int}/units",
    summary="A pool's units",
    tags=["pools"],
    opt=told(UnknownPool, answer=examples.UNITS),
)
async def get_units(
    desk: NamedDependency[Desk],
    pool_id: PoolId,
    *,
    site: Word = None,
    subject: Word = None,
    vehicle_class: Annotated[str | None, QueryParameter(name="class", min_length=1, max_length=8)] = None,
    first: FromDay = None,
    last: UntilDay = None,
    free: Annotated[bool, QueryParameter(description=FREE)] = False,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Units:
    """The pool's sessions or items with their counts. `free` is null while the live counts are not known."""
    starts_from, starts_before = moments(first, last)
    asked = {"subject": subject, "class": vehicle_class}
    wanted = UnitFilter(
        site=site,
        starts_from=starts_from,
        starts_before=starts_before,
        attributes={name: value for name, value in asked.items() if value is not None},
        stocked=free,
    )
    of = units_list(pool_id, wanted)
    after = read_cursor(cursor, of=of, kind=int) or 0
    found = await units_of(desk.kernel, pool_id=pool_id, wanted=wanted, after=after, limit=limit + 1)
    shown, following = page(found, limit=limit, key=lambda unit: unit.id, of=of)
    return Units([unit for unit in shown if not free or unit.free != 0], following)


@get("/units/{unit_id:int}", summary="One unit", tags=["pools"], opt=told(UnknownUnit, answer=examples.UNIT))
async def get_unit(desk: NamedDependency[Desk], unit_id: UnitId) -> Unit:
    """A session or item with its counts. `free` is null while the live count is not known."""
    return await find_unit(desk.kernel, unit_id=unit_id)


@get(
    "/units/{unit_id:int}/availability",
    summary="Live count of one unit",
    tags=["pools"],
    media_type="text/event-stream",
    opt=told(UnknownUnit, answer=examples.COUNTS),
)
async def get_unit_availability(desk: NamedDependency[Desk], unit_id: UnitId) -> Stream:
    """Server-sent events `availability` with `{"<unit>": free}`: now, and whenever it changes."""
    pool_id = await desk.availability.pool_of_unit(unit_id)
    if pool_id is None:
        raise UnknownUnit(unit=unit_id)
    return _stream(desk.availability, pool_id, {unit_id})


@get(
    "/pools/{pool_id:int}/availability",
    summary="Live counts of a pool",
    tags=["pools"],
    media_type="text/event-stream",
    opt=told(UnknownPool, answer=examples.COUNTS),
)
async def get_pool_availability(desk: NamedDependency[Desk], pool_id: PoolId) -> Stream:
    """Server-sent events `availability` with `{"<unit>": free, ...}`: all units now, then those that change."""
    await desk.kernel.pool(pool_id)
    return _stream(desk.availability, pool_id, None)


def _stream(availability: Availability, pool_id: int, units: set[int] | None) -> Stream:
    """The framework's own event stream makes each event anew for each reader, and takes a thread to begin."""
    return Stream(
        _events(availability, pool_id, units), media_type="text/event-stream", headers=STREAM_HEADERS
    )


async def _events(
    availability: Availability, pool_id: int, units: set[int] | None
) -> AsyncGenerator[bytes, None]:
    async for told_now in availability.watch(pool_id, units):
        yield STILL_HERE if told_now is None else told_now.event
