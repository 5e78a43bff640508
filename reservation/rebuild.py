"""Rebuild: a pool's view in Valkey made anew from PostgreSQL, under a new epoch.

Done by itself when a pool's fence is not of the server process that answers (restarted, promoted, emptied) or not of
PostgreSQL's epoch (a rebuild that died half-way). What a crash leaves, step by step:
    after (2) close   a fence nobody matches: calls answer `rebuilding` until a sweep starts over
    after (3) bump    the same; confirms of the old epoch are refused from here on
    in (5) load       keys of an epoch that never opens; the next rebuild unlinks them
    after (6) flip    keys of the old epoch; the next rebuild unlinks them
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from reservation.errors import Rebuilding, UnknownPool
from reservation.kernel import Kernel
from reservation.keys import fence_key, pool_prefix
from reservation.lane import Lane
from reservation.transaction import transaction

log = logging.getLogger(__name__)

REBUILD_LOCK = 0x67647262
UNITS_PER_READ = 200
CLAIMS_PER_COMMAND = 2_000
COMMANDS_AHEAD = 64
EPOCHS_CLEANED = 16

Progress = Callable[[int, int], None]
"""Called with (claims loaded, units loaded)."""

_BUMP = text("UPDATE pool SET epoch = GREATEST(epoch, :seen) + 1 WHERE id = :pool_id RETURNING epoch")
_UNITS = text("SELECT id, capacity FROM unit WHERE pool_id = :pool_id ORDER BY id")
_CLAIMS = text(
    """
    SELECT unit_id, array_agg(id::text) AS claims FROM (
        SELECT unit_id, id FROM booking WHERE state = 'booked' AND unit_id = ANY (CAST(:units AS bigint[]))
        UNION ALL
        SELECT unit_id, id FROM promise WHERE state = 'open' AND unit_id = ANY (CAST(:units AS bigint[]))
    ) AS claim GROUP BY unit_id
    """
)


class Rebuilt(NamedTuple):
    """What was loaded."""

    pool: int
    epoch: int
    units: int
    claims: int


async def rebuild(
    kernel: Kernel, *, pool_id: int, force: bool = True, progress: Progress | None = None
) -> Rebuilt | None:
    """Rebuilds one pool. None: another process is at it, or it was not needed (with `force` off).

    All holds of the pool are lost: they were best effort. Nothing confirmed is.

    Raises:
        UnknownPool: there is none.
        Rebuilding: the server was replaced meanwhile, start over.
        Unavailable, Busy: Valkey or PostgreSQL does not answer; a sweep starts over.
    """
    async with kernel.rebuilds, _alone(kernel, pool_id) as mine:
        if not mine:
            return None
        # (1) look: is it needed, and which epochs has this server seen?
        lane = kernel.valkey.lane(fence_key(pool_id))
        fence = await _read_fence(lane, pool_id)
        pool = (await kernel.read_pools(pool_id) or [None])[0]
        if pool is None:
            raise UnknownPool(pool=pool_id)
        if not force and fence == f"{pool.epoch}:{lane.run_id}":
            return None
        seen = int(fence.partition(":")[0]) if fence else 0
        # (2) close: no new marks, so the confirms on their way run dry and (3) is not kept waiting
        closed = f"{seen}:rebuilding:{secrets.token_hex(8)}"
        await lane.command("SET", fence_key(pool_id), closed)
        kernel.forget_token(pool_id)
        # (3) bump: waits for the confirms that have the pool row; later ones of the old epoch are refused
        epoch = await _bump(kernel, pool_id, seen=max(seen, pool.epoch))
        # (4) snapshot and (5) load, under the new epoch's keys
        loaded = await _load(kernel, lane, pool_id, epoch, progress=progress)
        # (6) flip, unless another rebuild has begun or the server was emptied since (2)
        flipped = await lane.function("flip", fence_key(pool_id), closed, f"{epoch}:{lane.run_id}")
        if flipped[0] != b"flipped":
            raise Rebuilding(pool=pool_id)
        # (7) clean up what earlier epochs left
        await _unlink_epochs(kernel, lane, pool_id, before=epoch)
    kernel.tally.rebuilt += 1
    log.info("pool %d rebuilt: epoch %d, %d units, %d claims", pool_id, epoch, loaded.units, loaded.claims)
    return loaded


@asynccontextmanager
async def _alone(kernel: Kernel, pool_id: int) -> AsyncGenerator[bool]:
    """One rebuild per pool at a time, over all processes; ends with the connection if we die."""
    async with transaction(kernel.engine) as connection:
        key = {"space": REBUILD_LOCK, "pool": pool_id}
        # Held by a transaction of its own: a rebuild outlasts the session's idle limit.
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        got = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:space, :pool)"), key)
        yield got.scalar_one()


async def _read_fence(lane: Lane, pool_id: int) -> str:
    stored = await lane.command("GET", fence_key(pool_id))
    return stored.decode() if stored is not None else ""


async def _bump(kernel: Kernel, pool_id: int, *, seen: int) -> int:
    async with transaction(kernel.engine) as connection:
        return (await connection.execute(_BUMP, {"pool_id": pool_id, "seen": seen})).scalar_one()


async def _load(
    kernel: Kernel, lane: Lane, pool_id: int, epoch: int, *, progress: Progress | None
) -> Rebuilt:
    prefix = pool_prefix(pool_id, epoch)
    claims = 0
    async with transaction(kernel.engine) as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        units = (await connection.execute(_UNITS, {"pool_id": pool_id})).all()
        for first in range(0, len(units), UNITS_PER_READ):
            chunk = units[first : first + UNITS_PER_READ]
            sizes = [word for row in chunk for word in (str(row.id), row.capacity)]
            await lane.command("HSET", f"{prefix}units", *sizes)
            claims += await _load_claims(connection, lane, prefix, [row.id for row in chunk])
            if progress is not None:
                progress(claims, first + len(chunk))
    return Rebuilt(pool=pool_id, epoch=epoch, units=len(units), claims=claims)


async def _load_claims(connection: AsyncConnection, lane: Lane, prefix: str, units: Sequence[int]) -> int:
    sent: list[Any] = []
    total = 0
    for unit_id, claims in (await connection.execute(_CLAIMS, {"units": units})).all():
        total += len(claims)
        for first in range(0, len(claims), CLAIMS_PER_COMMAND):
            pairs = [word for claim in claims[first : first + CLAIMS_PER_COMMAND] for word in ("+inf", claim)]
            sent.append(lane.command("ZADD", f"{prefix}u{unit_id}", *pairs))
            if len(sent) >= COMMANDS_AHEAD:
                await asyncio.gather(*sent)
                sent.clear()
    await asyncio.gather(*sent)
    return total


async def _unlink_epochs(kernel: Kernel, lane: Lane, pool_id: int, *, before: int) -> None:
    async with transaction(kernel.engine) as connection:
        units = [row.id for row in (await connection.execute(_UNITS, {"pool_id": pool_id})).all()]
        # What was to be told to those epochs is in the snapshot.
        await connection.execute(
            text("DELETE FROM effect WHERE pool_id = :pool_id AND epoch < :before"),
            {"pool_id": pool_id, "before": before},
        )
    for epoch in range(max(1, before - EPOCHS_CLEANED), before):
        prefix = pool_prefix(pool_id, epoch)
        names = [f"{prefix}{name}" for name in ("units", "holds", "marks", "gone")]
        names += [f"{prefix}u{unit}" for unit in units]
        for first in range(0, len(names), CLAIMS_PER_COMMAND):
            await lane.command("UNLINK", *names[first : first + CLAIMS_PER_COMMAND])
