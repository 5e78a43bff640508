"""The places a load test gives out: published before it, and looked at between its waves. Imports `reservation`."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from booking_api.cli.surroundings import open_kernel
from loadtest.stage import Stage
from reservation import Kernel, NewUnit, UnitKind, add_authority, publish_pool, units_of
from reservation.errors import ReservationError
from reservation.keys import fence_key

log = logging.getLogger(__name__)

AUTHORITY = "cn-load"
UNITS_LIMIT = 500
POLL_S = 0.1


class Stock(NamedTuple):
    """Places that no booking has, and those of them that could be held now; None while Valkey's view is not known."""

    unbooked: int
    free: int | None

    @property
    def settled(self) -> bool:
        """True when no hold is in between."""
        return self.free == self.unbooked


async def publish(
    stage: Stage, *, sizes: Sequence[int], hold_ttl_s: int, timeout_s: float
) -> tuple[int, Stock]:
    """Publishes a pool with one session per size; gives its id and the stock once all of it can be held.

    Raises:
        ReservationError: PostgreSQL does not answer.
    """
    first = datetime.now(UTC) + timedelta(days=7)
    async with open_kernel(stage.addresses) as kernel:
        await add_authority(kernel, authority_id=AUTHORITY, level="city", name={"en": "Load city"})
        pool = await publish_pool(
            kernel,
            authority=AUTHORITY,
            service="driving_test",
            rule="subject-2",
            title={"en": "Subject 2"},
            hold_ttl_s=hold_ttl_s,
            units=[
                NewUnit(
                    kind=UnitKind.SESSION,
                    title={"en": f"Session {number}"},
                    capacity=size,
                    starts_at=first + timedelta(hours=number),
                    ends_at=first + timedelta(hours=number + 1),
                )
                for number, size in enumerate(sizes, 1)
            ],
            demo=True,
        )
        return pool, await _settled(kernel, pool, timeout_s)


async def settle(stage: Stage, *, pool: int, timeout_s: float) -> Stock:
    """Waits until the view is of the Valkey that answers now and no hold is left; gives the stock then or in the end.

    Raises:
        ReservationError: PostgreSQL does not answer.
    """
    async with open_kernel(stage.addresses) as kernel:
        return await _settled(kernel, pool, timeout_s)


async def _settled(kernel: Kernel, pool: int, timeout_s: float) -> Stock:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        stock = await _look(kernel, pool)
        if stock.settled or loop.time() > deadline:
            return stock
        await asyncio.sleep(POLL_S)


async def _look(kernel: Kernel, pool_id: int) -> Stock:
    units = await units_of(kernel, pool_id=pool_id, limit=UNITS_LIMIT)
    unbooked = sum(unit.capacity - unit.booked for unit in units)
    free = [unit.free for unit in units]
    known = [count for count in free if count is not None]
    if len(known) < len(units) or not await _fence_is_right(kernel, pool_id):
        return Stock(unbooked, None)
    return Stock(unbooked, sum(known))


async def _fence_is_right(kernel: Kernel, pool_id: int) -> bool:
    """Counts are shown from whatever view there is; only a view with this fence can be held from."""
    try:
        lane = kernel.valkey.lane(fence_key(pool_id))
        stored = await lane.command("GET", fence_key(pool_id))
        (pool,) = await kernel.read_pools(pool_id)
    except ReservationError as error:
        log.info("no view of pool %d yet: %s", pool_id, error.code)
        return False
    return stored is not None and stored.decode() == f"{pool.epoch}:{lane.run_id}"
