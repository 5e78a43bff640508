"""What one process needs to hold and confirm: the engine, the lanes to Valkey, the pools it knows, the committer.

Flow functions live beside this file and take the kernel first: `hold`, `confirm`, `change`, `promise`, `sweep`,
`rebuild`, `audit`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from reservation import tables
from reservation.commit_batch import Order
from reservation.committer import Committer
from reservation.errors import Full, Rebuilding, ReservationError, Unavailable, UnknownPool
from reservation.failure import describe
from reservation.fresh import Fresh
from reservation.functions import Library, reservation_library
from reservation.keys import fence_key
from reservation.lane import Lane
from reservation.model import ClaimantKind, Effect, Pool
from reservation.refusals import Refusals
from reservation.tally import Tally
from reservation.valkey import Valkey

log = logging.getLogger(__name__)

SETTLED_LIMIT = 4096
REBUILDS_AT_ONCE = 2
FULL = Full.code

Stage = Callable[[str], AbstractContextManager[object]]
"""What a named step is done within, by whoever wants to see how long it took."""

_UNSEEN = nullcontext()


def unseen(_: str) -> AbstractContextManager[object]:
    """The stage of a process that nobody traces."""
    return _UNSEEN


class Kernel:
    """Owns the connections of one process. `clock` gives milliseconds since 1970.

    `reads`, if given, serves what a crowd looks at, on connections of its own: looking must not hold up a confirm.

    `stage` is put round the steps of a confirm by whoever traces; `tally` counts what was done.

    `heal(pool)` is called without waiting when a pool's view in Valkey must be rebuilt.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        valkey_url: str,
        *,
        clock: Callable[[], int],
        libraries: Sequence[Library] = (),
        reads: AsyncEngine | None = None,
    ) -> None:
        self.engine = engine
        self.reads = engine if reads is None else reads
        self.pages: Fresh[Sequence[Row[Any]]] = Fresh()
        self.services: Fresh[list[str]] = Fresh()
        self.clock = clock
        self.stage: Stage = unseen
        self.tally = Tally()
        self.valkey = Valkey(valkey_url, libraries=[reservation_library(), *libraries])
        self.committer = Committer(
            engine,
            on_committed=self._tell_confirmed,
            on_epoch_ended=self.heal,
            take_settled=self.take_settled,
            give_settled=self.settle,
            stage=self._within,
            tally=self.tally,
        )
        self.refusals = Refusals(self._note_refusals)
        self.healer: Callable[[int], Coroutine[Any, Any, None]] | None = None
        self.rebuilds = asyncio.Semaphore(REBUILDS_AT_ONCE)
        self._pools: dict[int, Pool] = {}
        self._tokens: dict[tuple[int, str], str] = {}
        self._settled: list[int] = []
        self._background: set[asyncio.Task[None]] = set()
        self._healing: set[int] = set()

    def _within(self, name: str) -> AbstractContextManager[object]:
        # Whoever traces sets `stage` after the committer was made.
        return self.stage(name)

    async def open(self) -> None:
        """Connects to Valkey. PostgreSQL is connected to on first use."""
        await self.valkey.open()

    async def close(self) -> None:
        """Answers every confirm that was accepted, then closes the connections."""
        await self.committer.drain()
        await self.refusals.drain()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.valkey.close()
        await self.engine.dispose()
        await self.reads.dispose()

    async def pool(self, pool_id: int) -> Pool:
        """The pool as last read; its epoch may have moved on since, which the fence finds out.

        Raises:
            UnknownPool: there is none.
            Unavailable: PostgreSQL does not answer.
        """
        if pool_id not in self._pools:
            await self.read_pools(pool_id)
        try:
            return self._pools[pool_id]
        except KeyError:
            raise UnknownPool(pool=pool_id) from None

    async def read_pools(self, *pool_ids: int) -> list[Pool]:
        """Reads these pools, or all of them, afresh.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        query = select(tables.pool).order_by(tables.pool.c.id)
        if pool_ids:
            query = query.where(tables.pool.c.id.in_(pool_ids))
        try:
            async with self.reads.connect() as connection:
                rows = (await connection.execute(query)).mappings().all()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("cannot read pools: %s", describe(error))
            raise Unavailable(part="postgresql") from error
        pools = [pool_of_row(dict(row)) for row in rows]
        self._pools.update((pool.id, pool) for pool in pools)
        return pools

    async def call(self, pool_id: int, function: str, *args: bytes | str | float) -> list[Any]:
        """One function on one pool, fenced by epoch and by the server process that answers.

        Raises:
            Rebuilding: the view in Valkey is not of this server process or epoch; a rebuild has been asked for.
            Unavailable: Valkey does not answer; the function may have been done, and is safe to repeat.
            Busy: too many calls wait.
        """
        return (await self.call_fenced(pool_id, function, *args))[0]

    async def call_fenced(
        self, pool_id: int, function: str, *args: bytes | str | float
    ) -> tuple[list[Any], int]:
        """Like `call`; also gives the epoch the call was made in."""
        lane = self.valkey.lane(fence_key(pool_id))
        token = self._tokens.get((pool_id, lane.run_id))
        if token is not None:
            answer = await lane.function(function, fence_key(pool_id), token, *args)
            if answer[0] != b"stale":
                return answer, _epoch(token)
        token = await self._read_token(pool_id, lane)
        return await self._call_once(lane, pool_id, token, function, *args), _epoch(token)

    async def call_in(
        self, pool_id: int, epoch: int, function: str, *args: bytes | str | float
    ) -> list[Any] | None:
        """Like `call`, but only in this epoch. None: the pool has another one, and nothing was done.

        For what was decided in an epoch and is told late. A later epoch's view was made from PostgreSQL, and has
        forgotten which claims had ended: a booking that was cancelled meanwhile must not come back into it.
        """
        lane = self.valkey.lane(fence_key(pool_id))
        token = self._tokens.get((pool_id, lane.run_id), "")
        if not token.startswith(f"{epoch}:"):
            token = await self._read_token(pool_id, lane)
            if _epoch(token) != epoch:
                return None
        answer = await lane.function(function, fence_key(pool_id), token, *args)
        if answer[0] != b"stale":
            return answer
        if _epoch(token := await self._read_token(pool_id, lane)) != epoch:
            return None
        return await self._call_once(lane, pool_id, token, function, *args)

    async def _call_once(
        self, lane: Lane, pool_id: int, token: str, function: str, *args: bytes | str | float
    ) -> list[Any]:
        answer = await lane.function(function, fence_key(pool_id), token, *args)
        if answer[0] == b"stale":
            raise Rebuilding(pool=pool_id)
        return answer

    async def _read_token(self, pool_id: int, lane: Lane) -> str:
        stored = await lane.command("GET", fence_key(pool_id))
        token = stored.decode() if stored is not None else ""
        if not token.endswith(f":{lane.run_id}"):
            self.heal(pool_id)
            raise Rebuilding(pool=pool_id)
        self._tokens[pool_id, lane.run_id] = token
        return token

    def forget_token(self, pool_id: int) -> None:
        """The pool's epoch has moved on: the next call reads the fence again."""
        for key in [key for key in self._tokens if key[0] == pool_id]:
            del self._tokens[key]

    def heal(self, pool_id: int) -> None:
        """Asks for a rebuild of this pool, once at a time, without waiting for it."""
        self.forget_token(pool_id)
        if self.healer is None or pool_id in self._healing:
            return
        self._healing.add(pool_id)
        task = self.in_background(self.healer(pool_id), name=f"heal-pool-{pool_id}")
        task.add_done_callback(lambda _: self._healing.discard(pool_id))

    def in_background(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Runs work that no caller waits for; ended with the kernel, and its failure logged."""

        async def guarded() -> None:
            try:
                await work
            except (ReservationError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("%s: %s", name, describe(error))
            except Exception:
                log.exception("%s failed", name)

        task = asyncio.create_task(guarded(), name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        # Cancelled before its first step, the task has never awaited the work.
        task.add_done_callback(lambda _: work.close())
        return task

    async def apply(self, effect: Effect) -> bool:
        """Tells Valkey what PostgreSQL committed in the effect's epoch.

        False: the pool has another epoch, so nothing was told. The view of a later one was made with the effect in it.

        Raises:
            Rebuilding, Unavailable, Busy: Valkey could not be told.
        """
        return await self.call_in(effect.pool, effect.epoch, "apply", *effect.changes) is not None

    async def tell(self, effect: Effect) -> None:
        """Applies an effect after its COMMIT. What cannot be told now keeps its row, which the sweeper replays."""
        try:
            told = await self.apply(effect)
        except ReservationError as error:
            log.warning("effect %d of pool %d waits for its replay: %s", effect.id, effect.pool, error.code)
            return
        if told:
            self.settle([effect.id])

    async def _tell_confirmed(self, pool: Pool, effect_id: int, orders: Sequence[Order]) -> None:
        changes = [word for order in orders for word in ("take", order.claim_id, str(order.unit))]
        await self.tell(Effect(id=effect_id, pool=pool.id, epoch=orders[0].epoch, changes=changes))

    def note_refusal(self, pool_id: int, code: str) -> None:
        """Counts a refusal for the pool's pace. `full` is counted where it is decided; of unknown pools nothing is."""
        if code != FULL and pool_id in self._pools:
            self.refusals.note(pool_id, code)

    async def _note_refusals(self, pool_id: int, words: list[str]) -> None:
        try:
            await self.call(pool_id, "note", *words)
        except ReservationError as error:
            log.info("refusals of pool %d are not counted: %s", pool_id, error.code)

    def settle(self, effect_ids: Sequence[int]) -> None:
        """Notes effects that Valkey has acknowledged; the next batch or sweep deletes their rows."""
        self._settled.extend(effect_ids[: SETTLED_LIMIT - len(self._settled)])

    def take_settled(self) -> list[int]:
        """The acknowledged effects whose rows are still there; the caller deletes them or gives them back."""
        settled, self._settled = self._settled, []
        return settled


def _epoch(token: str) -> int:
    return int(token.partition(":")[0])


def pool_of_row(row: dict[str, Any]) -> Pool:
    """A row of `pool` as the kernel knows it."""
    return Pool(
        id=row["id"],
        authority=row["authority"],
        service=row["service"],
        rule=row["rule"],
        title=row["title"],
        claimant_kind=ClaimantKind(row["claimant_kind"]),
        state=row["state"],
        hold_ttl_s=row["hold_ttl_s"],
        epoch=row["epoch"],
        demo=row["demo"],
    )
