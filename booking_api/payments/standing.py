"""How a fee's state follows from what its provider says. Pure.

Messages come late, twice and in any order, so a state only moves forwards: whatever the order in which the messages of
one history arrive, the fee ends in the state of its last.
"""

from collections.abc import Mapping
from enum import StrEnum

from booking_api.payments.provider import ProviderState


class FeeState(StrEnum):
    """due -> pending (ordered) -> settled -> refunding -> refunded; failed when an order is closed unpaid."""

    DUE = "due"
    PENDING = "pending"
    SETTLED = "settled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    FAILED = "failed"


_NEXT: Mapping[tuple[FeeState, ProviderState], FeeState] = {
    (FeeState.DUE, ProviderState.PAID): FeeState.SETTLED,
    (FeeState.PENDING, ProviderState.PAID): FeeState.SETTLED,
    # Somebody paid what we had given up.
    (FeeState.FAILED, ProviderState.PAID): FeeState.SETTLED,
    (FeeState.DUE, ProviderState.CLOSED): FeeState.FAILED,
    (FeeState.PENDING, ProviderState.CLOSED): FeeState.FAILED,
    **{
        (state, ProviderState.REFUNDED): FeeState.REFUNDED
        for state in FeeState
        if state is not FeeState.REFUNDED
    },
}


def next_state(state: FeeState, told: ProviderState) -> FeeState:
    """The state after this message; the same when it says nothing new.

    >>> next_state(FeeState.SETTLED, ProviderState.CLOSED), next_state(FeeState.REFUNDING, ProviderState.PAID)
    (<FeeState.SETTLED: 'settled'>, <FeeState.REFUNDING: 'refunding'>)
    """
    return _NEXT.get((state, told), state)
