"""The disk under PostgreSQL, or under Valkey's append-only file, is full for a while."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from booking_api.embedded.postgres import PostgresServer
from booking_api.embedded.valkey import ValkeyServer
from reservation.errors import ReservationError, Unavailable
from reservation.transaction import transaction
from tests.faults.acts import asking
from tests.faults.disks import SmallDisk, small_disk
from tests.faults.ledger import Ledger
from tests.faults.traffic import REFUSALS, UNTOLD, traffic
from tests.faults.worlds import World, check_world, eventually, fill, make_city, migrate_on

pytestmark = [pytest.mark.fault, pytest.mark.slow]

CLAIMANTS = 30
WORK_S = 1.0
HOLD_TTL_S = 3
FULL_WITHIN_S = 30.0
WAL_SWITCHES = 20


async def test_a_full_disk_under_postgresql_refuses_and_recovers(
    tmp_path: Path, valkey: ValkeyServer, ledger: Ledger
):
    data = tmp_path / "pg"
    settings = {"min_wal_size": "32MB", "max_wal_size": "48MB", "shared_buffers": "16MB"}
    with small_disk(data / "postgres", size_mb=140) as disk:
        postgres = PostgresServer(data, settings=settings)
        postgres.start()
        try:
            postgres.wait_ready()
            await migrate_on(postgres)
            world = World(database_url=postgres.url, valkey_url=valkey.url)
            try:
                await _postgresql_full(world, postgres, disk, ledger)
            finally:
                await world.close()
        finally:
            postgres.stop()


async def _postgresql_full(world: World, postgres: PostgresServer, disk: SmallDisk, ledger: Ledger) -> None:
    first, second = await world.open_kernel(), await world.open_kernel()
    city = await make_city(first, capacities=(9, 4, 6), hold_ttl_s=HOLD_TTL_S)
    for kernel in (first, second):
        world.keep_swept(kernel)
    async with traffic(asking(first, second), cities=[city], claimants=CLAIMANTS, ledger=ledger, seed="full"):
        await asyncio.sleep(WORK_S)
        booked_before = len(ledger.booked)
        taken = disk.fill()
        await _refused_for_want_of_room(disk, ledger, "confirm")
        booked_full = len(ledger.booked)
        # The write-ahead log wants a new file too: now the server cannot even stay up.
        died = await _switch_log_until_it_panics(world)
        await asyncio.sleep(WORK_S)
        disk.empty()
        await asyncio.to_thread(_revive, postgres)
        await asyncio.sleep(2 * WORK_S)
    await world.stop_sweeping()
    assert died, "the server must have met the want of room in its log"
    assert 0 < booked_before <= booked_full < len(ledger.booked)
    assert ledger.codes() <= REFUSALS, ledger.line()
    await check_world(first, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    sold = await fill(first, city)
    await check_world(first, hold_ttl_s=HOLD_TTL_S)
    panics = postgres.log.read_text().count("PANIC")
    print(
        f"\nPostgreSQL's disk full ({taken >> 20} MiB taken, {panics} panics): {ledger.line()}; then sold the last {sold}"
    )


async def _refused_for_want_of_room(disk: SmallDisk, ledger: Ledger, act: str) -> None:
    """Keeps the disk full until this act was refused as unavailable."""
    before = ledger.told[f"{act} unavailable"]

    async def accepted() -> str:
        disk.fill()
        return "" if ledger.told[f"{act} unavailable"] > before else f"no {act} was refused: {ledger.line()}"

    await eventually(accepted, within_s=FULL_WITHIN_S)


async def _switch_log_until_it_panics(world: World) -> bool:
    kernel = await world.open_kernel(heals=False)
    for _ in range(WAL_SWITCHES):
        try:
            async with transaction(kernel.engine) as connection:
                await connection.execute(text("SELECT pg_switch_wal()"))
                await connection.execute(text("SELECT pg_logical_emit_message(true, 'full', 'x')"))
        except ReservationError as error:
            if isinstance(error, Unavailable):
                return True
        await asyncio.sleep(0.1)
    return False


def _revive(postgres: PostgresServer) -> None:
    """What the supervisor does."""
    postgres.start()
    postgres.wait_ready()


async def test_a_full_disk_under_valkey_refuses_and_recovers(
    tmp_path: Path, database_url: str, ledger: Ledger
):
    data = tmp_path / "vk"
    with small_disk(data / "valkey", size_mb=4) as disk:
        valkey = ValkeyServer(data)
        valkey.start()
        try:
            valkey.wait_ready()
            world = World(database_url=database_url, valkey_url=valkey.url)
            try:
                await _valkey_full(world, valkey, disk, ledger)
            finally:
                await world.close()
        finally:
            valkey.stop()


async def _valkey_full(world: World, valkey: ValkeyServer, disk: SmallDisk, ledger: Ledger) -> None:
    first, second = await world.open_kernel(), await world.open_kernel()
    city = await make_city(first, capacities=(9, 4, 6), hold_ttl_s=HOLD_TTL_S)
    for kernel in (first, second):
        world.keep_swept(kernel)
    pid = valkey.pid
    async with traffic(asking(first, second), cities=[city], claimants=CLAIMANTS, ledger=ledger, seed="full"):
        await asyncio.sleep(WORK_S)
        disk.fill()
        await _refused_for_want_of_room(disk, ledger, "hold")
        async with Redis.from_url(valkey.url, decode_responses=True) as client:
            assert (await client.info("persistence"))["aof_last_write_status"] == "err"
        booked_full = len(ledger.booked)
        await asyncio.sleep(WORK_S)
        disk.empty()
        await asyncio.sleep(3 * WORK_S)
    await world.stop_sweeping()
    assert valkey.pid == pid, "the server must have stayed up"
    assert 0 < booked_full < len(ledger.booked)
    assert ledger.codes() <= REFUSALS | UNTOLD, ledger.line()
    await check_world(first, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    sold = await fill(first, city)
    await check_world(first, hold_ttl_s=HOLD_TTL_S)
    print(f"\nValkey's disk full: {ledger.line()}; then sold the last {sold}")
