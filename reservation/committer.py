"""Gathers confirms into group commits: one queue per pool, one transaction at a time per queue.

While one batch is being committed the next one gathers, so the batch size follows the load by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from reservation.commit_batch import Committed, EpochEnded, Order, commit_batch, recall
from reservation.errors import Busy, HoldLost, KeyReused, ReservationError, Unavailable
from reservation.failure import describe
from reservation.model import Booking, Pool
from reservation.tally import Tally

log = logging.getLogger(__name__)

BATCH_LIMIT = 256
QUEUE_LIMIT = 8192
ATTEMPTS = 3
ATTEMPT_PAUSE_S = 0.1
STUCK_UNITS_LIMIT = 3

Outcome = Booking | ReservationError
Waiting = tuple[Order, list[asyncio.Future[Outcome]]]
LOCK_NOT_AVAILABLE = "55P03"
QUERY_CANCELED = "57014"


def sqlstate_of(error: DBAPIError) -> str | None:
    """PostgreSQL's five-character code, None for a driver's own error."""
    return getattr(error.orig, "sqlstate", None)


def connection_lost(error: SQLAlchemyError | OSError | TimeoutError) -> bool:
    """True when the server went away, has no room or never answered.

    Repeating may help then, and until it is repeated a COMMIT's outcome is unknown.
    """
    if not isinstance(error, DBAPIError):
        return True
    state = sqlstate_of(error)
    return error.connection_invalidated or state is None or state.startswith(("08", "53", "57P"))


class Committer:
    """Owns one pool's queue of orders and the task that commits them.

    `on_committed(pool, effect_id, orders)` starts telling Valkey; `on_epoch_ended(pool_id)` starts healing.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        on_committed: Callable[[Pool, int, Sequence[Order]], Coroutine[Any, Any, None]],
        on_epoch_ended: Callable[[int], None],
        take_settled: Callable[[], list[int]],
        give_settled: Callable[[Sequence[int]], None],
        stage: Callable[[str], AbstractContextManager[object]],
        tally: Tally,
    ) -> None:
        self._engine = engine
        self._on_committed = on_committed
        self._on_epoch_ended = on_epoch_ended
        self._take_settled = take_settled
        self._give_settled = give_settled
        self._stage = stage
        self._tally = tally
        self._queues: dict[int, list[Waiting]] = {}
        self._waiting: dict[str, Waiting] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def submit(self, pool: Pool, order: Order) -> asyncio.Future[Outcome]:
        """A future that is always resolved: with a booking or the reason why there is none.

        The same request twice at once is one order; each caller has a future of their own.

        Raises:
            Busy: QUEUE_LIMIT orders of this pool are waiting.
            KeyReused: this claim waits already, for another unit of its set.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if order.claim_id in self._waiting:
            waiting, futures = self._waiting[order.claim_id]
            if waiting.unit != order.unit:
                raise KeyReused
            futures.append(future)
            return future
        queue = self._queues.setdefault(pool.id, [])
        if len(queue) >= QUEUE_LIMIT:
            raise Busy(part="commit queue")
        self._waiting[order.claim_id] = order, [future]
        queue.append(self._waiting[order.claim_id])
        if pool.id not in self._tasks:
            # It commits for many requests: what it logs is not of the one that happened to start it.
            self._tasks[pool.id] = asyncio.create_task(
                self._drain(pool), name=f"commit-pool-{pool.id}", context=Context()
            )
        return future

    @property
    def waiting(self) -> int:
        """How many orders have no outcome yet."""
        return len(self._waiting)

    async def drain(self) -> None:
        """Waits until everything submitted is answered and told."""
        while self._tasks or self._telling:
            await asyncio.gather(*self._tasks.values(), *self._telling)

    async def _drain(self, pool: Pool) -> None:
        queue = self._queues[pool.id]
        batch: list[Waiting] = []
        try:
            while queue:
                batch = _next_batch(queue)
                self._answer(batch, await self._commit(pool, [order for order, _ in batch]))
                batch = []
        finally:
            # Something is left only when this task is cancelled, and nobody shall wait for ever then.
            del self._tasks[pool.id]
            left = batch + self._queues.pop(pool.id)
            self._answer(left, [Unavailable(part="kernel") for _ in left])

    def _answer(self, batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
        for (order, futures), outcome in zip(batch, outcomes, strict=True):
            del self._waiting[order.claim_id]
            for future in futures:
                if not future.done():
                    future.set_result(outcome)

    async def _commit(self, pool: Pool, orders: list[Order]) -> list[Outcome]:
        """Tries the batch, again if the server went away, and one by one if a row spoils it for all."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._once(pool, orders)
            except EpochEnded:
                self._on_epoch_ended(pool.id)
                return await self._recall_all(orders)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                if not connection_lost(error):
                    log.warning("batch of %d in pool %d refused: %s", len(orders), pool.id, describe(error))
                    return await self._one_by_one(pool, orders, error)
                log.warning("attempt %d in pool %d: %s", attempt + 1, pool.id, describe(error))
                # A COMMIT whose answer was lost is read back by this repetition: the verdict key of each hold
                # waits for the first transaction to end, and tells whether it had committed.
                await asyncio.sleep(ATTEMPT_PAUSE_S * (attempt + 1))
            except Exception as error:
                log.exception("batch of %d in pool %d", len(orders), pool.id)
                return await self._one_by_one(pool, orders, error)
        return [Unavailable(part="postgresql") for _ in orders]

    async def _recall_all(self, orders: list[Order]) -> list[Outcome]:
        """What became of orders whose epoch has ended.

        Nothing of that epoch can be committed any more, so a hold without a booking is lost, and one that another
        worker booked in time is told as booked.
        """
        try:
            async with self._engine.connect() as connection:
                known = await recall(connection, orders)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("cannot recall %d orders: %s", len(orders), describe(error))
            return [Unavailable(part="postgresql") for _ in orders]
        return [was or HoldLost(hold=order.claim_id) for order, was in zip(orders, known, strict=True)]

    async def _one_by_one(self, pool: Pool, orders: list[Order], error: Exception) -> list[Outcome]:
        """Keeps what spoils a batch to its own order.

        A unit whose lock was not had in time is not waited for again, so that a batch costs a few timeouts at most;
        and when the server goes away there is no use in asking for each.
        """
        if len(orders) == 1:
            return [_refusal(error)]
        outcomes: list[Outcome] = []
        stuck: set[int] = set()
        for order in orders:
            if order.unit in stuck:
                outcomes.append(Busy(part="postgresql"))
                continue
            [outcome] = await self._commit(pool, [order])
            outcomes.append(outcome)
            if isinstance(outcome, Busy):
                stuck.add(order.unit)
            gone = isinstance(outcome, Unavailable) and outcome.facts == {"part": "postgresql"}
            if gone or len(stuck) == STUCK_UNITS_LIMIT:
                rest = Unavailable if gone else Busy
                outcomes += [rest(part="postgresql") for _ in orders[len(outcomes) :]]
                break
        return outcomes

    async def _once(self, pool: Pool, orders: list[Order]) -> list[Outcome]:
        settled = self._take_settled()
        try:
            with self._stage("commit batch"):
                committed = await commit_batch(self._engine, pool, orders, settled=settled)
        except BaseException:
            self._give_settled(settled)
            raise
        self._tally.batches += 1
        self._tally.batch_orders += len(orders)
        self._tell(pool, orders, committed)
        return committed.outcomes

    def _tell(self, pool: Pool, orders: list[Order], committed: Committed) -> None:
        if committed.effect_id is None:
            return
        won = [
            order
            for order, outcome in zip(orders, committed.outcomes, strict=True)
            if isinstance(outcome, Booking)
        ]
        self._tally.booked += len(won)
        task = asyncio.create_task(self._on_committed(pool, committed.effect_id, won))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _next_batch(queue: list[Waiting]) -> list[Waiting]:
    """Takes the next batch off the queue. One epoch per transaction: orders of another one wait for the next round."""
    epoch = queue[0][0].epoch
    batch = [waiting for waiting in queue[:BATCH_LIMIT] if waiting[0].epoch == epoch]
    taken = {id(waiting) for waiting in batch}
    queue[:] = [waiting for waiting in queue if id(waiting) not in taken]
    return batch


def _refusal(error: Exception) -> ReservationError:
    if not isinstance(error, DBAPIError):
        return Unavailable(part="kernel")
    state = sqlstate_of(error)
    if state in {LOCK_NOT_AVAILABLE, QUERY_CANCELED, "40P01", "40001"}:
        return Busy(part="postgresql")
    return Unavailable(part="postgresql", sqlstate=state)
