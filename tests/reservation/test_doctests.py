"""The examples in the kernel's docstrings are run."""

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import reservation

WITH_EXAMPLES = {"reservation.claim_id", "reservation.errors", "reservation.failure", "reservation.valkey"}
MODULES = sorted(
    module.name
    for module in walk_packages(reservation.__path__, "reservation.")
    if ".migrations" not in module.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    results = doctest.testmod(import_module(name))
    assert results.failed == 0
    assert (results.attempted > 0) == (name in WITH_EXAMPLES)
