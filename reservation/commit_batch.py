"""One group commit: the waiting confirms of one pool in one transaction. Imports SQLAlchemy and `fairness`.

What a crash leaves: before COMMIT nothing, and the claims stay marked confirming until the same key is repeated or
the sweeper gives up on them; after COMMIT a booking whose effect row tells Valkey's sweeper what is still to do.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from fairness import commit
from fairness.commitment import SALT_BYTES
from reservation.errors import (
    AlreadyBooked,
    AlreadyConfirmed,
    Full,
    HoldLost,
    KeyReused,
    ReservationError,
)
from reservation.model import Booking, BookingState, Pool
from reservation.statements import CONFIRM_BATCH, LOCK_UNITS, RECALL, UNDO_PARTIAL

log = logging.getLogger(__name__)


class Order(NamedTuple):
    """One confirm that is marked in Valkey and waits for its commit. `epoch` is the one it was marked in."""

    claim_id: str
    unit: int
    claimant: str
    owner: str
    key: str
    epoch: int


class EpochEnded(Exception):
    """PostgreSQL has a later epoch than these orders were marked in: a rebuild has begun."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"epoch is {epoch} now")
        self.epoch = epoch


class Committed(NamedTuple):
    """`outcomes` in the order of the orders; `effect_id` of what Valkey is to be told, None when nothing was booked."""

    outcomes: list[Booking | ReservationError]
    effect_id: int | None


async def commit_batch(
    engine: AsyncEngine, pool: Pool, orders: Sequence[Order], *, settled: Sequence[int]
) -> Committed:
    """Books what can be booked and says for each order why not. All orders are of one epoch and of different claims.

    Raises:
        EpochEnded: nothing was changed.
        sqlalchemy.exc.DBAPIError: a deadlock, a lock timeout, a row the server refuses, a lost connection. Unless
            the connection was lost at COMMIT nothing was changed; repeating the same orders tells.
    """
    async with engine.begin() as connection:
        # (1) lock: units in id order, the pool's epoch pinned until COMMIT
        room = await _lock(connection, pool, orders)
        # (2) insert: verdict, key and claim of each order; those that got all three and a place are booked
        done = await _insert(connection, pool, orders, room=room, settled=settled)
        # (3) a loser leaves nothing behind, and is told the reason
        losers = [
            _Loser(orders[n - 1], n - 1, *new)
            for n, *new in zip(
                done.lost or (), done.verdict_new or (), done.key_new or (), done.claim_new or (), strict=True
            )
        ]
        known = await _undo_and_recall(connection, losers) if losers else []
        # (4) COMMIT on leaving: from here on the bookings survive any crash
    outcomes: list[Booking | ReservationError] = [_booking(pool, order, done.created_at) for order in orders]
    for loser, was in zip(losers, known, strict=True):
        outcomes[loser.place] = was or _reason(loser)
    return Committed(outcomes, done.effect_id)


class _Loser(NamedTuple):
    """An order that was not booked, its place in the batch, and which of its keys this transaction inserted."""

    order: Order
    place: int
    verdict_new: bool
    key_new: bool
    claim_new: bool


async def _lock(connection: AsyncConnection, pool: Pool, orders: Sequence[Order]) -> dict[int, int]:
    units = sorted({order.unit for order in orders})
    rows = (await connection.execute(LOCK_UNITS, {"pool_id": pool.id, "unit_ids": units})).all()
    for row in rows:
        if row.epoch != orders[0].epoch:  # guard: only claims of the present epoch
            raise EpochEnded(row.epoch)
    return {row.id: row.free for row in rows}


async def _insert(
    connection: AsyncConnection,
    pool: Pool,
    orders: Sequence[Order],
    *,
    room: dict[int, int],
    settled: Sequence[int],
) -> Row[Any]:
    noise = secrets.token_bytes(SALT_BYTES * len(orders))
    salts = [noise[start : start + SALT_BYTES] for start in range(0, len(noise), SALT_BYTES)]
    result = await connection.execute(
        CONFIRM_BATCH,
        {
            "claim_ids": [order.claim_id for order in orders],
            "unit_ids": [order.unit for order in orders],
            "claimants": [order.claimant for order in orders],
            "owners": [order.owner for order in orders],
            "keys": [order.key for order in orders],
            "salts": salts,
            "commitments": [
                commit(salt=salt, claimant=order.claimant) for salt, order in zip(salts, orders, strict=True)
            ],
            "room_units": list(room),
            "room_free": list(room.values()),
            "settled": list(settled),
            "pool_id": pool.id,
            "epoch": orders[0].epoch,
            "service": pool.service,
            "rule": pool.rule,
            "operator": pool.authority,
        },
    )
    return result.one()


async def _undo_and_recall(
    connection: AsyncConnection, losers: Sequence[_Loser]
) -> list[Booking | ReservationError | None]:
    keyed = [loser.order for loser in losers if loser.key_new]
    claimed = [loser.order for loser in losers if loser.claim_new]
    await connection.execute(
        UNDO_PARTIAL,
        {
            "verdicts": [loser.order.claim_id for loser in losers if loser.verdict_new],
            "owners": [order.owner for order in keyed],
            "keys": [order.key for order in keyed],
            "claimants": [order.claimant for order in claimed],
            "claims": [order.claim_id for order in claimed],
        },
    )
    return await recall(connection, [loser.order for loser in losers])


def _booking(pool: Pool, order: Order, created_at: datetime) -> Booking:
    return Booking(
        id=order.claim_id, pool=pool.id, unit=order.unit, state=BookingState.BOOKED, created_at=created_at
    )


def _reason(loser: _Loser) -> ReservationError:
    if not loser.verdict_new:
        return HoldLost(hold=loser.order.claim_id)
    if not loser.claim_new:
        return AlreadyBooked()
    return Full(unit=loser.order.unit)


async def recall(
    connection: AsyncConnection, orders: Sequence[Order]
) -> list[Booking | ReservationError | None]:
    """What PostgreSQL already knows of each order: its booking, a refusal, or None when it knows nothing.

    The booking is told as it was when it was confirmed, whatever became of it since: that is what a repeated
    request is owed.
    """
    result = await connection.execute(
        RECALL,
        {
            "claim_ids": [order.claim_id for order in orders],
            "owners": [order.owner for order in orders],
            "keys": [order.key for order in orders],
        },
    )
    return [_recalled(order, row) for order, row in zip(orders, result.all(), strict=True)]


def _recalled(order: Order, row: Row[Any]) -> Booking | ReservationError | None:
    if row.key_claim is not None and row.key_claim != order.claim_id:
        return KeyReused()
    mine = row.id is not None and row.owner == order.owner
    if mine and row.key_claim is not None and order.unit in (0, row.unit_id):
        return Booking(
            id=order.claim_id,
            pool=row.pool_id,
            unit=row.unit_id,
            state=BookingState.BOOKED,
            created_at=row.created_at,
        )
    if mine and row.key_claim is not None:
        return KeyReused()
    if mine and row.state == BookingState.BOOKED:
        return AlreadyConfirmed(booking=row.id)
    return HoldLost(hold=order.claim_id) if row.verdict is not None else None
