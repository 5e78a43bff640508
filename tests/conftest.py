"""Real servers for every test: one PostgreSQL and one Valkey per run, a fresh database and an empty Valkey per test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis import Redis
from sqlalchemy import text

from booking_api import clock
from booking_api.embedded.postgres import PostgresServer
from booking_api.embedded.valkey import ValkeyServer
from booking_api.schema import migrate_platform
from reservation import Kernel, NewUnit, UnitKind, add_authority, audit, publish_pool, watch
from reservation.database import create_engine
from reservation.rebuild import rebuild

pytest_plugins = ["tests.logs"]

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
MEMORY_NEEDED_BYTES = 4 * 2**30
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED_BYTES:
    # A database is made and dropped for each test, a thousand files each: on a disk that is most of the run's time.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

TEMPLATE = "template_gongdao"
_numbers = count(1)


class Servers(NamedTuple):
    """The run's servers, to be killed and started again only by tests that own them (`own_servers`)."""

    postgres: PostgresServer
    valkey: ValkeyServer


def database_named(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _on_server(url: str, *statements: str) -> None:
    engine = create_engine(url, connections=1)
    try:
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def _make_template(url: str) -> None:
    await _on_server(url, f"CREATE DATABASE {TEMPLATE}")
    engine = create_engine(database_named(url, TEMPLATE), connections=1)
    try:
        await migrate_platform(engine)
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    data: Path = tmp_path_factory.mktemp("servers")
    # Tests' durability is the kernel's ordering, not the disk's: no fsync, so that a run takes minutes.
    postgres = PostgresServer(data, settings={"fsync": "off"})
    valkey = ValkeyServer(data, config={"enable-debug-command": "local"})
    postgres.start()
    valkey.start()
    try:
        postgres.wait_ready()
        valkey.wait_ready()
        asyncio.run(_make_template(postgres.url))
        yield Servers(postgres, valkey)
    finally:
        valkey.stop()
        postgres.stop()


@pytest.fixture
async def database_url(servers: Servers) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _on_server(servers.postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY = FILE_COPY")
    yield database_named(servers.postgres.url, name)
    await _on_server(servers.postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def valkey_url(servers: Servers) -> str:
    with Redis.from_url(servers.valkey.url) as client:
        client.flushall()
    return servers.valkey.url


@pytest.fixture
async def kernel(database_url: str, valkey_url: str) -> AsyncIterator[Kernel]:
    """An open kernel that heals by itself; the invariants are checked when the test is over."""
    kernel = Kernel(create_engine(database_url), valkey_url, clock=clock.now_ms)
    watch(kernel)
    await kernel.open()
    try:
        yield kernel
        await kernel.committer.drain()
        assert await audit(kernel) == []
    finally:
        await kernel.close()


async def make_city(
    kernel: Kernel, *, capacities: tuple[int, ...] = (3,), rule: str = "subject-2", hold_ttl_s: int = 300
) -> tuple[int, list[int]]:
    """One pool with a session per capacity, ready to hold from: (pool id, unit ids)."""
    await add_authority(kernel, authority_id="cn-hz", level="city", name={"en": "Hangzhou"})
    pool = await publish_pool(
        kernel,
        authority="cn-hz",
        service="driving_test",
        rule=rule,
        title={"en": "Subject 2"},
        hold_ttl_s=hold_ttl_s,
        units=[NewUnit(kind=UnitKind.SESSION, title={"en": f"S{n}"}, capacity=n) for n in capacities],
    )
    # Publishing asked for a rebuild in the background; whoever comes second is told None.
    await asyncio.gather(*kernel._background)
    while await rebuild(kernel, pool_id=pool) is None:
        await asyncio.sleep(0.01)
    async with kernel.engine.connect() as connection:
        units = await connection.execute(
            text("SELECT id FROM unit WHERE pool_id = :p ORDER BY id"), {"p": pool}
        )
        return pool, [row.id for row in units]


@pytest.fixture
def city(kernel: Kernel) -> Callable[..., Awaitable[tuple[int, list[int]]]]:
    async def make(**options: object) -> tuple[int, list[int]]:
        return await make_city(kernel, **options)  # pyright: ignore[reportArgumentType]

    return make


@pytest.fixture
def city_of() -> Callable[..., Awaitable[tuple[int, list[int]]]]:
    """`make_city` for a kernel of the test's own."""
    return make_city


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed (NO_SKIPS=1) a skipped test is a failed one."""
    report = yield
    return report if hasattr(report, "wasxfail") else _failed_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So is a file that skips itself."""
    return _failed_if_skipped((yield))


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _failed_if_skipped(report: Report) -> Report:
    if report.skipped and os.environ.get("NO_SKIPS") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps a loop running in this thread, and no other may run beside it."""
    items.sort(key=lambda item: "browser" in item.path.parts)
