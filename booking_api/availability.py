"""Live counts for many watchers: one question to Valkey per watched pool and tick, however many watch it.

What several are told is encoded once. Bounded: a watcher that does not read keeps one pending change set, not a queue;
WATCHERS_LIMIT streams per worker. Thousands are woken a few at a time, so that ordinary requests come in between.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextvars import Context
from itertools import count

import msgspec
from sqlalchemy import select

from reservation import Kernel, free_places, tables
from reservation.errors import Busy, ReservationError
from reservation.transaction import transaction

log = logging.getLogger(__name__)

TICK_S = 0.5
HEARTBEAT_S = 15.0
WATCHERS_LIMIT = 5_000
WOKEN_AT_ONCE = 8
"""Each has its turn in the loop before the next few: an ordinary request waits for these, not for all."""
UNITS_EVERY_TICKS = 10
"""How often a watched pool is asked which units it has: some may have been published since."""

Counts = dict[int, int | None]


class Told:
    """Counts that somebody is to be told, and the event that says so, made once for all who are told the same."""

    __slots__ = ("_event", "counts")

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self._event: bytes | None = None

    @property
    def event(self) -> bytes:
        """A server-sent event (HTML standard, section 9.2.5)."""
        if self._event is None:
            self._event = b"event: availability\r\ndata: %b\r\n\r\n" % msgspec.json.encode(self.counts)
        return self._event


class _Watcher:
    """One stream: what it has not been told yet, and since when it has been silent."""

    __slots__ = ("ended", "pending", "silent_since", "units", "wake")

    def __init__(self, units: frozenset[int] | None, *, now: float) -> None:
        self.units = units
        self.pending: Told | None = None
        self.silent_since = now
        self.ended = False
        self.wake = asyncio.Event()

    def tell(self, told: Told) -> None:
        if told.counts:
            self.pending = told if self.pending is None else Told(self.pending.counts | told.counts)
            self.wake.set()


class Availability:
    """Owns one polling task per watched pool; the task ends with its last watcher."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._watchers: dict[int, set[_Watcher]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last: dict[int, Told] = {}
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

    async def watch(self, pool_id: int, units: Iterable[int] | None) -> AsyncGenerator[Told | None, None]:
        """Counts now and as they change; None after HEARTBEAT_S of silence. `units` None: all of the pool.

        Ends when the worker stops, or can follow the pool no longer; the watcher then asks anew.

        Raises:
            Busy: WATCHERS_LIMIT streams are open in this worker.
        """
        if self.watchers >= WATCHERS_LIMIT:
            raise Busy(part="availability")
        loop = asyncio.get_running_loop()
        watcher = _Watcher(None if units is None else frozenset(units), now=loop.time())
        known = self._last.get(pool_id, Told({}))
        watcher.tell(_of_units(known, watcher.units))
        if watcher.units is not None and not watcher.units <= known.counts.keys():
            self._outdated.add(pool_id)
        self._watchers.setdefault(pool_id, set()).add(watcher)
        if pool_id not in self._tasks:
            # It outlives the watcher that starts it, and must not log under that request's id.
            self._tasks[pool_id] = asyncio.create_task(
                self._poll(pool_id), name=f"availability-{pool_id}", context=Context()
            )
        try:
            while True:
                await watcher.wake.wait()
                if watcher.ended:
                    return
                watcher.wake.clear()
                watcher.silent_since = loop.time()
                told, watcher.pending = watcher.pending, None
                yield told
        finally:
            self._watchers[pool_id].discard(watcher)

    async def close(self) -> None:
        """Ends the polling, and with it every stream."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, pool_id: int) -> None:
        units: list[int] = []
        try:
            for tick in count():
                if not self._watchers[pool_id]:
                    break
                if not units or tick % UNITS_EVERY_TICKS == 0 or pool_id in self._outdated:
                    units = await self._units_now(pool_id, known=units)
                await self._tell(pool_id, await self._counts(pool_id, units))
                await asyncio.sleep(TICK_S)
        except Exception:
            log.exception("availability of pool %d failed", pool_id)
        finally:
            del self._tasks[pool_id]
            self._last.pop(pool_id, None)
            self._outdated.discard(pool_id)
            # Nobody would wake them any more: their streams end, and whoever is still there asks anew.
            for watcher in self._watchers[pool_id]:
                watcher.ended = True
                watcher.wake.set()

    async def _tell(self, pool_id: int, counts: Counts) -> None:
        """Tells every watcher what has changed for them since the last tick, and whom it is time to tell anything."""
        before = self._last.get(pool_id, Told({})).counts
        changed = Told({unit: free for unit, free in counts.items() if before.get(unit, -1) != free})
        # From here on a new watcher begins with these counts; everybody who is there already is in the list.
        self._last[pool_id] = Told(counts)
        of_units: dict[frozenset[int] | None, Told] = {}
        beat = asyncio.get_running_loop().time() - HEARTBEAT_S
        woken = 0
        for watcher in list(self._watchers[pool_id]):
            mine = of_units.get(watcher.units)
            if mine is None:
                mine = of_units[watcher.units] = _of_units(changed, watcher.units)
            watcher.tell(mine)
            if watcher.silent_since <= beat:
                watcher.wake.set()
            woken += watcher.wake.is_set()
            if woken == WOKEN_AT_ONCE:
                woken = 0
                await asyncio.sleep(0)

    async def _units_now(self, pool_id: int, *, known: list[int]) -> list[int]:
        """The pool's units; those known before while PostgreSQL does not answer."""
        query = select(tables.unit.c.id).where(tables.unit.c.pool_id == pool_id).order_by(tables.unit.c.id)
        try:
            async with transaction(self._kernel.reads) as connection:
                units = list((await connection.execute(query)).scalars().all())
        except ReservationError as error:
            log.warning("units of pool %d: %s", pool_id, error.code)
            return known
        self._outdated.discard(pool_id)
        return units

    async def _counts(self, pool_id: int, units: list[int]) -> Counts:
        """Live counts; None for each while Valkey does not answer, so that watchers see that it is not known."""
        if not units:
            return {}
        try:
            free = await free_places(self._kernel, pool_id=pool_id, units=units)
        except ReservationError:
            return dict.fromkeys(units)
        return dict(zip(units, free, strict=True))


def _of_units(told: Told, units: frozenset[int] | None) -> Told:
    """What of it concerns these units; the very same where all of it does."""
    if units is None:
        return told
    return Told({unit: told.counts[unit] for unit in units if unit in told.counts})
