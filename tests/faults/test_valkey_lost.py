"""Valkey is killed while claimants are at work: with its data kept, lost, and replaced by an old copy."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from booking_api.embedded.valkey import ValkeyServer
from reservation import Kernel, audit, rebuild
from reservation.keys import lease_key
from reservation.lane import Lane
from tests.faults.acts import Refused, act, asking
from tests.faults.traffic import REFUSALS, traffic
from tests.faults.worlds import City, World, check_world, fill, make_city, settle, wait_open

pytestmark = pytest.mark.fault

BEFORE_S = 1.5
AFTER_S = 3.0
CLAIMANTS = 60
UNTIL = "2100-01-01T00:00:00+00:00"


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

    def lose(self) -> None:
        shutil.rmtree(self._folder)


def keep(_: Backup) -> None:
    """The data is as the crash left it."""


def lose(backup: Backup) -> None:
    """The disk was lost too."""
    backup.lose()


def bring_back_old(backup: Backup) -> None:
    """Somebody restored a copy that does not know the latest bookings."""
    backup.restore()


async def restart(server: ValkeyServer, backup: Backup, to_data: Callable[[Backup], None]) -> None:
    """Kills the server, does something to its data and starts it again."""
    await asyncio.to_thread(server.kill)
    to_data(backup)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.wait_ready)


@pytest.mark.slow
@pytest.mark.parametrize("to_data", [keep, lose, bring_back_old])
async def test_nothing_acknowledged_is_lost_and_no_stock_is_stuck_when_valkey_is_killed(
    world, valkey, ledger, tmp_path, to_data: Callable[[Backup], None]
):
    first, second = await world.open_kernel(), await world.open_kernel()
    cities = [await make_city(first, capacities=(7, 3, 5, 1)), await make_city(first, capacities=(4, 9))]
    for kernel in (first, second):
        world.keep_swept(kernel)
    backup = Backup(valkey, tmp_path / "backup")
    async with traffic(
        asking(first, second), cities=cities, claimants=CLAIMANTS, ledger=ledger, seed="valkey"
    ):
        await asyncio.sleep(BEFORE_S)
        await asyncio.to_thread(backup.take)
        await asyncio.sleep(BEFORE_S)
        booked_before = len(ledger.booked)
        await restart(valkey, backup, to_data)
        await asyncio.sleep(AFTER_S)
    await world.stop_sweeping()
    assert ledger.codes() <= REFUSALS, ledger.line()
    assert 0 < booked_before < len(ledger.booked), "confirms must have been acknowledged before and after"
    await check_world(first, ledger=ledger, hold_ttl_s=cities[0].hold_ttl_s)
    sold = sum([await fill(first, city) for city in cities])
    await check_world(first, hold_ttl_s=cities[0].hold_ttl_s)
    print(f"\nvalkey killed, {to_data.__name__}: {ledger.line()}; then sold the last {sold} places")


async def test_a_fence_that_does_not_name_the_server_trusts_an_old_copy(
    database_url, valkey, ledger, tmp_path, monkeypatch
):
    """Negative control: with every server taken for the same one, a restored copy sells what is sold."""

    def same_server(*args: Any, **given: Any) -> Lane:
        return Lane(*args, **{**given, "run_id": "any"})

    monkeypatch.setattr("reservation.valkey.Lane", same_server)
    world = World(database_url=database_url, valkey_url=valkey.url)
    try:
        kernel = await world.open_kernel()
        city = await make_city(kernel, capacities=(5,), hold_ttl_s=2)
        backup = Backup(valkey, tmp_path / "backup")
        await asyncio.to_thread(backup.take)
        assert await fill(kernel, city) == 5
        await settle(kernel)
        await restart(valkey, backup, bring_back_old)
        await wait_open(kernel, city.pool)
        findings = await audit(kernel)
        assert {finding.invariant for finding in findings} == {"I1"}
        assert len(findings) == 5
    finally:
        await world.close()
    print(f"\nwithout the server's name in the fence: {len(findings)} sold places are for sale again")


def confirm_and_cancel(kernel: Kernel, claim_id: str) -> Awaitable[Any]:
    return do_all(
        kernel,
        ("confirm", {"claim_id": claim_id, "owner": "a", "key": "first"}),
        ("cancel", {"booking_id": claim_id, "owner": "a"}),
    )


def promise_and_withdraw(kernel: Kernel, claim_id: str) -> Awaitable[Any]:
    return do_all(
        kernel,
        ("promise", {"hold_id": claim_id, "owner": "a", "until": UNTIL}),
        ("withdraw", {"promise_id": claim_id, "owner": "a"}),
    )


async def do_all(kernel: Kernel, *acts: tuple[str, dict[str, Any]]) -> None:
    for name, given in acts:
        await act(kernel, name, given)


@pytest.mark.parametrize("use", [confirm_and_cancel, promise_and_withdraw])
@pytest.mark.parametrize("then", ["confirm", "promise", "reschedule"])
async def test_a_lease_that_outlived_its_claim_costs_one_refusal_at_most(world, valkey, use, then):
    """Valkey could not be told that the lease is over, and a rebuild forgot that the claim is."""
    kernel = await world.open_kernel()
    city = await make_city(kernel, capacities=(2, 2), hold_ttl_s=300)
    person = {"claimant": "person:a", "owner": "a"}
    holding = {"pool_id": city.pool, "units": city.units[:1], **person}
    held = await act(kernel, "hold", holding)
    async with Redis.from_url(valkey.url) as client:
        lease = lease_key(claimant="person:a", service="test")
        was = await client.get(lease)
        assert was is not None
        await use(kernel, held["id"])
        await client.set(lease, was, px=300_000)
    await rebuild(kernel, pool_id=city.pool)
    given = await ready_for(kernel, city, then, person)
    told: list[str] = []
    for _ in range(2):
        claim = (await act(kernel, "hold", holding))["id"]
        try:
            await act(kernel, then, {**given, ("claim_id" if then == "confirm" else "hold_id"): claim})
        except Refused as refusal:
            told.append(refusal.code)
        else:
            told.append("ok")
            break
    assert told in (["ok"], ["hold_lost", "ok"])
    await check_world(kernel, hold_ttl_s=0)
    print(f"\n{use.__name__}, then an old lease brings the claim back to {then}: {told}")


async def ready_for(kernel: Kernel, city: City, then: str, person: dict[str, str]) -> dict[str, Any]:
    """What else the act needs to be given; for a move, a booking elsewhere under the same rule."""
    if then == "confirm":
        return {"owner": "a", "key": "second"}
    if then == "promise":
        return {"owner": "a", "until": UNTIL}
    async with Redis.from_url(kernel.valkey._addresses[0]) as client:
        lease = lease_key(claimant=person["claimant"], service="test")
        was = await client.getdel(lease)
        assert was is not None
        held = await act(kernel, "hold", {"pool_id": city.pool, "units": city.units[1:], **person})
        await act(kernel, "confirm", {"claim_id": held["id"], "owner": "a", "key": "elsewhere"})
        await client.set(lease, was, px=300_000)
    return {"owner": "a", "booking_id": held["id"]}
