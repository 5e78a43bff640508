"""What the transactions on one claim share: locking, log entries, effects. Imports SQLAlchemy and `fairness`.

Used by cancel, reschedule and promises; group commits have their own statements. Lock order everywhere: units in id
order (with their pools), then claims.
"""

import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from fairness import commit
from fairness.commitment import SALT_BYTES
from reservation import tables
from reservation.committer import LOCK_NOT_AVAILABLE, QUERY_CANCELED, sqlstate_of
from reservation.errors import Busy, Unavailable
from reservation.failure import describe
from reservation.model import Effect, Pool

log = logging.getLogger(__name__)

DEADLOCK_DETECTED = "40P01"


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A transaction that commits on leaving; the database's failures come out as the kernel's.

    Raises:
        Busy: a lock or a connection was not had in time, or a deadlock was broken.
        Unavailable: the server does not answer. If it was lost at COMMIT the outcome is unknown: repeat.
    """
    try:
        async with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if sqlstate_of(error) in {LOCK_NOT_AVAILABLE, QUERY_CANCELED, DEADLOCK_DETECTED}:
            raise Busy(part="postgresql") from error
        log.warning("transaction failed: %s", describe(error))
        raise Unavailable(part="postgresql") from error
    except PoolTimeout as error:
        raise Busy(part="postgresql") from error
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("transaction failed: %s", describe(error))
        raise Unavailable(part="postgresql") from error


async def lock_units(connection: AsyncConnection, unit_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Locks units in id order and pins their pools' epochs. Gives unit -> (free places, epoch)."""
    unit, pool = tables.unit, tables.pool
    query = (
        select(unit.c.id, (unit.c.capacity - unit.c.booked - unit.c.promised).label("free"), pool.c.epoch)
        .join(pool, pool.c.id == unit.c.pool_id)
        .where(unit.c.id.in_(sorted(set(unit_ids))))
        .order_by(unit.c.id)
        .with_for_update(of=unit)
    )
    await connection.execute(
        select(pool.c.id)
        .where(pool.c.id.in_(select(unit.c.pool_id).where(unit.c.id.in_(unit_ids))))
        .order_by(pool.c.id)
        .with_for_update(read=True, of=pool)
    )
    return {row.id: (row.free, row.epoch) for row in (await connection.execute(query)).all()}


async def count(connection: AsyncConnection, unit_id: int, *, booked: int = 0, promised: int = 0) -> None:
    """Changes a locked unit's counters."""
    unit = tables.unit
    await connection.execute(
        update(unit)
        .where(unit.c.id == unit_id)
        .values(booked=unit.c.booked + booked, promised=unit.c.promised + promised)
    )


async def insert_verdict(connection: AsyncConnection, hold_id: str, verdict: str) -> bool:
    """True if this verdict on the hold is the first; it stands for good once committed."""
    result = await connection.execute(
        upsert(tables.hold_verdict)
        .values(hold_id=hold_id, verdict=verdict)
        .on_conflict_do_nothing()
        .returning(tables.hold_verdict.c.hold_id)
    )
    return result.first() is not None


async def enter(
    connection: AsyncConnection,
    *,
    kind: str,
    pool: Pool,
    unit_id: int,
    delta: int,
    claim_id: str,
    person: tuple[bytes, str] | None,
) -> None:
    """One log entry for one change of a unit (I4). `person` is (salt, claimant), None once the salt is erased."""
    await connection.execute(
        insert(tables.entry).values(
            kind=kind,
            pool_id=pool.id,
            unit_id=unit_id,
            delta=delta,
            operator=pool.authority,
            commitment=commit(salt=person[0], claimant=person[1]) if person else None,
            claim_id=claim_id,
        )
    )


async def note_effect(
    connection: AsyncConnection, *, pool_id: int, epoch: int, changes: Sequence[str]
) -> Effect:
    """Keeps what Valkey is to be told after COMMIT as a row, so that no crash forgets it."""
    result = await connection.execute(
        insert(tables.effect)
        .values(pool_id=pool_id, epoch=epoch, changes=list(changes))
        .returning(tables.effect.c.id)
    )
    return Effect(id=result.scalar_one(), pool=pool_id, epoch=epoch, changes=list(changes))


def new_salt() -> bytes:
    """32 random bytes that hide a person in the log until they show them."""
    return secrets.token_bytes(SALT_BYTES)
