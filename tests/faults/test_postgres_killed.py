"""PostgreSQL is killed with all its processes, as by a power cut, while claimants are at work."""

import asyncio

import pytest

from booking_api.embedded.postgres import PostgresServer
from reservation import bookings_of
from reservation.errors import Unavailable
from tests.faults.acts import asking
from tests.faults.ledger import Ledger
from tests.faults.traffic import REFUSALS, traffic
from tests.faults.worlds import World, check_world, fill, make_city

pytestmark = [pytest.mark.fault, pytest.mark.slow]

CLAIMANTS = 60
KILLS = 3
WORK_S = 1.5
DOWN_S = 0.5
HOLD_TTL_S = 3


async def test_every_acknowledged_confirm_survives_a_killed_postgresql(
    own_world: World, own_postgres: PostgresServer, ledger: Ledger
):
    first, second = await own_world.open_kernel(), await own_world.open_kernel()
    cities = [await make_city(first, capacities=(9, 4, 6), hold_ttl_s=HOLD_TTL_S) for _ in range(2)]
    for kernel in (first, second):
        own_world.keep_swept(kernel)
    acknowledged = [0]
    async with traffic(
        asking(first, second), cities=cities, claimants=CLAIMANTS, ledger=ledger, seed="power"
    ):
        for _ in range(KILLS):
            await asyncio.sleep(WORK_S)
            acknowledged.append(len(ledger.booked))
            await asyncio.to_thread(own_postgres.kill)
            await asyncio.sleep(DOWN_S)
            with pytest.raises(Unavailable):
                await bookings_of(first, owner="power-0", limit=1)
            await asyncio.to_thread(own_postgres.start)
            await asyncio.to_thread(own_postgres.wait_ready)
        await asyncio.sleep(WORK_S)
    acknowledged.append(len(ledger.booked))
    await own_world.stop_sweeping()
    assert ledger.codes() <= REFUSALS, ledger.line()
    assert "unavailable" in ledger.codes(), "the claimants must have noticed"
    assert acknowledged == sorted(set(acknowledged)), "confirms must have been acknowledged between all kills"
    await check_world(first, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    sold = sum([await fill(first, city) for city in cities])
    await check_world(first, hold_ttl_s=HOLD_TTL_S)
    print(f"\n{KILLS} kills, acknowledged by then {acknowledged}: {ledger.line()}; then sold the last {sold}")
