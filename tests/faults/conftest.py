"""Fixtures of the fault tests: a Valkey of each test's own, and a world on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from booking_api.embedded.postgres import PostgresServer
from booking_api.embedded.valkey import ValkeyServer
from tests.faults.drivers import Driver
from tests.faults.ledger import Ledger
from tests.faults.worlds import World, migrate_on


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server this test may stall, kill and rob of its data."""
    server = ValkeyServer(tmp_path / "valkey-data", config={"enable-debug-command": "local"})
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
async def world(database_url: str, valkey: ValkeyServer) -> AsyncIterator[World]:
    """A fresh database on the run's PostgreSQL, and this test's own Valkey."""
    world = World(database_url=database_url, valkey_url=valkey.url)
    try:
        yield world
    finally:
        await world.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def driver(world: World) -> AsyncIterator[Driver]:
    """A process that forks kernels which stop or kill themselves."""
    driver = await Driver.start(world)
    try:
        yield driver
    finally:
        await driver.close()


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL this test may kill; it keeps what it has acknowledged (fsync is on)."""
    server = PostgresServer(tmp_path / "postgres-data")
    server.start()
    try:
        server.wait_ready()
        await migrate_on(server)
        yield server
    finally:
        server.stop()


@pytest.fixture
async def own_world(own_postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[World]:
    """A world on servers that are both the test's own."""
    world = World(database_url=own_postgres.url, valkey_url=valkey.url)
    try:
        yield world
    finally:
        await world.close()
