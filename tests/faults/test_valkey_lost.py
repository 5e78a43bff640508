"""Valkey is killed while claimants are at work: with its data kept, lost, and replaced by an old copy."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from booking_api.embedded.valkey import ValkeyServer
from tests.faults.acts import asking
from tests.faults.traffic import REFUSALS, traffic
from tests.faults.worlds import check_world, fill, make_city

pytestmark = [pytest.mark.fault, pytest.mark.slow]

BEFORE_S = 1.5
AFTER_S = 3.0
CLAIMANTS = 60


class Backup:
    """A copy of a server's append-only files, taken while it runs."""

    def __init__(self, server: ValkeyServer, place: Path) -> None:
        self._folder = server.folder
        self._place = place

    def take(self) -> None:
        shutil.copytree(self._folder, self._place)

    def restore(self) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(self._place, self._folder)


def keep(_: Backup) -> None:
    """The data is as the crash left it."""


def lose(backup: Backup) -> None:
    shutil.rmtree(backup._folder)


def bring_back_old(backup: Backup) -> None:
    backup.restore()


@pytest.mark.parametrize("to_data", [keep, lose, bring_back_old])
async def test_nothing_acknowledged_is_lost_and_no_stock_is_stuck_when_valkey_is_killed(
    world, valkey, ledger, tmp_path, to_data: Callable[[Backup], None]
):
    first, second = await world.open_kernel(), await world.open_kernel()
    cities = [await make_city(first, capacities=(7, 3, 5, 1)), await make_city(first, capacities=(4, 9))]
    for kernel in (first, second):
        world.keep_swept(kernel)
    backup = Backup(valkey, tmp_path / "backup")
    async with traffic(asking(first, second), cities=cities, claimants=CLAIMANTS, ledger=ledger, seed="valkey"):
        await asyncio.sleep(BEFORE_S)
        await asyncio.to_thread(backup.take)
        await asyncio.sleep(BEFORE_S)
        booked_before = len(ledger.booked)
        await asyncio.to_thread(valkey.kill)
        to_data(backup)
        await asyncio.to_thread(valkey.start)
        await asyncio.to_thread(valkey.wait_ready)
        await asyncio.sleep(AFTER_S)
    await world.stop_sweeping()
    assert ledger.codes() <= REFUSALS, ledger.line()
    assert 0 < booked_before < len(ledger.booked), "confirms must have been acknowledged before and after"
    await check_world(first, ledger=ledger, hold_ttl_s=cities[0].hold_ttl_s)
    sold = sum([await fill(first, city) for city in cities])
    await check_world(first, hold_ttl_s=cities[0].hold_ttl_s)
    print(f"\nvalkey killed, {to_data.__name__}: {ledger.line()}; then sold the last {sold} places")
