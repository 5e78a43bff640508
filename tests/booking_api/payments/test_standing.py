"""However the messages of one history arrive, late, twice or in another order, the fee ends as the history did."""

import doctest
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from booking_api.payments import standing
from booking_api.payments.provider import ProviderState
from booking_api.payments.standing import FeeState, next_state

UNPAID, PAID, CLOSED, REFUNDED = ProviderState
HISTORIES = {
    (UNPAID,): FeeState.PENDING,
    (UNPAID, PAID): FeeState.SETTLED,
    (UNPAID, CLOSED): FeeState.FAILED,
    (UNPAID, CLOSED, PAID): FeeState.SETTLED,
    (UNPAID, PAID, REFUNDED): FeeState.REFUNDED,
    (UNPAID, CLOSED, PAID, REFUNDED): FeeState.REFUNDED,
}


def test_examples_are_true():
    assert doctest.testmod(standing) == (0, 1)


@given(st.sampled_from(list(HISTORIES)), st.data())
def test_a_fee_ends_as_its_history_did(history, data):
    again = data.draw(st.lists(st.sampled_from(history)))
    arrived = data.draw(st.permutations([*history, *again]))
    assert reduce(next_state, arrived, FeeState.PENDING) is HISTORIES[history]


@given(st.sampled_from(FeeState), st.sampled_from(ProviderState))
def test_the_same_message_twice_is_once(state, told):
    once = next_state(state, told)
    assert next_state(once, told) is once


@given(st.lists(st.sampled_from(ProviderState)))
def test_what_goes_back_is_never_settled_again(told):
    assert reduce(next_state, told, FeeState.REFUNDING) in {FeeState.REFUNDING, FeeState.REFUNDED}
    assert reduce(next_state, told, FeeState.REFUNDED) is FeeState.REFUNDED
