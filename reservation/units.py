"""A unit's life in PostgreSQL: added, withdrawn, concluded. Each joins its caller's transaction. Imports SQLAlchemy.

The caller tells Valkey the effect after its COMMIT; a crash between the two leaves the effect's row, which is replayed.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fairness import commit
from reservation import tables
from reservation.errors import UnitOver
from reservation.model import BookingState, Effect, NewUnit, Pool
from reservation.transaction import lock_units, note_effect

UNITS_PER_STATEMENT = 1000


class Withdrawn(NamedTuple):
    """A unit that is given out no more: whose bookings it ended, as (booking, owner), and what Valkey is to be told."""

    bookings: list[tuple[str, str]]
    effect: Effect


class Concluded(NamedTuple):
    """A booking whose session is over: it stands, and its claimant may book anew."""

    booking: str
    unit: int
    owner: str
    claimant: str


async def add_units(
    connection: AsyncConnection, *, pool_id: int, authority: str, units: Sequence[NewUnit]
) -> list[int]:
    """Adds units to a pool, each an entry in the log; gives their ids in order."""
    ids: list[int] = []
    for first in range(0, len(units), UNITS_PER_STATEMENT):
        rows = [_values(pool_id, new) for new in units[first : first + UNITS_PER_STATEMENT]]
        made = await connection.execute(
            insert(tables.unit).returning(
                tables.unit.c.id, tables.unit.c.capacity, sort_by_parameter_order=True
            ),
            rows,
        )
        added = made.all()
        entries = [
            {"kind": "publish", "pool_id": pool_id, "unit_id": row.id, "delta": row.capacity}
            | {"operator": authority}
            for row in added
        ]
        await connection.execute(insert(tables.entry), entries)
        ids += [row.id for row in added]
    return ids


async def withdraw_unit(connection: AsyncConnection, pool: Pool, *, unit_id: int) -> Withdrawn:
    """Ends every booking and promise of a unit on the authority's behalf, and its capacity with them.

    Withdrawn again, it ends nothing more.

    Raises:
        UnitOver: its session is over.
    """
    _, epoch = (await lock_units(connection, [unit_id]))[unit_id]
    booking, promise = tables.booking, tables.promise
    over = select(booking.c.id).where(booking.c.unit_id == unit_id, booking.c.concluded_at.is_not(None))
    if (await connection.execute(over.limit(1))).first() is not None:
        raise UnitOver(unit=unit_id)
    booked = await connection.execute(
        update(booking)
        .where(booking.c.unit_id == unit_id, booking.c.state == BookingState.BOOKED)
        .values(state=BookingState.CANCELLED, ended_at=func.now(), ended_by="authority")
        .returning(booking.c.id, booking.c.owner, booking.c.claimant, booking.c.salt)
    )
    promised = await connection.execute(
        update(promise)
        .where(promise.c.unit_id == unit_id, promise.c.state == "open")
        .values(state="withdrawn", ended_at=func.now())
        .returning(promise.c.id, promise.c.owner, promise.c.claimant, promise.c.salt)
    )
    bookings, promises = booked.all(), promised.all()
    await _end_claims(connection, [*bookings, *promises])
    entries = [_ended(pool, unit_id, row, kind="cancel") for row in bookings]
    entries += [_ended(pool, unit_id, row, kind="promise_withdrawn") for row in promises]
    size = await connection.execute(select(tables.unit.c.capacity).where(tables.unit.c.id == unit_id))
    entries.append(_entry(pool, unit_id, kind="withdraw", delta=-size.scalar_one()))
    await connection.execute(insert(tables.entry), entries)
    await connection.execute(
        update(tables.unit).where(tables.unit.c.id == unit_id).values(capacity=0, booked=0, promised=0)
    )
    freed = [word for row in (*bookings, *promises) for word in ("free", row.id, str(unit_id))]
    changes = [*freed, "size", "0", str(unit_id)]
    effect = await note_effect(connection, pool_id=pool.id, epoch=epoch, changes=changes)
    return Withdrawn([(row.id, row.owner) for row in bookings], effect)


async def conclude_units(connection: AsyncConnection, unit_ids: Sequence[int]) -> list[Concluded]:
    """Marks the bookings of sessions that are over. They keep their places; Valkey has nothing to learn."""
    await lock_units(connection, unit_ids)
    booking = tables.booking
    done = await connection.execute(
        update(booking)
        .where(
            booking.c.unit_id.in_(unit_ids),
            booking.c.state == BookingState.BOOKED,
            booking.c.concluded_at.is_(None),
        )
        .values(concluded_at=func.now())
        .returning(booking.c.id, booking.c.unit_id, booking.c.owner, booking.c.claimant)
    )
    rows = done.all()
    await _end_claims(connection, rows)
    return [Concluded(row.id, row.unit_id, row.owner, row.claimant) for row in rows]


async def _end_claims(connection: AsyncConnection, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    active = tables.active_claim
    if rows:
        await connection.execute(
            delete(active).where(
                active.c.claimant.in_([row.claimant for row in rows]),
                active.c.claim_id.in_([row.id for row in rows]),
            )
        )


def _ended(pool: Pool, unit_id: int, row: Row[*tuple[Any, ...]], *, kind: str) -> dict[str, Any]:
    person = commit(salt=row.salt, claimant=row.claimant) if row.salt else None
    return _entry(pool, unit_id, kind=kind, delta=1) | {"commitment": person, "claim_id": row.id}


def _entry(pool: Pool, unit_id: int, *, kind: str, delta: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "pool_id": pool.id,
        "unit_id": unit_id,
        "delta": delta,
        "operator": pool.authority,
        "commitment": None,
        "claim_id": None,
    }


def _values(pool_id: int, new: NewUnit) -> dict[str, Any]:
    return {
        "pool_id": pool_id,
        "kind": new.kind,
        "title": new.title,
        "site": new.site,
        "starts_at": new.starts_at,
        "ends_at": new.ends_at,
        "attributes": new.attributes,
        "capacity": new.capacity,
    }
