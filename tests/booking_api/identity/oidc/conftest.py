"""Both sides of a sign-in, with hashes that take no time."""

import pytest

from tests.booking_api.identity.oidc.signing_in import provided


@pytest.fixture(autouse=True)
def quick_hashes(quick_hashes):
    """In every test of this room."""


@pytest.fixture
async def both(settings, token):
    async with provided(settings) as pair:
        yield pair
