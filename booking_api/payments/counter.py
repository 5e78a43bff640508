"""Fees paid and paid back over a counter, as a clerk records them. Imports SQLAlchemy and this room's own modules."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.payments.errors import (
    AlreadySettled,
    NothingToRefund,
    PaymentMismatch,
    SignatureInvalid,
    UnknownPayment,
)
from booking_api.payments.fees import Payment, WantedFee, lock_fee, move_fee, open_fee, payment_of
from booking_api.payments.provider import Order, Placed, Standing
from booking_api.payments.standing import FeeState

NAME = "counter"


class CounterPayments:
    """The provider where no other is set up: people pay at a counter, and only its clerks know how an order stands."""

    name = NAME
    remote = False

    async def order(self, order: Order) -> Placed:
        """The order is the fee itself; its id is what the clerk is shown."""
        return Placed(reference=order.id, pay_url=None)

    async def query(self, order: Order) -> Standing | None:  # noqa: ARG002 - a clerk's answer comes by itself
        """Nobody can be asked."""
        return None

    async def refund(self, order: Order) -> Standing | None:  # noqa: ARG002 - likewise
        """The person comes to the counter for it."""
        return None

    def read_callback(
        self,
        *,
        headers: Mapping[str, str],  # noqa: ARG002 - whatever they say
        body: bytes,  # noqa: ARG002
        now_s: int,  # noqa: ARG002
    ) -> tuple[str, Standing]:
        """Nobody signs for a counter.

        Raises:
            SignatureInvalid: always.
        """
        raise SignatureInvalid

    async def close(self) -> None:
        """There are no connections."""


async def record_payment(
    engine: AsyncEngine,
    wanted: WantedFee,
    *,
    paid_fen: int,
    receipt: str,
    clerk: str,
    at: datetime,
) -> Payment:
    """A clerk has taken the fee. An order of it elsewhere is given up; should it be paid all the same, it goes back.

    Raises:
        UnknownAuthority: there is none.
        AlreadySettled: it was paid before; nothing was changed.
        PaymentMismatch: that is not what is due; nothing was changed.
    """
    by = f"clerk:{clerk}"
    async with engine.begin() as connection:
        row = await open_fee(connection, wanted, provider=NAME, at=at)
        if row.state == FeeState.SETTLED:
            raise AlreadySettled(payment=row.id)
        if row.provider != NAME:
            await move_fee(connection, row, FeeState.FAILED, by=by, at=at, note="paid at the counter instead")
            row = await open_fee(connection, wanted, provider=NAME, at=at)
        if paid_fen != row.amount_fen:
            raise PaymentMismatch(due_fen=row.amount_fen)
        return payment_of(await move_fee(connection, row, FeeState.SETTLED, by=by, at=at, note=receipt))


async def record_refund(
    engine: AsyncEngine,
    payment_id: str,
    *,
    authorities: Collection[str],
    receipt: str,
    clerk: str,
    at: datetime,
) -> Payment:
    """A clerk of one of these authorities has paid a fee back.

    Raises:
        UnknownPayment: none of theirs has this id.
        NothingToRefund: it is not to be paid back, or not at a counter.
    """
    async with engine.begin() as connection:
        row = await lock_fee(connection, payment_id)
        if row.authority not in authorities:
            raise UnknownPayment(payment=payment_id[:64])
        if row.provider != NAME or row.state != FeeState.REFUNDING:
            raise NothingToRefund(payment=row.id)
        moved = await move_fee(connection, row, FeeState.REFUNDED, by=f"clerk:{clerk}", at=at, note=receipt)
    return payment_of(moved)
