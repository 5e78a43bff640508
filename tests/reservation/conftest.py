"""What the kernel's tests share: acting as somebody, looking into both stores, kernels that crash."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from booking_api import clock
from reservation import Booking, Hold, Kernel, confirm, hold, watch
from reservation.database import create_engine, migrate
from reservation.tables import metadata

EVENTUALLY_S = 10.0
POLL_S = 0.01

_numbers = count(1)


async def _on_server(url: str, *statements: str) -> None:
    engine = create_engine(url, connections=1)
    try:
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def _new_database(server: str) -> str:
    name = f"kernel_{next(_numbers)}"
    await _on_server(server, f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    engine = create_engine(url, connections=1)
    try:
        await migrate(engine)
    finally:
        await engine.dispose()
    return url


@pytest.fixture(scope="session")
def emptied_database(servers: Any) -> Iterator[str]:
    """One database for all of the kernel's tests: emptying it takes a tenth of the time of a new one."""
    url = asyncio.run(_new_database(servers.postgres.url))
    yield url
    asyncio.run(_on_server(servers.postgres.url, f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)"))


@pytest.fixture
def scarred() -> None:
    """Asked for by a test that changes the schema: it has a database of its own."""


@pytest.fixture
async def database_url(
    servers: Any, emptied_database: str, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    if "scarred" in request.fixturenames:
        yield await _new_database(servers.postgres.url)
        return
    yield emptied_database
    await _on_server(
        emptied_database,
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        """,
        f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE",
    )


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[Redis]:
    """A client beside the kernel, to look and to tamper."""
    async with Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def kernels(database_url: str, valkey_url: str) -> AsyncIterator[Callable[..., Awaitable[Kernel]]]:
    """Opens kernels on the test's stores, each as a process of its own would; no audit is made of what they leave."""
    opened: list[Kernel] = []

    async def open_one(*, healing: bool = True, url: str | None = None, **options: Any) -> Kernel:
        one = Kernel(create_engine(database_url), url or valkey_url, clock=clock.now_ms, **options)
        if healing:
            watch(one)
        opened.append(one)
        await one.open()
        return one

    yield open_one
    for one in opened:
        await one.close()


@pytest.fixture
async def loose(kernels: Callable[..., Awaitable[Kernel]]) -> Kernel:
    """A kernel for tests that break the invariants on purpose."""
    return await kernels()


@pytest.fixture
def hold_as() -> Callable[..., Awaitable[Hold]]:
    async def act(kernel: Kernel, name: str, pool: int, *units: int) -> Hold:
        return await hold(kernel, pool_id=pool, units=units, claimant=f"person:{name}", owner=name)

    return act


@pytest.fixture
def book_as(hold_as: Callable[..., Awaitable[Hold]]) -> Callable[..., Awaitable[Booking]]:
    async def act(kernel: Kernel, name: str, pool: int, unit: int) -> Booking:
        held = await hold_as(kernel, name, pool, unit)
        return await confirm(kernel, claim_id=held.id, owner=name, key=f"key-{held.id}")

    return act


@pytest.fixture
def sql() -> Callable[..., Awaitable[list[Any]]]:
    """Runs one statement in a transaction of its own; gives its rows."""

    async def run(kernel: Kernel, statement: str, **values: object) -> list[Any]:
        async with kernel.engine.begin() as connection:
            result = await connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    """Asks again until the answer satisfies; a deadline instead of a blind sleep."""

    async def ask(question: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + EVENTUALLY_S
        while not wanted(answer := await question()):
            assert time.monotonic() < deadline, f"still {answer!r} after {EVENTUALLY_S} s"
            await asyncio.sleep(POLL_S)
        return answer

    return ask
