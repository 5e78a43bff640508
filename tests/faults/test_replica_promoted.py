"""A replica takes over from its primary, by order or because the primary was killed, while claimants are at work."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.acts import asking
from tests.faults.ledger import Ledger
from tests.faults.shards import (
    PROMOTED_WITHIN_S,
    Shards,
    follow,
    form_cluster,
    form_pair,
    primary_of,
    role,
    say,
    unlinked,
)
from tests.faults.traffic import REFUSALS, traffic
from tests.faults.worlds import World, check_world, eventually, fill, make_city

pytestmark = [pytest.mark.fault, pytest.mark.slow]

PRIMARIES = 3
POOLS = 6
CLAIMANTS = 60
WORK_S = 1.5
HOLD_TTL_S = 3


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Shards]:
    cluster = await form_cluster(tmp_path / "cluster", primaries=PRIMARIES)
    yield cluster
    cluster.stop()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Shards]:
    pair = await form_pair(tmp_path / "pair")
    yield pair
    pair.stop()


async def promoted(shards: Shards, number: int) -> None:
    """Waits until this server is a primary."""

    async def not_yet() -> str:
        now = await role(shards.servers[number])
        return "" if now == "master" else now

    await eventually(not_yet, within_s=PROMOTED_WITHIN_S)


async def end_checks(
    world: World, ledger: Ledger, cities: list, booked: list[int], refusals: set[str] = REFUSALS
) -> str:
    """What every test here ends with; gives the line to print."""
    await world.stop_sweeping()
    assert ledger.codes() <= refusals, ledger.line()
    assert booked == sorted(set(booked)), f"confirms must have been acknowledged in every phase: {booked}"
    kernel = await world.open_kernel()
    await check_world(kernel, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    sold = sum([await fill(kernel, city) for city in cities])
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    return f"acknowledged by phase {booked}: {ledger.line()}; then sold the last {sold}"


async def test_a_cluster_whose_replicas_take_over_loses_no_booking_and_sticks_no_stock(
    database_url: str, cluster: Shards, ledger: Ledger
):
    world = World(database_url=database_url, valkey_url=cluster.url(0, 1))
    try:
        first, second = await world.open_kernel(), await world.open_kernel()
        cities = [await make_city(first, capacities=(4, 2, 3), hold_ttl_s=HOLD_TTL_S) for _ in range(POOLS)]
        owners = [primary_of(city.pool, primaries=PRIMARIES) for city in cities]
        assert len(set(owners)) > 1, "the pools must be spread over the shards"
        for kernel in (first, second):
            world.keep_swept(kernel)
        booked = [0]
        async with traffic(
            asking(first, second), cities=cities, claimants=CLAIMANTS, ledger=ledger, seed="shards"
        ):
            await asyncio.sleep(WORK_S)
            booked.append(len(ledger.booked))
            # By order, without asking the primary: it goes on for a moment as if nothing had happened.
            taken = owners[0]
            await say(cluster.servers[taken + PRIMARIES], "CLUSTER", "FAILOVER", "TAKEOVER")
            await promoted(cluster, taken + PRIMARIES)
            await asyncio.sleep(WORK_S)
            booked.append(len(ledger.booked))
            # By force: another shard's primary is killed, its replica is elected, and then it comes back.
            killed = next(owner for owner in owners if owner != taken)
            await asyncio.to_thread(cluster.servers[killed].kill)
            await promoted(cluster, killed + PRIMARIES)
            await asyncio.sleep(WORK_S)
            booked.append(len(ledger.booked))
            await asyncio.to_thread(cluster.servers[killed].start)
            await asyncio.to_thread(cluster.servers[killed].wait_ready)
            await asyncio.sleep(WORK_S)
            booked.append(len(ledger.booked))
        demoted = [cluster.servers[taken], cluster.servers[killed]]
        await eventually(lambda: unlinked(demoted), within_s=PROMOTED_WITHIN_S)
        print(
            f"\ncluster, {POOLS} pools on shards {owners}: {await end_checks(world, ledger, cities, booked)}"
        )
    finally:
        await world.close()


async def test_a_promoted_replica_of_a_pair_serves_and_the_old_primary_may_come_back(
    database_url: str, pair: Shards, ledger: Ledger
):
    world = World(database_url=database_url, valkey_url=pair.url(0, 1))
    try:
        first, second = await world.open_kernel(), await world.open_kernel()
        cities = [await make_city(first, capacities=(7, 3, 5), hold_ttl_s=HOLD_TTL_S)]
        for kernel in (first, second):
            world.keep_swept(kernel)
        booked = [0]
        async with traffic(
            asking(first, second), cities=cities, claimants=CLAIMANTS, ledger=ledger, seed="pair"
        ):
            for old, new in ((0, 1), (1, 0)):
                await asyncio.sleep(WORK_S)
                booked.append(len(ledger.booked))
                await asyncio.to_thread(pair.servers[old].kill)
                await say(pair.servers[new], "REPLICAOF", "NO", "ONE")
                await asyncio.sleep(WORK_S)
                booked.append(len(ledger.booked))
                await asyncio.to_thread(pair.servers[old].start)
                await asyncio.to_thread(pair.servers[old].wait_ready)
                await follow(pair.servers[old], pair.servers[new])
            await asyncio.sleep(WORK_S)
            booked.append(len(ledger.booked))
        print(f"\npair, promoted both ways: {await end_checks(world, ledger, cities, booked)}")
    finally:
        await world.close()


async def test_two_servers_that_both_think_they_are_the_primary_oversell_nothing(
    database_url: str, pair: Shards, ledger: Ledger
):
    """Nobody told the old primary. Holds and leases may be lost while that lasts; bookings and stock may not."""
    world = World(database_url=database_url, valkey_url=pair.url(0, 1))
    try:
        stays = await world.open_kernel()
        cities = [await make_city(stays, capacities=(7, 3, 5), hold_ttl_s=HOLD_TTL_S)]
        await asyncio.to_thread(pair.servers[0].kill)
        await say(pair.servers[1], "REPLICAOF", "NO", "ONE")
        await eventually(lambda: _missing(stays), within_s=PROMOTED_WITHIN_S)
        await asyncio.to_thread(pair.servers[0].start)
        await asyncio.to_thread(pair.servers[0].wait_ready)
        comes = await world.open_kernel()
        assert stays.valkey.lanes()[0].run_id != comes.valkey.lanes()[0].run_id
        for kernel in (stays, comes):
            world.keep_swept(kernel)
        async with traffic(
            asking(stays, comes), cities=cities, claimants=CLAIMANTS, ledger=ledger, seed="brains"
        ):
            await asyncio.sleep(2 * WORK_S)
            split = len(ledger.booked)
            await follow(pair.servers[0], pair.servers[1])
            await asyncio.sleep(2 * WORK_S)
        line = await end_checks(
            world, ledger, cities, [split, len(ledger.booked)], REFUSALS | {"another_hold"}
        )
        print(f"\ntwo primaries for {2 * WORK_S} s: {line}")
    finally:
        await world.close()


async def _missing(kernel) -> bool:
    return kernel.valkey.missing()
