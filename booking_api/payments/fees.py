"""Fees: opened, ordered, settled. Imports SQLAlchemy, the outbox and this room's own modules.

(1) open    a row `due`: one open fee per person, authority and subject, whoever asks and however often
(2) order   at the provider, outside any transaction, under the fee's id
(3) note    the row becomes `pending` with the address to pay at

A crash between (2) and (3) leaves an order nobody knows the address of; asking again gives it. A payment made meanwhile
settles the fee all the same. Every change of a fee is a row of `fee_change` in the same transaction.
"""

import logging
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.errors import UnknownAuthority
from booking_api.outbox.events import EventKind, note_event
from booking_api.payments import tables
from booking_api.payments.errors import PaymentMismatch, UnknownPayment
from booking_api.payments.provider import CURRENCY, Order, PaymentProvider, Placed, Standing
from booking_api.payments.standing import FeeState, next_state
from booking_api.uuids import is_uuid
from reservation import tables as kernel_tables
from reservation.errors import Busy

log = logging.getLogger(__name__)

OPEN_STATES = (FeeState.DUE, FeeState.PENDING, FeeState.SETTLED)
FIRST_ASKED_AFTER_S = 60
"""A callback has this long before the provider is asked."""
FEES_SHOWN = 100

_fee = tables.fee.c


class WantedFee(NamedTuple):
    """Whose sitting of which subject a fee is to cover, at which authority, and what is due for it."""

    account: str
    authority: str
    subject: int
    amount_fen: int


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A fee as its owner sees it. `pay_url` is where to pay it; without one it is paid at a counter, by its id."""

    id: str
    authority: str
    subject: int
    amount_fen: int
    currency: str
    state: FeeState
    provider: str
    pay_url: str | None
    created_at: datetime
    settled_at: datetime | None
    used_by: str | None


async def order_fee(
    engine: AsyncEngine, provider: PaymentProvider, wanted: WantedFee, *, at: datetime
) -> Payment:
    """Opens a person's fee and orders it, or gives the open one as it stands.

    Raises:
        UnknownAuthority: there is none.
        PaymentUnavailable: the provider does not answer; the fee stays due, repeat.
    """
    async with engine.begin() as connection:
        row = await open_fee(connection, wanted, provider=provider.name, at=at)
    # A fee that waits for another provider, from before this one was set up, is ordered anew.
    if row.state == FeeState.SETTLED or (row.state == FeeState.PENDING and row.provider == provider.name):
        return payment_of(row)
    placed = await provider.order(order_of(row))
    async with engine.begin() as connection:
        return payment_of(await _note_placed(connection, row.id, placed, provider=provider.name, at=at))


async def open_fee(
    connection: AsyncConnection, wanted: WantedFee, *, provider: str, at: datetime
) -> Row[Any]:
    """The person's open fee, made if there is none, locked until the caller's transaction ends.

    Raises:
        UnknownAuthority: there is none.
        Busy: the open fee ended this very moment; repeat.
    """
    known = kernel_tables.authority.c.id
    if (await connection.execute(select(known).where(known == wanted.authority))).first() is None:
        raise UnknownAuthority(authority=wanted.authority)
    made = await connection.execute(
        upsert(tables.fee)
        .values(
            id=str(uuid4()),
            **wanted._asdict(),
            state=FeeState.DUE,
            provider=provider,
            next_at=func.now() + timedelta(seconds=FIRST_ASKED_AFTER_S),
        )
        .on_conflict_do_nothing()
        .returning(tables.fee)
    )
    row = made.one_or_none()
    if row is not None:
        await note_change(connection, row.id, FeeState.DUE, by="opened", at=at)
        return row
    same = select(tables.fee).where(
        _fee.account == wanted.account,
        _fee.authority == wanted.authority,
        _fee.subject == wanted.subject,
        _fee.state.in_(OPEN_STATES),
        _fee.used_by.is_(None),
    )
    found = (await connection.execute(same.with_for_update())).one_or_none()
    if found is None:
        raise Busy(part="postgresql")
    return found


async def fees_of(engine: AsyncEngine, *, account: str) -> list[Payment]:
    """The account's last FEES_SHOWN fees, newest first."""
    query = select(tables.fee).where(_fee.account == account)
    query = query.order_by(_fee.created_at.desc(), _fee.id).limit(FEES_SHOWN)
    async with engine.connect() as connection:
        return [payment_of(row) for row in (await connection.execute(query)).all()]


async def note_standing(
    connection: AsyncConnection, fee_id: str, standing: Standing, *, provider: str, by: str, at: datetime
) -> Payment:
    """Moves a fee as its provider says it stands; a message that is late or comes again moves nothing.

    Raises:
        UnknownPayment: the provider has no fee of this id.
        PaymentMismatch: another amount or currency; nothing was changed.
    """
    row = await lock_fee(connection, fee_id)
    if row.provider != provider:
        raise UnknownPayment(payment=row.id)
    if (standing.amount_fen, standing.currency) != (row.amount_fen, CURRENCY):
        log.error(
            "order %s is for %d fen; its provider says %d %s",
            *(row.id, row.amount_fen, standing.amount_fen, standing.currency[:10]),
        )
        raise PaymentMismatch(payment=row.id)
    state = next_state(FeeState(row.state), standing.state)
    if state == row.state:
        return payment_of(row)
    return payment_of(await move_fee(connection, row, state, by=by, at=at, note=standing.reference))


async def lock_fee(connection: AsyncConnection, fee_id: str) -> Row[Any]:
    """The fee of this id, locked.

    Raises:
        UnknownPayment: there is none.
    """
    row = None
    if is_uuid(fee_id):
        query = select(tables.fee).where(_fee.id == fee_id).with_for_update()
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownPayment(payment=fee_id[:64])
    return row


async def move_fee(
    connection: AsyncConnection,
    row: Row[Any],
    state: FeeState,
    *,
    by: str,
    at: datetime,
    note: str | None = None,
) -> Row[Any]:
    """Gives a locked fee its next state, with the change and the person's notice."""
    values: dict[str, Any] = {"state": state, "tries": 0, "next_at": func.now()}
    if state is FeeState.SETTLED:
        values["settled_at"] = at
    try:
        async with connection.begin_nested():
            moved = await _update(connection, row.id, values)
    except IntegrityError:
        # Given up, then paid, while another fee for the same is open: this money goes back.
        state = FeeState.REFUNDING
        moved = await _update(connection, row.id, values | {"state": state})
    await note_change(connection, row.id, state, by=by, at=at, note=note)
    kind = {FeeState.SETTLED: EventKind.PAYMENT_SETTLED, FeeState.REFUNDED: EventKind.PAYMENT_REFUNDED}.get(
        state
    )
    if kind is not None:
        facts = {"payment": row.id, "authority": row.authority, "subject": row.subject}
        await note_event(
            connection,
            kind=kind,
            at=at,
            organisation=None,
            account=row.account,
            facts=facts | {"amount_fen": row.amount_fen},
        )
    return moved


async def note_change(
    connection: AsyncConnection,
    fee_id: str,
    state: FeeState,
    *,
    by: str,
    at: datetime,
    note: str | None = None,
) -> None:
    """One row for one change of a fee."""
    await connection.execute(
        insert(tables.fee_change).values(fee=fee_id, at=at, state=state, by=by, note=note and note[:200])
    )


def order_of(row: Row[Any]) -> Order:
    """The fee as an order. Its title is for the payer's own statement and names no person."""
    return Order(row.id, row.amount_fen, f"{row.authority} subject {row.subject}")


def payment_of(row: Row[Any]) -> Payment:
    """The owner's view of a row of `fee`."""
    return Payment(
        id=row.id,
        authority=row.authority,
        subject=row.subject,
        amount_fen=row.amount_fen,
        currency=CURRENCY,
        state=FeeState(row.state),
        provider=row.provider,
        pay_url=row.pay_url if row.state == FeeState.PENDING else None,
        created_at=row.created_at,
        settled_at=row.settled_at,
        used_by=row.used_by,
    )


async def _note_placed(
    connection: AsyncConnection, fee_id: str, placed: Placed, *, provider: str, at: datetime
) -> Row[Any]:
    elsewhere = (_fee.state == FeeState.PENDING) & (_fee.provider != provider)
    done = await connection.execute(
        update(tables.fee)
        .where(_fee.id == fee_id, (_fee.state == FeeState.DUE) | elsewhere)
        .values(
            state=FeeState.PENDING,
            provider=provider,
            provider_reference=placed.reference,
            pay_url=placed.pay_url,
            tries=0,
            next_at=func.now() + timedelta(seconds=FIRST_ASKED_AFTER_S),
        )
        .returning(tables.fee)
    )
    row = done.one_or_none()
    if row is None:
        # Ordered by another request, or paid already.
        return (await connection.execute(select(tables.fee).where(_fee.id == fee_id))).one()
    await note_change(connection, fee_id, FeeState.PENDING, by="order", at=at, note=placed.reference)
    return row


async def _update(connection: AsyncConnection, fee_id: str, values: dict[str, Any]) -> Row[Any]:
    done = await connection.execute(
        update(tables.fee).where(_fee.id == fee_id).values(values).returning(tables.fee)
    )
    return done.one()
