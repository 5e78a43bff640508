"""The examples in the docstrings of what anyone can recompute are run."""

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import fairness

MODULES = sorted(module.name for module in walk_packages(fairness.__path__, "fairness."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples():
    assert doctest.testmod(import_module("fairness.commitment")).attempted > 0
