"""Looking at a hold: it is told to its owner as it is, and nothing is taken or prolonged by looking."""

import asyncio

import pytest

from reservation import cancel, confirm, current_hold, find_hold, free_places, hold, release, services_given
from reservation.errors import HoldLost, UnknownPool
from reservation.fresh import FRESH_S
from reservation.hold import take_lease
from reservation.keys import fence_key, lease_key


@pytest.fixture
def current():
    async def ask(kernel, name, *, claimant=None, service="driving_test"):
        return await current_hold(kernel, claimant=claimant or f"person:{name}", service=service, owner=name)

    return ask


async def test_a_hold_is_found_by_its_id_and_by_its_claimant(kernel, city, hold_as, current):
    pool, [one, two] = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, two, one)
    found = await find_hold(kernel, claim_id=held.id, owner="a")
    assert (found.id, found.pool, found.units) == (held.id, pool, (one, two))
    assert (found.service, found.claimant) == ("driving_test", "person:a")
    assert (found.expires_at_ms, found.confirming) == (held.expires_at_ms, False)
    assert await current(kernel, "a") == found


async def test_looking_neither_prolongs_the_hold_nor_shares_its_lease(kernel, city, hold_as, current, valkey):
    pool, [unit] = await city(capacities=(2,))
    held = await hold_as(kernel, "a", pool, unit)
    key = lease_key(claimant="person:a", service="driving_test")
    before = await valkey.get(key), await valkey.pttl(key)
    await asyncio.gather(*(current(kernel, "a") for _ in range(5)))
    assert await valkey.get(key) == before[0]
    assert await valkey.pttl(key) <= before[1]
    assert (await find_hold(kernel, claim_id=held.id, owner="a")).expires_at_ms == held.expires_at_ms
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_lease_shared_by_two_devices_still_names_its_hold(kernel, city, hold_as, current):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    assert (await hold_as(kernel, "a", pool, unit)).repeated
    assert (await current(kernel, "a")).id == held.id


async def test_another_owner_is_told_of_no_hold(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    with pytest.raises(HoldLost):
        await find_hold(kernel, claim_id=held.id, owner="b")
    other = await current_hold(kernel, claimant="person:a", service="driving_test", owner="b")
    assert other is None


async def test_a_claimant_is_told_apart_by_service(kernel, city, hold_as, current):
    pool, [unit] = await city()
    await hold_as(kernel, "a", pool, unit)
    assert await current(kernel, "a", service="inspection") is None
    assert await current(kernel, "b") is None


async def test_a_vehicles_hold_is_its_owners(kernel, city, current):
    pool, [unit] = await city()
    held = await hold(kernel, pool_id=pool, units=[unit], claimant="vehicle:A1", owner="a")
    found = await current(kernel, "a", claimant="vehicle:A1")
    assert (found.id, found.claimant) == (held.id, "vehicle:A1")
    assert await current(kernel, "a") is None


async def test_an_expired_hold_is_lost(kernel, city, hold_as, eventually, current):
    pool, [unit] = await city(capacities=(1,), hold_ttl_s=1)
    held = await hold_as(kernel, "a", pool, unit)
    assert await current(kernel, "a") is not None
    await eventually(lambda: current(kernel, "a"), lambda found: found is None)
    with pytest.raises(HoldLost):
        await find_hold(kernel, claim_id=held.id, owner="a")


async def test_a_released_hold_is_lost(kernel, city, hold_as, current):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await release(kernel, claim_id=held.id, owner="a")
    assert await current(kernel, "a") is None
    with pytest.raises(HoldLost):
        await find_hold(kernel, claim_id=held.id, owner="a")


async def test_a_lease_without_a_claim_is_no_hold(kernel, city, current):
    """The worker died between the two; looking must not take the claim."""
    pool, [unit] = await city(capacities=(1,))
    await take_lease(kernel, await kernel.pool(pool), (unit,), claimant="person:a")
    assert await current(kernel, "a") is None
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_hold_that_is_being_confirmed_says_so_and_outlives_its_time(
    kernel, city, hold_as, eventually, current
):
    pool, [unit] = await city(hold_ttl_s=1)
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    time_of = kernel.valkey.lane(fence_key(pool)).command

    async def server_ms():
        seconds, micros = await time_of("TIME")
        return int(seconds) * 1_000 + int(micros) // 1_000

    await eventually(server_ms, lambda now: now > held.expires_at_ms)
    found = await current(kernel, "a")
    assert (found.id, found.confirming) == (held.id, True)
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).unit == unit


async def test_a_booked_hold_is_no_hold_any_more(kernel, city, book_as, current, eventually):
    pool, [unit] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    await eventually(lambda: current(kernel, "a"), lambda found: found is None)
    with pytest.raises(HoldLost):
        await find_hold(kernel, claim_id=booking.id, owner="a")
    await cancel(kernel, booking_id=booking.id, owner="a")
    assert await current(kernel, "a") is None


@pytest.mark.parametrize("nonsense", ["", "x", "0192f3c0-0000-7000-8000-000000000000"])
async def test_what_is_no_hold_id_is_hold_lost(kernel, nonsense):
    with pytest.raises(HoldLost):
        await find_hold(kernel, claim_id=nonsense, owner="a")


async def test_an_id_of_a_pool_that_is_not_there_asks_for_no_rebuild(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    elsewhere = held.id[:15] + "fff" + held.id[18:]
    with pytest.raises(UnknownPool):
        await find_hold(kernel, claim_id=elsewhere, owner="a")
    assert kernel._healing == set()


async def test_services_are_those_of_the_pools(kernel, city):
    assert await services_given(kernel) == []
    await city()
    await city(rule="subject-3")
    await asyncio.sleep(FRESH_S)
    assert await services_given(kernel) == ["driving_test"]
