"""Rebuild of a pool with a million bookings, against reading the same rows and nothing else. Goal: under 20 s."""

import asyncio
import time
from pathlib import Path

from sqlalchemy import text

from booking_api import clock
from booking_api.embedded import embedded_backends
from reservation import Kernel, NewUnit, UnitKind, add_authority, publish_pool
from reservation.database import create_engine, migrate
from reservation.rebuild import rebuild

BOOKINGS = 1_000_000
SESSIONS = 20_000

_FILL = """
    WITH numbered AS (
        SELECT id AS unit_id, row_number() OVER (ORDER BY id) - 1 AS k FROM unit
    ), seat AS (
        SELECT n, unit_id FROM generate_series(1, :bookings) AS n JOIN numbered ON k = n % :sessions
    ), booked AS (
        INSERT INTO booking (id, pool_id, unit_id, claimant, owner, service, rule, source, state)
        SELECT gen_random_uuid(), :pool, unit_id, 'person:' || n, n::text, 'driving_test', 'subject-2', 'hold', 'booked'
        FROM seat
        RETURNING unit_id
    )
    UPDATE unit SET booked = b.n FROM (SELECT unit_id, count(*) AS n FROM booked GROUP BY 1) b WHERE unit.id = b.unit_id
"""


def test_rebuild_of_a_million_bookings(benchmark, tmp_path):
    seconds, floor_s, peak = benchmark.pedantic(lambda: asyncio.run(_measure(tmp_path)), rounds=1)
    benchmark.extra_info["ratio"] = round(floor_s / seconds, 3)
    print(
        f"\nrebuild of {BOOKINGS:,} bookings in {SESSIONS:,} units: {seconds:.1f} s; reading the rows alone "
        f"{floor_s:.1f} s, ratio {floor_s / seconds:.2f}; Valkey's memory {peak / 1e6:.0f} MB"
    )


async def _measure(data: Path) -> tuple[float, float, int]:
    with embedded_backends(data) as backends:
        engine = create_engine(backends.database_url, answer_timeout_s=300)
        await migrate(engine)
        kernel = Kernel(engine, backends.valkey_url, clock=clock.now_ms)
        await kernel.open()
        try:
            pool = await _fill(kernel)
            started = time.perf_counter()
            async with engine.connect() as connection:
                rows = await connection.execute(
                    text("SELECT unit_id, array_agg(id::text) FROM booking WHERE state = 'booked' GROUP BY 1")
                )
                assert sum(len(claims) for _, claims in rows) == BOOKINGS
            floor_s = time.perf_counter() - started
            started = time.perf_counter()
            done = await rebuild(kernel, pool_id=pool)
            seconds = time.perf_counter() - started
            assert done is not None
            assert done.claims == BOOKINGS
            memory = (await kernel.valkey.lanes()[0].command("INFO", "memory")).decode()
            used = next(line for line in memory.splitlines() if line.startswith("used_memory:"))
            return seconds, floor_s, int(used.partition(":")[2])
        finally:
            await kernel.close()


async def _fill(kernel: Kernel) -> int:
    await add_authority(kernel, authority_id="bench", level="city", name={"en": "Bench"})
    capacity = BOOKINGS // SESSIONS
    pool = await publish_pool(
        kernel,
        authority="bench",
        service="driving_test",
        rule="subject-2",
        title={"en": "Bench"},
        units=[
            NewUnit(kind=UnitKind.SESSION, title={"en": f"S{n}"}, capacity=capacity) for n in range(SESSIONS)
        ],
        hold_ttl_s=300,
    )
    async with kernel.engine.begin() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text(_FILL), {"sessions": SESSIONS, "bookings": BOOKINGS, "pool": pool})
    return pool
