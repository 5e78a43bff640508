"""A pool with people in it whose words can be tampered with afterwards, and so can the rows."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.cli.surroundings import Addresses
from loadtest.aftermath import examine
from loadtest.result import Aftermath
from reservation import Kernel, watch
from reservation.database import create_engine


def _people_class():
    """The neighbour module; test folders are not packages."""
    spec = importlib.util.spec_from_file_location("loadtest_people", Path(__file__).with_name("people.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.People


class Scene:
    """A journal and the stores behind it."""

    def __init__(self, kernel, addresses, people, units) -> None:
        self.kernel, self.addresses, self.people, self.units = kernel, addresses, people, units

    async def sql(self, statement: str, **values) -> None:
        async with self.kernel.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def examine(self, **options) -> Aftermath:
        await self.kernel.committer.drain()
        return await examine(self.addresses, self.people.folder, **options)

    async def kinds(self) -> set[str]:
        """What kinds of difference the aftermath sees."""
        return {difference.kind for difference in (await self.examine()).differences}


@pytest.fixture
async def scene(database_url, valkey_url, city_of, tmp_path, monkeypatch) -> AsyncIterator[Scene]:
    """Three sessions of three seats. The invariants are not checked in the end: tests break them."""
    # Nothing is on its way between the stores here, so the audit need not look again after seconds.
    monkeypatch.setattr(sys.modules["reservation.audit"], "SETTLE_S", 0.01)
    kernel = Kernel(create_engine(database_url), valkey_url, clock=clock.now_ms)
    watch(kernel)
    await kernel.open()
    try:
        pool, units = await city_of(kernel, capacities=(3, 3, 3))
        people = _people_class()(kernel, tmp_path / "journal", pool)
        yield Scene(kernel, Addresses(database_url, valkey_url, "http://127.0.0.1:1"), people, units)
        people.journal.close()
    finally:
        await kernel.close()
