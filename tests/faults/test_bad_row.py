"""One order that PostgreSQL refuses, in a batch of 256, on each of two workers that are also busy with others."""

import asyncio
import logging
from typing import Any

import pytest

from reservation.committer import BATCH_LIMIT
from tests.faults.acts import Ask, Refused, asking
from tests.faults.ledger import Ledger
from tests.faults.traffic import REFUSALS, traffic
from tests.faults.worlds import City, World, check_world, fill, make_city

pytestmark = [pytest.mark.fault, pytest.mark.slow]

HOLD_TTL_S = 3
CLAIMANTS = 20
BAD = "bad\x00row"
"""PostgreSQL has no text with a NUL in it; Valkey has."""


async def hold_for(ask: Ask, city: City, name: str) -> dict[str, Any]:
    held = await ask("hold", pool_id=city.pool, units=city.units[:1], claimant=f"person:{name}", owner=name)
    return {"claim_id": held["id"], "owner": name, "key": f"key-{name}"}


async def confirm(ask: Ask, ledger: Ledger, given: dict[str, Any]) -> str:
    try:
        booked = await ask("confirm", **given)
    except Refused as refusal:
        ledger.count("batch", refusal.code)
        return refusal.code
    ledger.count("batch", "ok")
    ledger.booked[booked["id"]] = given["owner"], booked["unit"]
    return "ok"


async def test_a_row_that_cannot_be_written_spoils_no_other(world: World, ledger: Ledger, caplog):
    workers = [await world.open_kernel(), await world.open_kernel()]
    asks = [asking(kernel) for kernel in workers]
    city = await make_city(workers[0], capacities=(3 * BATCH_LIMIT, 5), hold_ttl_s=HOLD_TTL_S)
    names = [
        [f"w{worker}-{n}" for n in range(BATCH_LIMIT - 1)][:100]
        + [f"{BAD}-{worker}"]
        + [f"w{worker}-{n}" for n in range(100, BATCH_LIMIT - 1)]
        for worker in range(2)
    ]
    with caplog.at_level(logging.WARNING, logger="reservation.committer"):
        async with traffic(
            asking(*workers), cities=[city], claimants=CLAIMANTS, ledger=ledger, seed="bad row"
        ):
            confirms = [
                await asyncio.gather(*(hold_for(ask, city, name) for name in batch))
                for ask, batch in zip(asks, names, strict=True)
            ]
            outcomes = await asyncio.gather(
                *(
                    confirm(ask, ledger, given)
                    for ask, batch in zip(asks, confirms, strict=True)
                    for given in batch
                )
            )
    assert outcomes.count("ok") == 2 * (BATCH_LIMIT - 1)
    assert outcomes.count("unavailable") == 2
    refused = [r.getMessage() for r in caplog.records if r.getMessage().startswith("batch of")]
    sizes = [int(message.split()[2]) for message in refused]
    assert max(sizes) > BATCH_LIMIT // 2, f"the bad rows must have been in large batches: {refused}"
    assert ledger.codes() <= REFUSALS
    await check_world(workers[0], ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    sold = await fill(workers[1], city)
    await check_world(workers[0], hold_ttl_s=HOLD_TTL_S)
    print(f"\nbatches with a bad row of {sizes}: {ledger.line()}; then sold the last {sold}")
