"""What this room asks of whoever takes the money. Imports msgspec.

Two implementations: `remote.HttpPaymentProvider` and `counter.CounterPayments`. Every call can be repeated: orders and
refunds are known by the fee's id.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

CURRENCY = "CNY"


class Order(NamedTuple):
    """What is to be paid: the fee's id is the order's."""

    id: str
    amount_fen: int
    title: str


class Placed(NamedTuple):
    """An order as it was placed: the provider's own number, and where it can be paid."""

    reference: str | None
    pay_url: str | None


class ProviderState(StrEnum):
    """What a provider can say of an order. `closed`: it was not paid and never will be."""

    UNPAID = "unpaid"
    PAID = "paid"
    CLOSED = "closed"
    REFUNDED = "refunded"


class Standing(msgspec.Struct, frozen=True):
    """What a provider says of an order."""

    state: ProviderState
    amount_fen: int
    currency: str
    reference: str | None = None


class Callback(Standing, frozen=True, kw_only=True):
    """What a provider tells by itself: an order, and how it stands."""

    order: str


class PaymentProvider(Protocol):
    """Takes money for orders and gives it back. `remote`: somebody else, who can be asked how an order stands."""

    name: str
    remote: bool

    async def order(self, order: Order) -> Placed:
        """Places the order, or gives it as it was placed.

        Raises:
            PaymentUnavailable: repeat; it may have been placed.
        """
        ...

    async def query(self, order: Order) -> Standing | None:
        """How the order stands; None when it is not known there.

        Raises:
            PaymentUnavailable: repeat.
        """
        ...

    async def refund(self, order: Order) -> Standing | None:
        """Asks for the money to go back, or how that stands; None when nothing can be said yet.

        Raises:
            PaymentUnavailable: repeat; it may have been done.
        """
        ...

    def read_callback(self, *, headers: Mapping[str, str], body: bytes, now_s: int) -> tuple[str, Standing]:
        """The order a signed message tells of, and how it stands.

        Raises:
            SignatureInvalid: the provider did not sign this, or not lately.
            InvalidRequest: it did, but what it says cannot be read.
        """
        ...

    async def close(self) -> None:
        """Ends the connections."""
        ...
