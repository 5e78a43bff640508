"""Examples in docstrings; the signature's is the published vector of Standard Webhooks."""

import doctest

from booking_api import uuids
from booking_api.outbox import signing


def test_the_signature_is_that_of_the_standards_own_vector():
    assert doctest.testmod(signing) == (0, 1)


def test_only_canonical_ids_are_ids():
    assert doctest.testmod(uuids) == (0, 1)
