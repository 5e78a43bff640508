"""Live counts for many watchers: one question to Valkey per watched pool and tick, however many watch it.

Bounded: a watcher that does not read keeps one pending change set, not a queue; WATCHERS_LIMIT streams per worker.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextvars import Context
from itertools import count

from sqlalchemy import select

from reservation import Kernel, free_places, tables
from reservation.errors import Busy, ReservationError
from reservation.transaction import transaction

log = logging.getLogger(__name__)

TICK_S = 0.5
HEARTBEAT_S = 15.0
WATCHERS_LIMIT = 5_000
UNITS_EVERY_TICKS = 10
"""How often a watched pool is asked which units it has: some may have been published since."""

Counts = dict[int, int | None]


class _Watcher:
    """One stream: what it has not been told yet."""

    def __init__(self, units: set[int] | None) -> None:
        self.units = units
        self.pending: Counts = {}
        self.wake = asyncio.Event()

    def tell(self, changed: Counts) -> None:
        mine = changed if self.units is None else {u: n for u, n in changed.items() if u in self.units}
        if mine:
            self.pending.update(mine)
            self.wake.set()


class Availability:
    """Owns one polling task per watched pool; the task ends with its last watcher."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._watchers: dict[int, set[_Watcher]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last: dict[int, Counts] = {}
        self._pools: dict[int, int] = {}
        self._outdated: set[int] = set()

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._watchers.values()))

    async def pool_of_unit(self, unit_id: int) -> int | None:
        """The pool a unit belongs to; None if there is no such unit.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        if unit_id not in self._pools:
            query = select(tables.unit.c.pool_id).where(tables.unit.c.id == unit_id)
            async with transaction(self._kernel.reads) as connection:
                pool_id = (await connection.execute(query)).scalar_one_or_none()
            if pool_id is None:
                return None
            self._pools[unit_id] = pool_id
        return self._pools[unit_id]

    async def watch(self, pool_id: int, units: set[int] | None) -> AsyncGenerator[Counts | None, None]:
        """Counts now and as they change; None every HEARTBEAT_S of silence. `units` None: all of the pool.

        Raises:
            Busy: WATCHERS_LIMIT streams are open in this worker.
        """
        if self.watchers >= WATCHERS_LIMIT:
            raise Busy(part="availability")
        watcher = _Watcher(units)
        known = self._last.get(pool_id, {})
        watcher.tell(known)
        if units is not None and not units <= known.keys():
            self._outdated.add(pool_id)
        self._watchers.setdefault(pool_id, set()).add(watcher)
        if pool_id not in self._tasks:
            # It outlives the watcher that starts it, and must not log under that request's id.
            self._tasks[pool_id] = asyncio.create_task(
                self._poll(pool_id), name=f"availability-{pool_id}", context=Context()
            )
        try:
            while True:
                try:
                    await asyncio.wait_for(watcher.wake.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield None
                    continue
                watcher.wake.clear()
                counts, watcher.pending = watcher.pending, {}
                yield counts
        finally:
            self._watchers[pool_id].discard(watcher)

    async def close(self) -> None:
        """Ends the polling."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, pool_id: int) -> None:
        try:
            units = await self._units(pool_id)
            for tick in count(1):
                if not self._watchers[pool_id]:
                    break
                if tick % UNITS_EVERY_TICKS == 0 or pool_id in self._outdated:
                    units = await self._units_now(pool_id, known=units)
                counts = await self._counts(pool_id, units)
                before = self._last.get(pool_id, {})
                changed = {unit: count for unit, count in counts.items() if before.get(unit, -1) != count}
                self._last[pool_id] = counts
                for watcher in self._watchers[pool_id]:
                    watcher.tell(changed)
                await asyncio.sleep(TICK_S)
        except ReservationError as error:
            # The next watcher starts over; those who wait now keep what they have and their heartbeat.
            log.warning("availability of pool %d: %s", pool_id, error.code)
        finally:
            del self._tasks[pool_id]
            self._last.pop(pool_id, None)
            self._outdated.discard(pool_id)

    async def _units_now(self, pool_id: int, *, known: list[int]) -> list[int]:
        """The pool's units; those known before while PostgreSQL does not answer."""
        try:
            units = await self._units(pool_id)
        except ReservationError:
            return known
        self._outdated.discard(pool_id)
        return units

    async def _units(self, pool_id: int) -> list[int]:
        query = select(tables.unit.c.id).where(tables.unit.c.pool_id == pool_id).order_by(tables.unit.c.id)
        async with transaction(self._kernel.reads) as connection:
            return list((await connection.execute(query)).scalars().all())

    async def _counts(self, pool_id: int, units: list[int]) -> Counts:
        """Live counts; None for each while Valkey does not answer, so that watchers see that it is not known."""
        try:
            free = await free_places(self._kernel, pool_id=pool_id, units=units)
        except ReservationError:
            return dict.fromkeys(units)
        return dict(zip(units, free, strict=True))
