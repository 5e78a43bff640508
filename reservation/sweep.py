"""The sweeper: ends what crashes and pauses left. Every process runs it; one at a time does the work.

overdue marks    the verdict row decides: abandoned by us, or booked by the worker after all
effects          replayed until Valkey has acknowledged them
promises         ended when their time is over
fences           pools whose view is not of this server and epoch are rebuilt
old rows         verdicts and idempotency keys past their retention
"""

import asyncio
import logging
from typing import NamedTuple

from redis.exceptions import RedisError
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from reservation import tables
from reservation.claim_id import first_claim_id
from reservation.errors import ReservationError
from reservation.failure import describe
from reservation.kernel import Kernel
from reservation.keys import fence_key
from reservation.model import Effect, Pool
from reservation.promise import expire_promises
from reservation.rebuild import rebuild
from reservation.transaction import transaction

log = logging.getLogger(__name__)

SWEEP_LOCK = 0x67647377
SWEEP_EVERY_S = 1.0
CONFIRM_PATIENCE_S = 20.0
EFFECT_PATIENCE_S = 2.0
RETENTION_S = 7 * 86_400.0
OVERDUE_LIMIT = 512
EFFECTS_LIMIT = 128
PROMISES_LIMIT = 256
PRUNE_EVERY_S = 60.0
PRUNE_LIMIT = 5_000

# Valkey refuses a command that it should not when somebody wrote over a key or took a right away: that pool waits for
# a person, and the others must not wait with it.
_ONE_POOLS_TROUBLE = (ReservationError, RedisError)


class Swept(NamedTuple):
    """What one sweep did."""

    abandoned: int = 0
    booked_after_all: int = 0
    replayed: int = 0
    expired_promises: int = 0


async def sweep_forever(kernel: Kernel) -> None:
    """Sweeps every SWEEP_EVERY_S until cancelled. A failing sweep is logged and tried again."""
    loop = asyncio.get_running_loop()
    prune_at = loop.time() + PRUNE_EVERY_S
    while True:
        try:
            await sweep(kernel)
            kernel.tally.sweeps += 1
            if loop.time() >= prune_at:
                await prune(kernel)
                prune_at = loop.time() + PRUNE_EVERY_S
        except (ReservationError, RedisError, SQLAlchemyError, OSError, TimeoutError) as error:
            kernel.tally.sweeps_failed += 1
            log.warning("sweep: %s", describe(error))
        await asyncio.sleep(SWEEP_EVERY_S)


def watch(kernel: Kernel) -> None:
    """From now on a pool is rebuilt by itself, as soon as a call or a reconnect finds its view stale."""

    async def heal(pool_id: int) -> None:
        await rebuild(kernel, pool_id=pool_id, force=False)

    async def check_all() -> None:
        await _check_fences(kernel, await kernel.read_pools())

    def connected() -> None:
        kernel.in_background(check_all(), name="check-fences")

    kernel.healer = heal
    kernel.valkey.on_connected = connected


async def sweep(
    kernel: Kernel,
    *,
    confirm_patience_s: float = CONFIRM_PATIENCE_S,
    effect_patience_s: float = EFFECT_PATIENCE_S,
) -> Swept:
    """One sweep, if no other process is sweeping now. The patience is how old a thing must be to be touched.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer. A pool whose Valkey does not answer is left for later.
    """
    pools = await kernel.read_pools()
    async with transaction(kernel.engine) as alone:
        await alone.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        got = await alone.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK})
        if not got.scalar_one():
            return Swept()
        await _check_fences(kernel, pools)
        abandoned, booked = await _end_overdue(kernel, pools, patience_ms=int(confirm_patience_s * 1000))
        replayed = await _replay_effects(kernel, patience_s=effect_patience_s)
        expired = await expire_promises(kernel, limit=PROMISES_LIMIT)
    kernel.tally.abandoned += abandoned
    kernel.tally.replayed += replayed
    return Swept(abandoned, booked, replayed, expired)


def _leave(work: str, pool_id: int, error: Exception) -> None:
    passing = isinstance(error, ReservationError)
    log.log(
        logging.INFO if passing else logging.WARNING, "pool %d waits for its %s: %s", pool_id, work, error
    )


async def _check_fences(kernel: Kernel, pools: list[Pool]) -> None:
    """Rebuilds every pool whose fence is not of this server and epoch; one that fails is left for the next sweep."""

    async def check(pool: Pool) -> None:
        try:
            lane = kernel.valkey.lane(fence_key(pool.id))
            stored = await lane.command("GET", fence_key(pool.id))
            if stored is None or stored.decode() != f"{pool.epoch}:{lane.run_id}":
                await rebuild(kernel, pool_id=pool.id, force=False)
        except _ONE_POOLS_TROUBLE as error:
            _leave("rebuild", pool.id, error)

    for pool in pools:
        await check(pool)


async def _end_overdue(kernel: Kernel, pools: list[Pool], *, patience_ms: int) -> tuple[int, int]:
    abandoned = booked = 0
    for pool in pools:
        try:
            answer, epoch = await kernel.call_fenced(pool.id, "overdue", patience_ms, OVERDUE_LIMIT)
            claims = [claim.decode() for claim in answer[1:]]
            if not claims:
                continue
            given_up = await _give_up(kernel, claims)
            changes = [word for claim in given_up for word in ("drop", claim, "0")]
            # A crash here leaves the verdict and the mark: the next sweep finds both and ends the mark.
            changes += await _settled_changes(kernel, [claim for claim in claims if claim not in given_up])
            await kernel.call_in(pool.id, epoch, "apply", *changes)
        except _ONE_POOLS_TROUBLE as error:
            _leave("sweep", pool.id, error)
            continue
        abandoned += len(given_up)
        booked += len(claims) - len(given_up)
    return abandoned, booked


async def _give_up(kernel: Kernel, claims: list[str]) -> set[str]:
    """Inserts our verdict on each hold; gives those on which it was the first. Waits for a confirm on its way."""
    table = tables.hold_verdict
    async with transaction(kernel.engine) as connection:
        rows = await connection.execute(
            upsert(table)
            .values([{"hold_id": claim, "verdict": "abandoned"} for claim in sorted(claims)])
            .on_conflict_do_nothing()
            .returning(table.c.hold_id)
        )
        return {row.hold_id for row in rows.all()}


async def _settled_changes(kernel: Kernel, claims: list[str]) -> list[str]:
    """What Valkey should know of claims whose verdict was there before us."""
    if not claims:
        return []
    booking, promise = tables.booking, tables.promise
    async with transaction(kernel.engine) as connection:
        active = select(booking.c.id, booking.c.unit_id).where(
            booking.c.id.in_(claims), booking.c.state == "booked"
        )
        open_ = select(promise.c.id, promise.c.unit_id).where(
            promise.c.id.in_(claims), promise.c.state == "open"
        )
        units = {row.id: row.unit_id for row in (await connection.execute(active.union(open_))).all()}
    changes: list[str] = []
    for claim in claims:
        changes += ["take", claim, str(units[claim])] if claim in units else ["drop", claim, "0"]
    return changes


# The oldest of each pool: a pool whose server is down must not keep the others waiting.
_WAITING_EFFECTS = text(
    """
    SELECT e.id, e.pool_id, e.epoch, e.changes, e.epoch < p.epoch AS ended
    FROM (
        SELECT *, row_number() OVER (PARTITION BY pool_id ORDER BY id) AS n
        FROM effect WHERE created_at <= now() - make_interval(secs => :patience)
    ) e
    JOIN pool p ON p.id = e.pool_id
    WHERE e.n <= :each ORDER BY e.id
    """
)


async def _replay_effects(kernel: Kernel, *, patience_s: float) -> int:
    """Tells Valkey again what it has not acknowledged; an effect of an ended epoch is in the rebuild's snapshot."""
    effect = tables.effect
    settled = kernel.take_settled()
    async with transaction(kernel.engine) as connection:
        if settled:
            await connection.execute(delete(effect).where(effect.c.id.in_(settled)))
        rows = (
            await connection.execute(_WAITING_EFFECTS, {"patience": patience_s, "each": EFFECTS_LIMIT})
        ).all()
    done = [row.id for row in rows if row.ended]
    silent: set[int] = set()
    for row in rows:
        if row.ended or row.pool_id in silent:
            continue
        try:
            if await kernel.apply(Effect(id=row.id, pool=row.pool_id, epoch=row.epoch, changes=row.changes)):
                done.append(row.id)
        except _ONE_POOLS_TROUBLE as error:
            silent.add(row.pool_id)
            _leave("replay", row.pool_id, error)
    if done:
        async with transaction(kernel.engine) as connection:
            await connection.execute(delete(effect).where(effect.c.id.in_(done)))
    return len(done)


# Hold ids are ordered by time, so their age is read from the primary key.
_PRUNE_VERDICTS = text(
    """
    DELETE FROM hold_verdict WHERE hold_id IN (
        SELECT hold_id FROM hold_verdict WHERE hold_id < CAST(:oldest AS uuid) ORDER BY hold_id LIMIT :limit
    )
    """
)
_PRUNE_KEYS = text(
    """
    DELETE FROM idempotency WHERE (owner, key) IN (
        SELECT owner, key FROM idempotency WHERE at < now() - make_interval(secs => :age) LIMIT :limit
    )
    """
)


async def prune(kernel: Kernel, *, retention_s: float = RETENTION_S) -> int:
    """Deletes verdicts and idempotency keys older than the retention, at most PRUNE_LIMIT of each.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    oldest = first_claim_id(kernel.clock() - int(retention_s * 1000))
    async with transaction(kernel.engine) as connection:
        verdicts = await connection.execute(_PRUNE_VERDICTS, {"oldest": oldest, "limit": PRUNE_LIMIT})
        keys = await connection.execute(_PRUNE_KEYS, {"age": retention_s, "limit": PRUNE_LIMIT})
    return verdicts.rowcount + keys.rowcount
