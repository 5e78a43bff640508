"""Server on one core, load generator on the other: real servers, real settings, default durability.

core 0   PostgreSQL, Valkey, Granian with one worker
core 1   the load generator (this process, from `start` on)
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil
from sqlalchemy import text

from benchmarks import wire
from booking_api import clock
from booking_api.demo.people import able_people, add_people
from booking_api.embedded import embedded_backends, spawn_child
from booking_api.identity.tokens import issue_token, make_key
from booking_api.plans.draft import NewPlan, add_sessions, draft_plan
from booking_api.plans.publishing import publish_plan
from booking_api.plans.rows import SessionRow
from booking_api.rules.settings import PlanRules
from booking_api.schema import migrate_platform
from reservation import Kernel, add_authority, watch
from reservation.database import create_engine
from reservation.rebuild import rebuild
from reservation.transaction import transaction

SERVER_CORE, LOAD_CORE = 0, 1
READY_TIMEOUT_S = 20.0
TOKEN_LIFE_S = 3_600
SUBJECT, VEHICLE_CLASS = 2, "C1"
IN_DAYS = timedelta(days=30)


class Arena(NamedTuple):
    """A running server and what is for sale in it."""

    port: int
    pool: int
    units: list[int]
    tokens: list[str]
    database_url: str
    valkey_url: str
    worker: psutil.Process


@contextmanager
def arena(data: Path, *, accounts: int, sessions: int, capacity: int) -> Generator[Arena, None, None]:
    """Starts everything, publishes a plan, gives accounts what its rules ask, pins this process to the load core."""
    cores = os.sched_getaffinity(0)
    if not {SERVER_CORE, LOAD_CORE} <= cores:
        raise RuntimeError(f"needs cores {SERVER_CORE} and {LOAD_CORE}, has {sorted(cores)}")
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        with embedded_backends(data) as backends:
            pool, units = asyncio.run(
                _found(
                    backends.database_url,
                    backends.valkey_url,
                    accounts=accounts,
                    sessions=sessions,
                    capacity=capacity,
                )
            )
            key = make_key(data / "keys" / "token.jwk")
            port = _free_port()
            server = _spawn(data, port, backends.database_url, backends.valkey_url)
            try:
                _wait_ready(server, port)
                os.sched_setaffinity(0, {LOAD_CORE})
                now_s = clock.now_s()
                tokens = [
                    issue_token(key, account=_account(n), now_s=now_s, life_s=TOKEN_LIFE_S, verified=True)
                    for n in range(accounts)
                ]
                worker = max(
                    psutil.Process(server.pid).children(recursive=True), key=lambda p: p.memory_info().rss
                )
                yield Arena(port, pool, units, tokens, backends.database_url, backends.valkey_url, worker)
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(30)
    finally:
        os.sched_setaffinity(0, cores)


async def _found(
    database_url: str, valkey_url: str, *, accounts: int, sessions: int, capacity: int
) -> tuple[int, list[int]]:
    engine = create_engine(database_url)
    await migrate_platform(engine)
    kernel = Kernel(engine, valkey_url, clock=clock.now_ms)
    watch(kernel)
    await kernel.open()
    try:
        await add_authority(kernel, authority_id="bench", level="city", name={"en": "Bench"})
        today = clock.today()
        async with transaction(kernel.engine) as connection:
            people = able_people(
                [_account(n) for n in range(accounts)],
                first_number=0,
                subject=SUBJECT,
                vehicle_class=VEHICLE_CLASS,
                today=today,
            )
            await add_people(connection, people, source="bench")
            new = NewPlan(authority="bench", service="driving_test", title={"en": "Bench"}, source="bench")
            plan = await draft_plan(connection, new, by="bench")
            rows = [_session(n, capacity=capacity, day=today + IN_DAYS) for n in range(sessions)]
            await add_sessions(connection, plan_id=plan.id, rows=rows)
            published = await publish_plan(
                connection, plan_id=plan.id, by="bench", rules=PlanRules(hold_ttl_s=3_600), today=today
            )
        [pool] = published.pools
        await rebuild(kernel, pool_id=pool)
        units = await _unit_ids(kernel, pool)
        async with kernel.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("ANALYZE"))
    finally:
        await kernel.close()
    return pool, units


def _account(number: int) -> str:
    return f"bench-{number}"


def _session(number: int, *, capacity: int, day: date) -> SessionRow:
    # A session has at most so many places; more of the same are sessions of their own.
    return SessionRow(
        site=f"bench-{number}",
        title=f"S{number}",
        day=day,
        start="09:00",
        end="17:00",
        subject=SUBJECT,
        vehicle_class=VEHICLE_CLASS,
        capacity=capacity,
    )


async def _unit_ids(kernel: Kernel, pool: int) -> list[int]:
    async with kernel.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT id FROM unit WHERE pool_id = :pool ORDER BY id"), {"pool": pool}
        )
        return list(rows.scalars())


def _spawn(data: Path, port: int, database_url: str, valkey_url: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "GONGDAO_DATA": str(data),
        "GONGDAO_DATABASE_URL": database_url,
        "GONGDAO_VALKEY_URL": valkey_url,
        "GONGDAO_PORT": str(port),
        "GONGDAO_WORKERS": "1",
        # On, and counted; too high to refuse a load that comes from one address.
        "GONGDAO_ACCOUNT_RATE": "1000/1000",
        "GONGDAO_NETWORK_RATE": "1000000/1000000",
        "PROMETHEUS_MULTIPROC_DIR": str(data),
    }
    return spawn_child(
        [sys.executable, "-m", "benchmarks.bare_server"], death_signal=signal.SIGTERM, env=environment
    )


def _free_port() -> int:
    # Below the ports the kernel hands out: probing one of those before anyone listens may connect to itself.
    for port in range(21_000, 31_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")


def _wait_ready(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode}")
        try:
            if wire.play([wire.get("/health/ready")], port=port, connections=1).statuses[200]:
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server is not ready")


def bearer(token: str) -> str:
    """The header line of a token."""
    return f"authorization: Bearer {token}"


def hold_requests(arena: Arena, accounts: Sequence[int], *, path: str = "/api/v1/holds") -> list[bytes]:
    """One hold per account, spread over the units."""
    return [
        wire.post(
            path,
            body=msgspec.json.encode({"pool": arena.pool, "units": [arena.units[n % len(arena.units)]]}),
            headers=[bearer(arena.tokens[n])],
        )
        for n in accounts
    ]


def confirm_requests(
    arena: Arena, accounts: Sequence[int], holds: Sequence[bytes], *, prefix: str = "/api/v1"
) -> list[bytes]:
    """One confirm per hold, each with a key of its own."""
    return [
        wire.post(
            f"{prefix}/holds/{msgspec.json.decode(body)['id']}/confirm",
            headers=[bearer(arena.tokens[n]), f"idempotency-key: key-{n}"],
        )
        for n, body in zip(accounts, holds, strict=True)
    ]
