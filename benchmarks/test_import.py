"""Import of a million rows into a register, against PostgreSQL's own COPY of the same file and nothing else.

Printed too: rows a second, and how much the process grew between a tenth of the file and all of it (flat: about none).
"""

import asyncio
import time
from datetime import date, timedelta
from pathlib import Path

import psutil
from sqlalchemy import text

from booking_api.embedded import embedded_backends
from booking_api.identity.numbers import check_character
from booking_api.registers import Format, RegisterKind, import_register
from booking_api.schema import migrate_platform
from reservation.database import create_engine

ROWS = 1_000_000
TODAY = date(2026, 11, 25)
HEADER = "number,identity_number,vehicle_class,issued,last_day,school,authority\n"
FIRST_BIRTH = date(1960, 1, 1)


def test_import_of_a_million_rows(benchmark, tmp_path):
    seconds, floor_s, grown = benchmark.pedantic(lambda: asyncio.run(_measure(tmp_path)), rounds=1)
    benchmark.extra_info["ratio"] = round(floor_s / seconds, 3)
    print(
        f"\nimport of {ROWS:,} rows: {ROWS / seconds:,.0f} rows/s, {seconds:.1f} s; COPY of the same file alone "
        f"{floor_s:.1f} s, ratio {floor_s / seconds:.2f}; grown by {grown / 1e6:.1f} MB over the last nine tenths"
    )


def _line(n: int) -> str:
    born = FIRST_BIRTH + timedelta(days=n % 15_000)
    first = f"330106{born:%Y%m%d}{n % 1_000:03d}"
    return f"L{n:09d},{first}{check_character(first)},C1,2026-03-01,2029-02-28,school {n % 300},cn-zj-hz\n"


async def _measure(data: Path) -> tuple[float, float, int]:
    path = data / "learners.csv"
    with path.open("w") as file:
        file.write(HEADER)
        file.writelines(_line(n) for n in range(ROWS))
    with embedded_backends(data / "servers") as backends:
        engine = create_engine(backends.database_url, connections=1, answer_timeout_s=600)
        try:
            await migrate_platform(engine)
            floor_s = await _copy_alone(engine, path)
            seconds, grown = await _import(engine, path)
        finally:
            await engine.dispose()
    return seconds, floor_s, grown


async def _copy_alone(engine, path: Path) -> float:
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(
            text("CREATE TEMPORARY TABLE floor (LIKE learner_certificate) ON COMMIT DROP")
        )
        await connection.execute(text("ALTER TABLE floor DROP COLUMN import_id"))
        driver = (await connection.get_raw_connection()).driver_connection
        started = time.perf_counter()
        await driver.copy_to_table("floor", source=str(path), format="csv", header=True)
        return time.perf_counter() - started


async def _import(engine, path: Path) -> tuple[float, int]:
    process = psutil.Process()
    sizes: list[int] = []

    def progress(read: int, _: int) -> None:
        if read in {ROWS // 10, ROWS}:
            sizes.append(process.memory_info().rss)

    started = time.perf_counter()
    done = await import_register(
        engine,
        kind=RegisterKind.CERTIFICATE,
        path=path,
        form=Format.CSV,
        encoding="utf-8",
        source="benchmark",
        today=TODAY,
        skip_bad=False,
        on_bad=lambda _: None,
        progress=progress,
    )
    seconds = time.perf_counter() - started
    assert done.rows == ROWS
    return seconds, sizes[-1] - sizes[0]
