"""What there is to hold: pools, their units, and live counts. Open to everyone, signed in or not."""

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from booking_api.availability import Availability
from booking_api.desk import Desk
from reservation import Pool, Unit, units_of
from reservation.errors import UnknownUnit

UNITS_PAGE_LIMIT = 500


class Pools(msgspec.Struct, frozen=True):
    """Every pool, in id order."""

    pools: list[Pool]


class Units(msgspec.Struct, frozen=True):
    """One page of a pool's units in id order; `next` continues after the last one, null at the end."""

    units: list[Unit]
    next: int | None


@get("/pools", summary="Pools", tags=["pools"])
async def get_pools(desk: NamedDependency[Desk]) -> Pools:
    """What is given out, by authority, service and rule."""
    return Pools(await desk.kernel.read_pools())


@get("/pools/{pool_id:int}/units", summary="A pool's units", tags=["pools"])
async def get_units(
    desk: NamedDependency[Desk],
    pool_id: FromPath[int],
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=UNITS_PAGE_LIMIT)] = 100,
) -> Units:
    """The pool's sessions or items with their counts. `free` is null while the live counts are not known."""
    units = await units_of(desk.kernel, pool_id=pool_id, after=after, limit=limit)
    return Units(units, units[-1].id if len(units) == limit else None)


@get(
    "/units/{unit_id:int}/availability",
    summary="Live count of one unit",
    tags=["pools"],
    media_type="text/event-stream",
)
async def get_unit_availability(desk: NamedDependency[Desk], unit_id: FromPath[int]) -> ServerSentEvent:
    """Server-sent events `availability` with `{"<unit>": free}`: now, and whenever it changes."""
    pool_id = await desk.availability.pool_of_unit(unit_id)
    if pool_id is None:
        raise UnknownUnit(unit=unit_id)
    return ServerSentEvent(_events(desk.availability, pool_id, {unit_id}))


@get(
    "/pools/{pool_id:int}/availability",
    summary="Live counts of a pool",
    tags=["pools"],
    media_type="text/event-stream",
)
async def get_pool_availability(desk: NamedDependency[Desk], pool_id: FromPath[int]) -> ServerSentEvent:
    """Server-sent events `availability` with `{"<unit>": free, ...}`: all units now, then those that change."""
    await desk.kernel.pool(pool_id)
    return ServerSentEvent(_events(desk.availability, pool_id, None))


async def _events(
    availability: Availability, pool_id: int, units: set[int] | None
) -> AsyncGenerator[ServerSentEventMessage, None]:
    async for counts in availability.watch(pool_id, units):
        if counts is None:
            yield ServerSentEventMessage(comment="still here")
        else:
            yield ServerSentEventMessage(event="availability", data=msgspec.json.encode(counts).decode())
