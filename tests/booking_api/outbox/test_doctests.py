"""The published vector of Standard Webhooks, as it stands in the docstring."""

import doctest

from booking_api.outbox import signing


def test_the_signature_is_that_of_the_standards_own_vector():
    assert doctest.testmod(signing) == (0, 1)
