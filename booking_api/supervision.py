"""What the supervising process adds to the workers' metrics: whether the stores answer, and what is in them.

Asked for at each scrape, within ANSWER_WITHIN_S, so that what is told is of now. Pools are named by authority, service
and rule; nothing here is about a person. Imports the kernel and prometheus_client.
"""

import asyncio
import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, cast

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import (
    MultiProcessCollector,
    mark_process_dead,  # pyright: ignore[reportUnknownVariableType]
)
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Row, text
from sqlalchemy.exc import SQLAlchemyError

from booking_api import clock
from reservation import Kernel, free_places
from reservation.database import create_engine
from reservation.errors import ReservationError
from reservation.failure import describe

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 4.0
"""Prometheus waits 10 s by default."""
POOLS_LIMIT = 500
"""Open pools that are told of, those with the most recent ids; each is four series."""
UNITS_AT_ONCE = 1_000

_POOLS = text(
    """
    SELECT p.id, p.authority, p.service, p.rule, array_agg(u.id) AS units,
           sum(u.capacity) AS capacity, sum(u.booked) AS booked, sum(u.promised) AS promised
    FROM (SELECT * FROM pool WHERE state = 'open' ORDER BY id DESC LIMIT :limit) p
    JOIN unit u ON u.pool_id = p.id AND (u.starts_at IS NULL OR u.starts_at > now())
    GROUP BY p.id, p.authority, p.service, p.rule
    """
)
_QUEUES = text(
    """
    SELECT (SELECT count(*) FROM delivery WHERE state = 'waiting') AS webhooks,
           (SELECT count(*) FROM school_batch WHERE ended_at IS NULL) AS batches,
           (SELECT count(*) FROM effect) AS effects
    """
)


class PoolFigures(NamedTuple):
    """The places of one open pool's coming units. `free` is None when Valkey does not know all of them."""

    labels: tuple[str, str, str, str]
    capacity: int
    booked: int
    promised: int
    free: int | None


class Figures(NamedTuple):
    """One answer of the stores; what could not be asked is empty."""

    up: dict[str, bool]
    pools: list[PoolFigures]
    queues: dict[str, int]


def make_registry(
    counters: Path, *, database_url: str, valkey_url: str
) -> tuple[CollectorRegistry, "Stores"]:
    """The metrics of all workers that write to this folder, and of the stores; these are to be closed in the end."""
    registry = CollectorRegistry()
    stores = Stores(database_url, valkey_url)
    registry.register(Workers(registry=None, path=str(counters)))
    registry.register(stores)
    return registry, stores


class Workers(MultiProcessCollector):
    """The workers' metrics. Gauges of a worker that has ended are forgotten; what it counted stays."""

    def __init__(self, registry: CollectorRegistry | None, path: str) -> None:
        super().__init__(registry, path=path)  # pyright: ignore[reportUnknownMemberType]
        self._folder = Path(path)

    def collect(self) -> Iterable[Metric]:
        """As the base class, of the living."""
        for pid in {int(file.stem.rpartition("_")[2]) for file in self._folder.glob("gauge_live*.db")}:
            if not Path(f"/proc/{pid}").exists():
                mark_process_dead(pid, str(self._folder))
        return cast("Iterable[Metric]", super().collect())  # pyright: ignore[reportUnknownMemberType]


class Stores(Collector):
    """Owns a thread with a loop, and on it a kernel that only looks. It never heals: that is for the workers."""

    def __init__(self, database_url: str, valkey_url: str) -> None:
        self._kernel = Kernel(
            create_engine(database_url, connections=1, answer_timeout_s=ANSWER_WITHIN_S),
            valkey_url,
            clock=clock.now_ms,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="store-figures", daemon=True)
        self._thread.start()
        self._run(self._kernel.open()).result()

    def close(self) -> None:
        """Ends the connections and the thread."""
        closing = self._run(self._kernel.close())
        try:
            closing.result(ANSWER_WITHIN_S)
        except TimeoutError:
            log.warning("a store does not let go of its connection; it is left to the end of this process")
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_WITHIN_S)
        self._loop.close()

    def describe(self) -> Iterator[Metric]:
        """The families without samples: nothing is asked before the first scrape."""
        return iter(no_figures())

    def collect(self) -> Iterator[Metric]:
        """Asks both stores."""
        return iter(_families(self._run(self._ask()).result()))

    def _run(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _ask(self) -> Figures:
        rows: list[Row[Any]] = []
        queues: dict[str, int] = {}
        postgresql = True
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S / 2), self._kernel.engine.connect() as connection:
                rows = list((await connection.execute(_POOLS, {"limit": POOLS_LIMIT})).all())
                queues = dict((await connection.execute(_QUEUES)).mappings().one())
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("figures of postgresql: %s", describe(error))
            postgresql = False
        free: dict[int, int] = {}
        valkey = not self._kernel.valkey.missing()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S / 2):
                for lane in self._kernel.valkey.lanes():
                    await lane.command("PING")
                for row in rows if valkey else []:
                    free |= await self._free(row)
        except (ReservationError, TimeoutError) as error:
            log.warning("figures of valkey: %s", describe(error))
            valkey = False
        pools = [_pool_figures(row, free.get(row.id)) for row in rows]
        return Figures({"postgresql": postgresql, "valkey": valkey}, pools, queues)

    async def _free(self, row: Row[Any]) -> dict[int, int]:
        """The free places of a pool; nothing while a rebuild has not told Valkey of all its units."""
        counts: list[int | None] = []
        for first in range(0, len(row.units), UNITS_AT_ONCE):
            units = row.units[first : first + UNITS_AT_ONCE]
            counts += await free_places(self._kernel, pool_id=row.id, units=units)
        known = [count for count in counts if count is not None]
        return {row.id: sum(known)} if len(known) == len(counts) else {}


def no_figures() -> list[Metric]:
    """The families of the stores, without a sample."""
    return _families(Figures(up={}, pools=[], queues={}))


def _pool_figures(row: Row[Any], free: int | None) -> PoolFigures:
    labels = (str(row.id), row.authority, row.service, row.rule)
    return PoolFigures(labels, int(row.capacity), int(row.booked), int(row.promised), free)


def _families(figures: Figures) -> list[Metric]:
    up = GaugeMetricFamily("gongdao_store_up", "Whether a store answers", labels=["store"])
    for store, answers in figures.up.items():
        up.add_metric([store], float(answers))
    places = GaugeMetricFamily(
        "gongdao_pool_places",
        "Places of an open pool's coming units: free, held, promised or booked",
        labels=["pool", "authority", "service", "rule", "state"],
    )
    for pool in figures.pools:
        states: dict[str, int] = {"booked": pool.booked, "promised": pool.promised}
        if pool.free is not None:
            # The two stores are asked one after the other: a place that changed hands in between is in neither count.
            held = max(0, pool.capacity - pool.booked - pool.promised - pool.free)
            states |= {"free": pool.free, "held": held}
        for state, count in states.items():
            places.add_metric([*pool.labels, state], count)
    queues = GaugeMetricFamily(
        "gongdao_queue_rows",
        "Rows that wait: webhooks to send, batches to carry, effects to tell",
        labels=["queue"],
    )
    for queue, count in figures.queues.items():
        queues.add_metric([queue], count)
    return [up, places, queues]
