"""What a lost callback or a crash has left open is asked for, and refunds are carried out. Imports SQLAlchemy.

due        ordered perhaps, by a worker that died or never heard the answer: given up an hour later if the provider knows
           nothing of it
pending    the callback is late
refunding  asked for by whoever cancelled the session; the provider does it once, however often it is asked

Whoever takes a fee moves `next_at` on in the same statement, so no other worker takes it meanwhile, and a worker that
dies leaves it for the next time. Pauses grow from a minute to an hour.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.payments.errors import PaymentMismatch, PaymentUnavailable
from booking_api.payments.fees import note_standing, order_of
from booking_api.payments.provider import CURRENCY, PaymentProvider, ProviderState, Standing
from booking_api.payments.standing import FeeState

log = logging.getLogger(__name__)

MEND_EVERY_S = 5.0
AT_ONCE = 10
FIRST_PAUSE_S = 60
LONGEST_PAUSE_S = 3_600
GIVEN_UP_AFTER = timedelta(hours=1)

_TAKE = text(
    """
    UPDATE fee SET tries = tries + 1,
        next_at = now() + make_interval(secs => least(:first * 2 ^ least(tries, 10), :longest))
    WHERE id IN (
        SELECT id FROM fee
        WHERE provider = :provider AND state IN ('due', 'pending', 'refunding') AND next_at <= now()
        ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING CAST(id AS text), authority, subject, amount_fen, state, created_at
    """
)


async def mend_payments(
    engine: AsyncEngine, provider: PaymentProvider, *, now: Callable[[], datetime]
) -> bool:
    """Asks the provider for some fees that are open; True when there may be more.

    Raises:
        SQLAlchemyError, OSError: the database does not answer; what was taken is taken again later.
    """
    bounds = {"first": FIRST_PAUSE_S, "longest": LONGEST_PAUSE_S, "limit": AT_ONCE}
    async with engine.begin() as connection:
        taken = (await connection.execute(_TAKE, bounds | {"provider": provider.name})).all()
    told = await asyncio.gather(*(_ask(provider, row, at=now()) for row in taken))
    # One after the other: bookings must not wait for a connection because of fees.
    for row, standing in zip(taken, told, strict=True):
        if standing is not None:
            await _note(engine, provider, row, standing, at=now())
    return len(taken) == AT_ONCE


async def _ask(provider: PaymentProvider, row: Row[Any], *, at: datetime) -> Standing | None:
    refunding = row.state == FeeState.REFUNDING
    try:
        standing = await (provider.refund if refunding else provider.query)(order_of(row))
    except PaymentUnavailable:
        return None  # the provider has said why in the log; the fee's next turn comes
    except Exception:
        # The other fees of this round are noted all the same.
        log.exception("asking for order %s failed", row.id)
        return None
    if standing is None and row.state == FeeState.DUE and at - row.created_at > GIVEN_UP_AFTER:
        return Standing(ProviderState.CLOSED, row.amount_fen, CURRENCY)
    return standing


async def _note(
    engine: AsyncEngine, provider: PaymentProvider, row: Row[Any], standing: Standing, *, at: datetime
) -> None:
    by = f"asked:{provider.name}"
    try:
        async with engine.begin() as connection:
            await note_standing(connection, row.id, standing, provider=provider.name, by=by, at=at)
    except PaymentMismatch:
        return  # told in the log as an error; only a person can put it right
