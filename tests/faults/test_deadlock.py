"""Two workers' batches want the same claimants in opposite order, in two pools under one rule."""

import asyncio
import logging
from collections import Counter
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from reservation import Kernel, commit_batch
from tests.faults.acts import Refused, act, asking
from tests.faults.mutants import MUTANTS
from tests.faults.worlds import City, World, check_world, make_city, read_rows

pytestmark = pytest.mark.fault

PEOPLE = 100
ROUNDS = 2
HOLD_TTL_S = 60
MEETING_S = 0.5


async def forget_leases(url: str) -> None:
    """What a shard that lost its data does: a claimant can then hold twice, and PostgreSQL alone says who is booked."""
    async with Redis.from_url(url) as client:
        leases = [key async for key in client.scan_iter("{c:*}:lease:*", count=1000)]
        assert leases
        await client.delete(*leases)


async def hold_all(kernel: Kernel, city: City, names: list[str]) -> list[dict[str, Any]]:
    """One hold each, in this order; gives what each has to say to confirm."""
    ask = asking(kernel)
    held = await asyncio.gather(
        *(ask("hold", pool_id=city.pool, units=city.units, claimant=f"person:{n}", owner=n) for n in names)
    )
    return [
        {"claim_id": hold["id"], "owner": name, "key": f"key-{city.pool}-{name}"}
        for hold, name in zip(held, names, strict=True)
    ]


async def confirm_all(kernel: Kernel, confirms: list[dict[str, Any]]) -> Counter[str]:
    """All at once, so that they are one batch. Who is refused gives the hold back."""

    async def confirm(given: dict[str, Any]) -> str:
        try:
            await act(kernel, "confirm", given)
        except Refused as refusal:
            await act(kernel, "release", {"claim_id": given["claim_id"], "owner": given["owner"]})
            return refusal.code
        return "booked"

    return Counter(await asyncio.gather(*map(confirm, confirms)))


async def meet(world: World, names: list[str], rule: str) -> Counter[str]:
    """Both batches are stopped half-way at one claimant by a third session, and then let go at once."""
    first, second = await world.open_kernel(), await world.open_kernel()
    here = await make_city(first, capacities=(PEOPLE,), hold_ttl_s=HOLD_TTL_S, rule=rule)
    there = await make_city(second, capacities=(PEOPLE,), hold_ttl_s=HOLD_TTL_S, rule=rule)
    up = await hold_all(first, here, names)
    await forget_leases(world.valkey_url)
    down = await hold_all(second, there, names[::-1])
    middle = names[PEOPLE // 2]
    async with first.engine.connect() as stopper:
        await stopper.execute(
            text("INSERT INTO active_claim VALUES (:claimant, 'test', :rule, gen_random_uuid())"),
            {"claimant": f"person:{middle}", "rule": rule},
        )
        both = asyncio.gather(confirm_all(first, up), confirm_all(second, down))
        await asyncio.sleep(MEETING_S)
        await stopper.rollback()
    told = await both
    return told[0] + told[1]


def deadlocks(caplog: pytest.LogCaptureFixture) -> int:
    return sum("40P01" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("sorted_claimants", [True, False])
async def test_two_batches_that_want_the_same_claimants_book_each_of_them_once(
    world: World, monkeypatch, caplog, sorted_claimants
):
    """With the batch unsorted (negative control) they do deadlock; the victim is then committed one by one."""
    if not sorted_claimants:
        monkeypatch.setattr(commit_batch, "CONFIRM_BATCH", commit_batch.CONFIRM_BATCH)  # put back afterwards
        MUTANTS["claimants_unsorted"]()
    told: Counter[str] = Counter()

    with caplog.at_level(logging.WARNING, logger="reservation.committer"):
        for n in range(ROUNDS):
            names = [f"{n}-{person:03}" for person in range(PEOPLE)]
            told += await meet(world, names, f"rule-{n}")
    kernel = await world.open_kernel()
    assert told == {"booked": ROUNDS * PEOPLE, "already_booked": ROUNDS * PEOPLE}
    assert (deadlocks(caplog) > 0) == (not sorted_claimants)
    twice = await read_rows(
        kernel, "SELECT claimant FROM booking GROUP BY claimant, rule HAVING count(*) > 1"
    )
    assert twice == []
    await check_world(kernel, hold_ttl_s=0)
    print(f"\n{'sorted' if sorted_claimants else 'unsorted'}: {dict(told)}, {deadlocks(caplog)} deadlocks")
