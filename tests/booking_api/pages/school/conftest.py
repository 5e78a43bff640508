"""A town with schools, and browsers without scripts for who acts for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from reservation import audit
from tests.booking_api.pages.visitors import Visiting, account_row, opened, signed_in
from tests.schooling import Town, worker

SCHOOL = "/school/s-101"


@pytest.fixture
async def town(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Town]:
    """A town with rules and its schools; the invariants are checked when the test is over."""
    async with worker(tmp_path, database_url, valkey_url) as parts:
        town = Town(parts)
        await town.found(substitutions=True)
        yield town
        await parts.kernel.committer.drain()
        assert await audit(parts.kernel) == []


@pytest.fixture
async def client(settings, token, quick_hashes, town):
    async with opened(settings) as client:
        yield client


@pytest.fixture
def browser_of(client, database_url) -> Callable[..., Awaitable[Visiting]]:
    """A new account's browser."""

    async def make(account: str, *roles: str) -> Visiting:
        await account_row(database_url, account, roles=roles)
        return await signed_in(client, database_url, account)

    return make


@pytest.fixture
async def agent(browser_of) -> Visiting:
    """Who acts for the school s-101."""
    return await browser_of("agent", "school:s-101")


@pytest.fixture
def ended(agent):
    """Waits until a batch has ended, as its page's script does; gives what that is told."""

    async def wait(address: str):
        while True:
            told = (await agent.get(f"{address.partition('?')[0]}/progress")).json()
            if told["ended"]:
                return told
            await asyncio.sleep(0.05)

    return wait
