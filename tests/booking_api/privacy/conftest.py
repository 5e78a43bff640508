"""A sale with two units, and hashes that take no time."""

import pytest


@pytest.fixture(autouse=True)
def quick_hashes(quick_hashes):
    """In every test of this room."""


@pytest.fixture
async def sale(kernel, city):
    return await city(capacities=(5, 5))
