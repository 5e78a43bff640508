"""Promises: claims that outlive an instant hold.

A promise takes its place like a booking does, through a hold that is marked and then committed, so that Valkey's stock
and PostgreSQL's never disagree.

What a crash leaves: before COMMIT a marked hold, which the sweeper ends; after it an effect row that is replayed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from reservation import tables
from reservation.claim_id import pool_of
from reservation.errors import (
    AlreadyBooked,
    Full,
    HoldLost,
    ReservationError,
    UnknownPromise,
)
from reservation.hold import end_lease
from reservation.kernel import Kernel
from reservation.mark import mark, undo_mark
from reservation.model import Booking, BookingState, Effect, Pool, Promise
from reservation.transaction import (
    count,
    enter,
    insert_verdict,
    lock_units,
    new_salt,
    note_effect,
    transaction,
)

PROMISE_KEY = "promise"


async def promise(
    kernel: Kernel, *, hold_id: str, owner: str, until: datetime, unit: int | None = None
) -> Promise:
    """Turns a hold into a promise that lasts until the given moment. Its id is the hold's.

    Raises:
        HoldLost, HoldInFlight, ChooseUnit, Full, AlreadyBooked: the unit cannot be promised.
        Rebuilding, Unavailable, Busy: repeat.
    """
    pool_id = pool_of(hold_id)
    if pool_id is None:
        raise HoldLost(hold=hold_id)
    pool = await kernel.pool(pool_id)
    marked = await mark(kernel, pool, claim_id=hold_id, owner=owner, key=PROMISE_KEY, unit=unit)
    if marked is None:
        return await _promised_before(kernel, hold_id, owner=owner)
    wanted = Promise(
        id=hold_id,
        pool=pool_id,
        unit=marked.unit,
        claimant=marked.claimant,
        owner=owner,
        expires_at=until,
    )
    try:
        effect = await _commit(kernel, pool, wanted, epoch=marked.epoch)
    except ReservationError as error:
        await undo_mark(kernel, pool, marked, reason=error)
        raise
    if effect is not None:
        kernel.tally.promised += 1
        await kernel.tell(effect)
    await end_lease(kernel, pool, claimant=wanted.claimant, claim_id=hold_id)
    return wanted


async def confirm_promise(kernel: Kernel, *, promise_id: str, owner: str) -> Booking:
    """Turns the owner's open promise into a booking of the same id. The place was taken before, so Valkey is not told.

    Raises:
        UnknownPromise: there is no such promise, or it has ended.
        Unavailable, Busy: repeat; a promise confirmed before gives its booking.
    """
    pool = await _pool_of_promise(kernel, promise_id)
    async with transaction(kernel.engine) as connection:
        row = await _find(connection, promise_id, owner=owner)
        await lock_units(connection, [row.unit_id])
        row = await _find(connection, promise_id, owner=owner, lock=True)
        if row.state == "open":
            if row.expires_at <= (await connection.execute(select(func.now()))).scalar_one():
                raise UnknownPromise(promise=promise_id)
            await _end(connection, row, state="confirmed")
            await _book(connection, pool, row)
        elif row.state != "confirmed":
            raise UnknownPromise(promise=promise_id)
        booked = (
            await connection.execute(select(tables.booking).where(tables.booking.c.id == promise_id))
        ).one()
    kernel.tally.booked += row.state == "open"
    return Booking(
        id=booked.id,
        pool=booked.pool_id,
        unit=booked.unit_id,
        state=BookingState.BOOKED,
        created_at=booked.created_at,
    )


async def withdraw(kernel: Kernel, *, promise_id: str, owner: str) -> None:
    """Gives a promise back. Repeating it changes nothing.

    Raises:
        UnknownPromise: there is none, or it was confirmed.
        Unavailable, Busy: repeat.
    """
    if not await _give_back(kernel, promise_id, owner=owner, state="withdrawn"):
        raise UnknownPromise(promise=promise_id)


async def expire_promises(kernel: Kernel, *, limit: int) -> int:
    """Ends promises whose time is over, at most `limit`. Gives how many."""
    table = tables.promise
    query = (
        select(table.c.id, table.c.owner)
        .where(table.c.state == "open", table.c.expires_at <= func.now())
        .order_by(table.c.expires_at)
        .limit(limit)
    )
    async with transaction(kernel.engine) as connection:
        over = (await connection.execute(query)).all()
    for row in over:
        await _give_back(kernel, row.id, owner=row.owner, state="expired")
    return len(over)


async def _commit(kernel: Kernel, pool: Pool, wanted: Promise, *, epoch: int) -> Effect | None:
    """The promise's effect; None when this very promise was committed before."""
    salt = new_salt()
    async with transaction(kernel.engine) as connection:
        free, now_epoch = (await lock_units(connection, [wanted.unit]))[wanted.unit]
        if not await insert_verdict(connection, wanted.id, "confirmed"):
            if await _is_open(connection, wanted):
                return None
            raise HoldLost(hold=wanted.id)
        if now_epoch != epoch:
            raise HoldLost(hold=wanted.id)
        if free <= 0:
            raise Full(unit=wanted.unit)
        claimed = await connection.execute(
            upsert(tables.active_claim)
            .values(claimant=wanted.claimant, service=pool.service, rule=pool.rule, claim_id=wanted.id)
            .on_conflict_do_nothing()
            .returning(tables.active_claim.c.claim_id)
        )
        if claimed.first() is None:
            raise AlreadyBooked
        await connection.execute(
            insert(tables.promise).values(
                id=wanted.id,
                pool_id=wanted.pool,
                unit_id=wanted.unit,
                claimant=wanted.claimant,
                owner=wanted.owner,
                service=pool.service,
                rule=pool.rule,
                state="open",
                salt=salt,
                expires_at=wanted.expires_at,
            )
        )
        await count(connection, wanted.unit, promised=1)
        await enter(
            connection,
            kind="promise",
            pool=pool,
            unit_id=wanted.unit,
            delta=-1,
            claim_id=wanted.id,
            person=(salt, wanted.claimant),
        )
        changes = ["take", wanted.id, str(wanted.unit)]
        return await note_effect(connection, pool_id=pool.id, epoch=epoch, changes=changes)


async def _is_open(connection: AsyncConnection, wanted: Promise) -> bool:
    table = tables.promise
    query = select(table.c.id).where(
        table.c.id == wanted.id, table.c.owner == wanted.owner, table.c.state == "open"
    )
    return (await connection.execute(query)).first() is not None


async def _promised_before(kernel: Kernel, hold_id: str, *, owner: str) -> Promise:
    async with transaction(kernel.engine) as connection:
        table = tables.promise
        query = select(table).where(table.c.id == hold_id, table.c.owner == owner, table.c.state == "open")
        row = (await connection.execute(query)).first()
    if row is None:
        raise HoldLost(hold=hold_id)
    return Promise(
        id=row.id,
        pool=row.pool_id,
        unit=row.unit_id,
        claimant=row.claimant,
        owner=row.owner,
        expires_at=row.expires_at,
    )


async def _book(connection: AsyncConnection, pool: Pool, row: Row[Any]) -> None:
    await connection.execute(
        insert(tables.booking).values(
            id=row.id,
            pool_id=row.pool_id,
            unit_id=row.unit_id,
            claimant=row.claimant,
            owner=row.owner,
            service=row.service,
            rule=row.rule,
            source="promise",
            state=BookingState.BOOKED,
            salt=row.salt,
        )
    )
    await count(connection, row.unit_id, booked=1, promised=-1)
    await enter(
        connection,
        kind="confirm_promise",
        pool=pool,
        unit_id=row.unit_id,
        delta=0,
        claim_id=row.id,
        person=(row.salt, row.claimant) if row.salt else None,
    )


async def _give_back(kernel: Kernel, promise_id: str, *, owner: str, state: str) -> bool:
    """Ends an open promise as withdrawn or expired. True also when it had ended that way before."""
    pool = await _pool_of_promise(kernel, promise_id)
    async with transaction(kernel.engine) as connection:
        row = await _find(connection, promise_id, owner=owner)
        _, epoch = (await lock_units(connection, [row.unit_id]))[row.unit_id]
        row = await _find(connection, promise_id, owner=owner, lock=True)
        if row.state != "open":
            return row.state in {"withdrawn", "expired"}
        await _end(connection, row, state=state)
        await connection.execute(
            delete(tables.active_claim).where(
                tables.active_claim.c.claimant == row.claimant, tables.active_claim.c.claim_id == row.id
            )
        )
        await count(connection, row.unit_id, promised=-1)
        await enter(
            connection,
            kind=f"promise_{state}",
            pool=pool,
            unit_id=row.unit_id,
            delta=1,
            claim_id=row.id,
            person=(row.salt, row.claimant) if row.salt else None,
        )
        changes = ["free", promise_id, str(row.unit_id)]
        effect = await note_effect(connection, pool_id=pool.id, epoch=epoch, changes=changes)
    kernel.tally.promises_ended += 1
    await kernel.tell(effect)
    return True


async def _end(connection: AsyncConnection, row: Row[Any], *, state: str) -> None:
    table = tables.promise
    await connection.execute(
        update(table).where(table.c.id == row.id).values(state=state, ended_at=func.now())
    )


async def _find(connection: AsyncConnection, promise_id: str, *, owner: str, lock: bool = False) -> Row[Any]:
    table = tables.promise
    query = select(table).where(table.c.id == promise_id, table.c.owner == owner)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise UnknownPromise(promise=promise_id)
    return row


async def _pool_of_promise(kernel: Kernel, promise_id: str) -> Pool:
    pool_id = pool_of(promise_id)
    if pool_id is None:
        raise UnknownPromise(promise=promise_id)
    return await kernel.pool(pool_id)
