"""A town of each test's own, and a second worker in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_api.schools.parts import Parts
from reservation import audit
from tests.schooling import Town, worker


@pytest.fixture
async def town(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Town]:
    """A town; the invariants are checked when the test is over."""
    async with worker(tmp_path, database_url, valkey_url) as parts:
        yield Town(parts)
        await parts.kernel.committer.drain()
        assert await audit(parts.kernel) == []


@pytest.fixture
async def second(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Parts]:
    """Another worker's parts on the same servers."""
    async with worker(tmp_path, database_url, valkey_url) as parts:
        yield parts
