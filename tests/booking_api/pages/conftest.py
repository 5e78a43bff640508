"""The pages of a platform with the demo city, in-process."""

from collections.abc import AsyncIterator
from datetime import date

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from booking_api import clock
from booking_api.demo.city import demo_pools, found
from booking_api.identity.tokens import make_key
from booking_api.settings import Settings
from reservation import Kernel
from tests.apps import app_of


@pytest.fixture
def today() -> date:
    return clock.today()


@pytest.fixture
async def pools(kernel: Kernel, today: date) -> dict[tuple[str, str], int]:
    """(city, rule) -> pool id of the demo city."""
    await found(kernel, founding_day=today)
    return {(city, rule): pool for (city, _, rule), pool in (await demo_pools(kernel)).items()}


@pytest.fixture
async def visitor(settings: Settings, pools: dict[tuple[str, str], int]) -> AsyncIterator[AsyncTestClient]:
    """A browser without scripts, on a demo."""
    make_key(settings.key_file)
    async with AsyncTestClient(app_of(msgspec.structs.replace(settings, demo_sign_ins=True))) as started:
        yield started
