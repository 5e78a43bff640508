"""All of it at once: workers, Valkey and PostgreSQL are killed in an order a seed decides, under load."""

import asyncio

import pytest

from booking_api.embedded.postgres import PostgresServer
from booking_api.embedded.server import EmbeddedServer
from booking_api.embedded.valkey import ValkeyServer
from tests.faults.acts import WORKER_GONE
from tests.faults.ledger import Ledger
from tests.faults.traffic import REFUSALS, UNTOLD, Dice, traffic
from tests.faults.workers import Workers
from tests.faults.worlds import World, check_world, fill, make_city

pytestmark = [pytest.mark.fault, pytest.mark.slow]

SEED = "storm 1"
WORKERS = 2
CLAIMANTS = 100
STORM_S = 20.0
CALM_S = 1.5
HOLD_TTL_S = 3
TARGETS = ("worker 0", "worker 1", "valkey", "postgresql")


async def restart(server: EmbeddedServer, down_s: float) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(down_s)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.wait_ready)


async def storm(
    dice: Dice, *, workers: Workers, valkey: ValkeyServer, postgres: PostgresServer, for_s: float
) -> list[str]:
    """Kills one thing after the other, sometimes while the last one is still down; gives what it killed."""
    loop = asyncio.get_running_loop()
    until = loop.time() + for_s
    killed: list[str] = []
    repairs: dict[str, asyncio.Task[None]] = {}

    async def replace(number: int, down_s: float) -> None:
        await workers.kill(number)
        await asyncio.sleep(down_s)
        await workers.start(number)

    while loop.time() < until:
        await asyncio.sleep(0.3 + 0.1 * dice.below(15))
        target, down_s = dice.pick(TARGETS), 0.1 * dice.below(8)
        if target in repairs and not repairs[target].done():
            continue
        killed.append(target)
        if target == "valkey":
            repairs[target] = asyncio.create_task(restart(valkey, down_s))
        elif target == "postgresql":
            repairs[target] = asyncio.create_task(restart(postgres, down_s))
        else:
            repairs[target] = asyncio.create_task(replace(int(target[-1]), down_s))
    await asyncio.gather(*repairs.values())
    return killed


async def test_after_a_storm_every_acknowledged_booking_is_there_and_every_place_can_be_sold(
    own_world: World, own_postgres: PostgresServer, valkey: ValkeyServer, ledger: Ledger
):
    kernel = await own_world.open_kernel()
    cities = [await make_city(kernel, capacities=(6, 11, 2, 1), hold_ttl_s=HOLD_TTL_S) for _ in range(3)]
    workers = Workers(database_url=own_world.database_url, valkey_url=own_world.valkey_url)
    try:
        for number in range(WORKERS):
            await workers.start(number)
        async with traffic(workers.ask, cities=cities, claimants=CLAIMANTS, ledger=ledger, seed=SEED):
            await asyncio.sleep(CALM_S)
            before = len(ledger.booked)
            killed = await storm(
                Dice(SEED), workers=workers, valkey=valkey, postgres=own_postgres, for_s=STORM_S
            )
            during = len(ledger.booked)
            await asyncio.sleep(CALM_S)
    finally:
        await workers.close()
    assert set(killed) == set(TARGETS), f"another seed is needed: {killed}"
    assert 0 < before < during < len(ledger.booked)
    assert ledger.codes() <= REFUSALS | UNTOLD | {WORKER_GONE}, ledger.line()
    await check_world(kernel, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    sold = sum([await fill(kernel, city) for city in cities])
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    kills = ", ".join(f"{target} {killed.count(target)}" for target in TARGETS)
    print(f"\nkilled {kills}; {ledger.line()}; then sold the last {sold}")
