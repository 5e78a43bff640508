"""Hold and release, against real servers."""

import asyncio

import pytest

from reservation import confirm, free_places, release, sweep
from reservation.claim_id import new_claim_id, pool_of
from reservation.errors import (
    AnotherHold,
    Full,
    HoldInFlight,
    HoldLost,
    PoolClosed,
    ReservationError,
    UnknownPool,
    UnknownUnit,
)
from reservation.hold import LEASE_GRACE_MS, take_lease
from reservation.keys import lease_key, pool_prefix

REAPED_PER_CALL = 16


async def test_a_hold_takes_a_place_for_the_pools_hold_time(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(2,), hold_ttl_s=60)
    before = kernel.clock()
    held = await hold_as(kernel, "a", pool, unit)
    assert (held.pool, held.units, held.repeated) == (pool, (unit,), False)
    assert pool_of(held.id) == pool
    assert 0 <= held.expires_at_ms - before - 60_000 < 5_000
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_released_place_is_free_for_the_next_claimant(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(1,))
    first = await hold_as(kernel, "a", pool, unit)
    with pytest.raises(Full) as refused:
        await hold_as(kernel, "b", pool, unit)
    assert refused.value.facts == {"unit": unit}
    await release(kernel, claim_id=first.id, owner="a")
    assert (await hold_as(kernel, "b", pool, unit)).units == (unit,)


async def test_repeating_a_hold_gives_the_same_hold_and_expiry(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(2,))
    first = await hold_as(kernel, "a", pool, unit)
    again = await hold_as(kernel, "a", pool, unit)
    assert (again.id, again.expires_at_ms, again.repeated) == (first.id, first.expires_at_ms, True)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_the_order_and_repetition_of_units_does_not_matter(kernel, city, hold_as):
    pool, [one, two] = await city(capacities=(1, 1))
    first = await hold_as(kernel, "a", pool, two, one, two)
    again = await hold_as(kernel, "a", pool, one, two)
    assert first.units == (one, two)
    assert again.id == first.id


async def test_other_units_are_refused_while_a_hold_is_alive(kernel, city, hold_as):
    pool, [one, two] = await city(capacities=(1, 1))
    first = await hold_as(kernel, "a", pool, one)
    with pytest.raises(AnotherHold) as refused:
        await hold_as(kernel, "a", pool, two)
    assert refused.value.facts == {"hold": first.id, "pool": pool, "units": [one]}
    assert await free_places(kernel, pool_id=pool, units=[one, two]) == [0, 1]


async def test_one_hold_per_service_holds_across_pools(kernel, city, hold_as):
    pool, [unit] = await city(rule="subject-2")
    other, [elsewhere] = await city(rule="subject-3")
    first = await hold_as(kernel, "a", pool, unit)
    with pytest.raises(AnotherHold) as refused:
        await hold_as(kernel, "a", other, elsewhere)
    assert refused.value.facts["hold"] == first.id


async def test_a_set_of_units_is_held_whole_or_not_at_all(kernel, city, hold_as):
    pool, [one, two, three] = await city(capacities=(1, 1, 1))
    await hold_as(kernel, "b", pool, two)
    with pytest.raises(Full) as refused:
        await hold_as(kernel, "a", pool, one, two, three)
    assert refused.value.facts == {"unit": two}
    assert await free_places(kernel, pool_id=pool, units=[one, two, three]) == [1, 0, 1]
    held = await hold_as(kernel, "a", pool, one, three)
    assert held.units == (one, three)


async def test_a_refused_hold_leaves_the_claimant_free_to_hold_something_else(kernel, city, hold_as):
    pool, [one, two] = await city(capacities=(1, 1))
    await hold_as(kernel, "b", pool, one)
    with pytest.raises(Full):
        await hold_as(kernel, "a", pool, one)
    assert (await hold_as(kernel, "a", pool, two)).units == (two,)


async def test_an_unknown_unit_is_refused_and_leaves_no_lease(kernel, city, hold_as, valkey):
    pool, [unit] = await city()
    _, [foreign] = await city(rule="subject-3")
    for wrong in (foreign, unit + 1000, -1):
        with pytest.raises(UnknownUnit) as refused:
            await hold_as(kernel, "a", pool, wrong)
        assert refused.value.facts == {"unit": wrong}
    assert await valkey.exists(lease_key(claimant="person:a", service="driving_test")) == 0


async def test_an_unknown_pool_is_refused(kernel, hold_as):
    with pytest.raises(UnknownPool) as refused:
        await hold_as(kernel, "a", 404, 1)
    assert refused.value.facts == {"pool": 404}


async def test_a_closed_pool_gives_out_nothing(kernel, city, hold_as, sql):
    pool, [unit] = await city()
    await sql(kernel, "UPDATE pool SET state = 'closed' WHERE id = :pool", pool=pool)
    await kernel.read_pools(pool)
    with pytest.raises(PoolClosed):
        await hold_as(kernel, "a", pool, unit)


async def test_an_expired_hold_frees_its_place_and_its_claimant(kernel, city, hold_as, eventually):
    pool, [one, two] = await city(capacities=(1, 1), hold_ttl_s=1)
    lost = await hold_as(kernel, "a", pool, one)
    with pytest.raises(Full):
        await hold_as(kernel, "b", pool, one)
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[one]), lambda free: free == [1])
    assert (await hold_as(kernel, "b", pool, one)).units == (one,)
    assert (await hold_as(kernel, "a", pool, two)).id != lost.id


async def test_holding_the_same_unit_again_after_expiry_is_a_new_hold(kernel, city, hold_as, eventually):
    pool, [unit] = await city(capacities=(1,), hold_ttl_s=1)
    lost = await hold_as(kernel, "a", pool, unit)
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[unit]), lambda free: free == [1])
    again = await hold_as(kernel, "a", pool, unit)
    assert again.id != lost.id
    assert not again.repeated
    assert again.expires_at_ms > lost.expires_at_ms


async def test_one_call_reaps_a_bounded_number_of_expired_claims(kernel, city, hold_as, valkey, eventually):
    pool, [unit] = await city(capacities=(40,))
    ids = [new_claim_id(pool=pool, now_ms=kernel.clock()) for _ in range(40)]
    answers = await asyncio.gather(
        *(kernel.call_fenced(pool, "hold", claim, claim, claim, 300, str(unit)) for claim in ids)
    )
    assert [answer[0] for answer, _ in answers] == [b"held"] * 40
    prefix = pool_prefix(pool, answers[0][1])
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[unit]), lambda free: free == [40])
    await asyncio.sleep(0.002)  # a claim is free at its last millisecond, and reaped after it
    for left in (40 - REAPED_PER_CALL + 1, 40 - 2 * REAPED_PER_CALL + 2, 3, 4):
        await hold_as(kernel, f"after-{left}", pool, unit)
        assert await valkey.zcard(f"{prefix}u{unit}") == left
        assert await valkey.hlen(f"{prefix}holds") == left


async def test_a_released_claim_id_cannot_be_held_again(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await release(kernel, claim_id=held.id, owner="a")
    late = await kernel.call(pool, "hold", held.id, "a", "person:a", 60_000, str(unit))
    assert late == [b"gone"]


async def test_a_booked_claim_id_cannot_be_held_again(kernel, city, book_as):
    pool, [unit] = await city()
    booking = await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    late = await kernel.call(pool, "hold", booking.id, "a", "person:a", 60_000, str(unit))
    assert late == [b"gone"]


async def test_a_claim_id_that_the_sweeper_gave_up_on_cannot_be_held_again(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    late = await kernel.call(pool, "hold", held.id, "a", "person:a", 60_000, str(unit))
    assert late == [b"gone"]


async def test_a_lease_left_by_a_crash_is_taken_up(kernel, city, hold_as):
    """The worker died after the lease and before the claim."""
    pool, [unit] = await city(hold_ttl_s=60)
    lease = await take_lease(kernel, await kernel.pool(pool), (unit,), claimant="person:a")
    held = await hold_as(kernel, "a", pool, unit)
    assert (held.id, held.repeated) == (lease.claim_id, True)
    assert held.expires_at_ms <= kernel.clock() + 60_000


async def test_a_lease_left_by_a_crash_does_not_bar_other_units(kernel, city, hold_as):
    pool, [one, two] = await city(capacities=(1, 1))
    lease = await take_lease(kernel, await kernel.pool(pool), (one,), claimant="person:a")
    held = await hold_as(kernel, "a", pool, two)
    assert held.id != lease.claim_id


async def test_a_lease_outlives_its_claim(kernel, city, hold_as, valkey):
    pool, [unit] = await city(hold_ttl_s=60)
    await hold_as(kernel, "a", pool, unit)
    left_ms = await valkey.pttl(lease_key(claimant="person:a", service="driving_test"))
    assert 60_000 < left_ms <= 60_000 + LEASE_GRACE_MS


async def test_two_devices_of_one_person_racing_get_one_hold(kernel, city, hold_as, kernels):
    pool, [unit] = await city(capacities=(5,))
    other = await kernels()
    devices = [kernel, other] * 5
    held = await asyncio.gather(*(hold_as(device, "a", pool, unit) for device in devices))
    assert len({one.id for one in held}) == 1
    assert len({one.expires_at_ms for one in held}) == 1
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [4]


async def test_two_devices_racing_for_different_units_get_one_hold_set(kernel, city, hold_as, kernels):
    pool, units = await city(capacities=(1, 1, 1, 1))
    other = await kernels()
    for name in "abcd":
        outcomes = await asyncio.gather(
            *(hold_as(device, name, pool, unit) for unit in units for device in (kernel, other)),
            return_exceptions=True,
        )
        held = [one for one in outcomes if not isinstance(one, BaseException)]
        refused = [one for one in outcomes if isinstance(one, BaseException)]
        assert len({one.id for one in held}) == 1
        assert all(isinstance(one, ReservationError) for one in refused)
        free = await free_places(kernel, pool_id=pool, units=units)
        assert free.count(0) == 1
        await release(kernel, claim_id=held[0].id, owner=name)


async def test_a_slow_device_cannot_add_a_second_hold_set(kernel, city, hold_as):
    """Device one took the lease and stalled; device two got other units; then device one's claim arrives."""
    pool, [one, two] = await city(capacities=(1, 1))
    lease = await take_lease(kernel, await kernel.pool(pool), (one,), claimant="person:a")
    await hold_as(kernel, "a", pool, two)
    late = await kernel.call(pool, "hold", lease.claim_id, "a", "person:a", lease.left_ms, str(one))
    assert late == [b"gone"]
    with pytest.raises(AnotherHold):
        await hold_as(kernel, "a", pool, one)


async def test_a_refused_device_does_not_end_the_lease_of_the_other_one(kernel, city, hold_as):
    """Device one is refused; before it gives up its lease, a place comes back and device two gets it."""
    pool, [one, two] = await city(capacities=(1, 1))
    other = await hold_as(kernel, "b", pool, one)
    lane = kernel.valkey.lane(lease_key(claimant="person:a", service="driving_test"))
    device_two = asyncio.Event()
    function = lane.function

    async def slow_unlease(name, key, *args):
        if name == "unlease" and not device_two.is_set():
            device_two.set()
            await release(kernel, claim_id=other.id, owner="b")
            assert (await hold_as(kernel, "a", pool, one)).units == (one,)
        return await function(name, key, *args)

    lane.function = slow_unlease
    try:
        mine = await hold_as(kernel, "a", pool, one)
    finally:
        lane.function = function
    assert device_two.is_set()
    assert (await hold_as(kernel, "a", pool, one)).id == mine.id
    with pytest.raises(AnotherHold):
        await hold_as(kernel, "a", pool, two)


async def test_a_refused_device_bars_the_claim_that_it_shared(kernel, city, hold_as):
    """Both devices are refused; the slower one's claim must not arrive after the lease is gone."""
    pool, [one, two] = await city(capacities=(1, 1))
    other = await hold_as(kernel, "b", pool, one)
    slow = await take_lease(kernel, await kernel.pool(pool), (one,), claimant="person:a")
    with pytest.raises(Full):
        await hold_as(kernel, "a", pool, one)
    await release(kernel, claim_id=other.id, owner="b")
    await hold_as(kernel, "a", pool, two)
    late = await kernel.call(pool, "hold", slow.claim_id, "a", "person:a", slow.left_ms, str(one))
    assert late == [b"gone"]


async def test_two_hundred_claimants_get_exactly_fifty_places(kernel, city, hold_as, kernels):
    pool, [unit] = await city(capacities=(50,))
    other = await kernels()
    outcomes = await asyncio.gather(
        *(hold_as((kernel, other)[n % 2], f"p{n}", pool, unit) for n in range(200)), return_exceptions=True
    )
    held = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(held) == 50
    assert len({one.id for one in held}) == 50
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [Full] * 150
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]


async def test_only_the_owner_releases_a_hold(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    with pytest.raises(HoldLost):
        await release(kernel, claim_id=held.id, owner="b")
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]


async def test_releasing_twice_says_that_the_hold_is_gone(kernel, city, hold_as):
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    await release(kernel, claim_id=held.id, owner="a")
    again = await hold_as(kernel, "b", pool, unit)
    with pytest.raises(HoldLost):
        await release(kernel, claim_id=held.id, owner="a")
    assert (await hold_as(kernel, "b", pool, unit)).id == again.id


@pytest.mark.parametrize("nonsense", ["", "x", "0192f3c0-0000-7000-8000-000000000000"])
async def test_releasing_what_is_no_hold_id_is_hold_lost(kernel, nonsense):
    with pytest.raises(HoldLost):
        await release(kernel, claim_id=nonsense, owner="a")


async def test_a_hold_that_is_being_confirmed_cannot_be_released(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    with pytest.raises(HoldInFlight):
        await release(kernel, claim_id=held.id, owner="a")
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).unit == unit


async def test_a_late_release_does_not_end_a_newer_lease(kernel, city, hold_as, valkey):
    """Somebody's crashed release wakes up after its claimant has a new hold."""
    pool, [unit] = await city()
    old = await hold_as(kernel, "a", pool, unit)
    await release(kernel, claim_id=old.id, owner="a")
    new = await hold_as(kernel, "a", pool, unit)
    key = lease_key(claimant="person:a", service="driving_test")
    lane = kernel.valkey.lane(key)
    kept = await lane.function("unlease", key, old.id, "ended")
    assert kept == [b"kept"]
    assert (await hold_as(kernel, "a", pool, unit)).id == new.id


async def test_free_places_are_unknown_for_what_valkey_does_not_know(kernel, city):
    pool, [unit] = await city(capacities=(3,))
    assert await free_places(kernel, pool_id=pool, units=[unit, unit + 1]) == [3, None]
    assert await free_places(kernel, pool_id=pool + 1, units=[unit]) == [None]
