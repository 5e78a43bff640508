"""A worker stands still (SIGSTOP) in the middle of an act, the others go on without it, and then it comes back."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from reservation import audit, rebuild, sweep
from reservation.hold import LEASE_GRACE_MS
from reservation.keys import lease_key
from tests.faults.acts import Refused, act, asking
from tests.faults.worlds import check_world, fill, make_city, read_rows, settle

pytestmark = pytest.mark.fault

HOLD_TTL_S = 2
LONG_HOLD_S = 300
PAUSED_LONGER_S = 0.3
IDLE_LIMIT_MS = 1000
CONFIRMING = "FCALL mark"
LOCKING = "SELECT u.id"
INSERTING = "WITH asked"
COMMITTING = "COMMIT"
TELLING = "FCALL apply"


def step_of(steps: list[str], name: str) -> int:
    """The first step of that name."""
    return next(n for n, step in enumerate(steps) if step.startswith(name))


async def hold_for(kernel: Any, city: Any, name: str) -> dict[str, Any]:
    """What `name` has to say to confirm the hold they have just been given."""
    given = {"pool_id": city.pool, "units": city.units[:1], "claimant": f"person:{name}", "owner": name}
    held = await act(kernel, "hold", given)
    return {"claim_id": held["id"], "owner": name, "key": f"key-{name}"}


async def dry_run(kernel: Any, driver: Any) -> list[str]:
    """The steps of a confirm, in order."""
    city = await make_city(kernel, capacities=(1,), rule="dry")
    fate = await driver.run("confirm", await hold_for(kernel, city, "dry"))
    assert fate.answer
    names = [CONFIRMING, LOCKING, INSERTING, COMMITTING, TELLING]
    places = [step_of(fate.steps, name) for name in names]
    assert places == sorted(places), fate.steps
    return fate.steps


@pytest.mark.parametrize("before", [LOCKING, INSERTING, COMMITTING])
async def test_a_worker_paused_until_its_place_was_sold_says_hold_lost(world, driver, ledger, before):
    kernel = await world.open_kernel()
    at = step_of(await dry_run(kernel, driver), before)
    city = await make_city(kernel, capacities=(1,), hold_ttl_s=HOLD_TTL_S)
    await driver.pause("confirm", await hold_for(kernel, city, "a"), at, idle_limit_ms=IDLE_LIMIT_MS)
    with pytest.raises(Refused, match="full"):
        await hold_for(kernel, city, "b")
    swept = await sweep(kernel, confirm_patience_s=0)
    assert swept.abandoned == 1
    booked = await act(kernel, "confirm", await hold_for(kernel, city, "b"))
    fate = await driver.resume()
    assert fate.refused == "hold_lost", fate
    dry = await read_rows(kernel, "SELECT id::text, unit_id FROM booking WHERE owner = 'dry'")
    ledger.booked = {dry[0].id: ("dry", dry[0].unit_id), booked["id"]: ("b", booked["unit"])}
    await check_world(kernel, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    print(f"\npaused before {before!r}: sold to b, then a was told {fate.refused}")


async def test_a_worker_given_up_says_hold_lost_even_if_nobody_else_took_the_place(world, driver):
    kernel = await world.open_kernel()
    at = step_of(await dry_run(kernel, driver), LOCKING)
    city = await make_city(kernel, capacities=(1,), hold_ttl_s=HOLD_TTL_S)
    await driver.pause("confirm", await hold_for(kernel, city, "a"), at)
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    fate = await driver.resume()
    assert fate.refused == "hold_lost", fate
    assert await fill(kernel, city) == 1
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    print(f"\ngiven up, not sold: a was told {fate.refused}, and the place was sold afterwards")


async def test_without_the_verdict_a_worker_given_up_books_a_place_that_is_for_sale(world, driver):
    """Negative control: with the guard off, the resumed worker books, and Valkey offers its place to others."""
    kernel = await world.open_kernel()
    at = step_of(await dry_run(kernel, driver), LOCKING)
    city = await make_city(kernel, capacities=(1,), hold_ttl_s=HOLD_TTL_S)
    confirming = await hold_for(kernel, city, "a")
    await driver.pause("confirm", confirming, at, mutant="verdict_ignored")
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    fate = await driver.resume()
    assert fate.answer is not None, fate
    await settle(kernel)
    found = {finding.invariant for finding in await audit(kernel)}
    assert found == {"I1", "I2"}
    print(f"\nwithout the verdict: a was told booked, the audit finds {sorted(found)}")


@pytest.mark.parametrize("rebuilt", [False, True])
async def test_a_worker_paused_before_it_tells_valkey_does_not_bring_a_cancelled_booking_back(
    world, driver, rebuilt
):
    kernel = await world.open_kernel()
    at = step_of(await dry_run(kernel, driver), TELLING)
    city = await make_city(kernel, capacities=(1,), hold_ttl_s=HOLD_TTL_S)
    confirming = await hold_for(kernel, city, "a")
    await driver.pause("confirm", confirming, at)
    await act(kernel, "cancel", {"booking_id": confirming["claim_id"], "owner": "a"})
    if rebuilt:
        # It forgets which claims have ended, so a late `take` must not be let into the new epoch.
        await rebuild(kernel, pool_id=city.pool)
    fate = await driver.resume()
    assert fate.answer is not None, fate
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    assert await fill(kernel, city) == 1
    print(f"\npaused before telling, cancelled meanwhile, {rebuilt=}: the late effect took no place")


async def test_a_worker_that_lost_its_epoch_does_not_drop_the_hold_that_was_taken_up_again(world, driver):
    kernel = await world.open_kernel()
    at = step_of(await dry_run(kernel, driver), LOCKING)
    city = await make_city(kernel, capacities=(1,), hold_ttl_s=HOLD_TTL_S)
    confirming = await hold_for(kernel, city, "a")
    # It finds the epoch ended, reads that nothing was booked, and is stopped again before it ends the claim.
    await driver.pause("confirm", confirming, at, at + 2)
    await rebuild(kernel, pool_id=city.pool)
    assert (await driver.resume()).stopped
    again = await hold_for(kernel, city, "a")
    assert again == confirming, "the lease brings the same claim back"
    booked = await act(kernel, "confirm", again)
    fate = await driver.resume()
    assert fate.refused == "hold_lost", fate
    await settle(kernel)
    with pytest.raises(Refused, match="full"):
        await hold_for(kernel, city, "b")
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    print(f"\nlost its epoch: a was told {fate.refused} late, and booked as {booked['state']} elsewhere")


async def test_a_worker_paused_between_lease_and_claim_gives_the_claimant_no_second_hold(world, driver):
    """By the time it claims, the lease is over and the claimant holds something else: one hold set each (I3)."""
    kernel = await world.open_kernel()
    city = await make_city(kernel, capacities=(2, 2), hold_ttl_s=LONG_HOLD_S)
    person = {"claimant": "person:a", "owner": "a"}
    given = {"pool_id": city.pool, "units": city.units[:1], **person}
    dry = await driver.run("hold", {**given, "claimant": "person:dry", "owner": "dry"})
    await act(kernel, "release", {"claim_id": dry.answer["id"], "owner": "dry"})
    await driver.pause("hold", given, step_of(dry.steps, "FCALL hold"))
    await asyncio.sleep(LEASE_GRACE_MS / 1000 + PAUSED_LONGER_S)
    async with Redis.from_url(world.valkey_url) as client:
        # What is left of its life, so that the test need not wait for it.
        assert await client.delete(lease_key(claimant="person:a", service="test")) == 1
    held = await act(kernel, "hold", {**given, "units": city.units[1:]})
    fate = await driver.resume()
    findings = await audit(kernel)
    assert findings == [], "at most one hold set"
    assert fate.refused == "another_hold", fate
    await act(kernel, "release", {"claim_id": held["id"], "owner": "a"})
    await check_world(kernel, hold_ttl_s=0)
    print(f"\npaused between lease and claim: told {fate.refused}")


async def test_a_confirm_repeated_elsewhere_while_its_worker_is_paused_books_once(world, driver, ledger):
    kernel = await world.open_kernel()
    at = step_of(await dry_run(kernel, driver), LOCKING)
    city = await make_city(kernel, capacities=(3,), hold_ttl_s=HOLD_TTL_S)
    confirming = await hold_for(kernel, city, "a")
    await driver.pause("confirm", confirming, at)
    elsewhere = await asking(kernel)("confirm", **confirming)
    await asyncio.sleep(0)
    fate = await driver.resume()
    assert fate.answer is not None, fate
    assert fate.answer["id"] == elsewhere["id"]
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    assert await fill(kernel, city) == 2
    print("\nrepeated elsewhere while paused: both were told of one booking")
