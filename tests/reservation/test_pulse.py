"""How a pool stands and what has happened to it by second: counted once, where it happens, by whatever process."""

import asyncio

from reservation import confirm, hold, read_pulse, rebuild, release
from reservation.errors import Full


async def tried(kernel, pool, unit, name):
    try:
        return await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{name}", owner=name)
    except Full:
        return None


def sums(pulse):
    return {what: pulse.total(what) for what in sorted(pulse.pace)}


async def test_holds_refusals_releases_and_confirms_are_counted_over_all_processes(kernel, kernels, city):
    pool, [unit, other] = await city(capacities=(3, 5))
    second = await kernels()
    first, *rest = [await tried(kernel if n % 2 else second, pool, unit, str(n)) for n in range(5)]
    assert rest[2:] == [None, None]
    await release(second, claim_id=first.id, owner="0")
    await confirm(second, claim_id=rest[0].id, owner="1", key="k")
    await second.committer.drain()
    pulse = await read_pulse(kernel, pool_id=pool, units=[unit, other], minutes=5)
    assert sums(pulse) == {"confirmed": 1, "full": 2, "held": 3, "released": 1}
    assert (pulse.free, pulse.held, pulse.confirming) == ({unit: 1, other: 5}, {unit: 1, other: 0}, 0)
    theirs = await read_pulse(second, pool_id=pool, units=[unit, other], minutes=5)
    assert (theirs.pace, theirs.free) == (pulse.pace, pulse.free)
    assert all(second * 1_000 <= pulse.at_ms for counted in pulse.pace.values() for second in counted)


async def test_repeating_a_hold_or_an_effect_counts_nothing_more(kernel, city):
    pool, [unit] = await city()
    held = await tried(kernel, pool, unit, "a")
    await tried(kernel, pool, unit, "a")
    await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await kernel.committer.drain()
    await kernel.call(pool, "apply", "take", held.id, str(unit))
    assert sums(await read_pulse(kernel, pool_id=pool, units=[unit], minutes=5)) == {
        "confirmed": 1,
        "held": 1,
    }


async def test_a_hold_that_runs_out_is_counted_once_and_when_it_ran_out(kernel, city):
    """Whoever comes upon it first, and if it is only somebody who looks."""
    pool, [unit] = await city(capacities=(2,), hold_ttl_s=1)
    for name in "ab":
        assert await tried(kernel, pool, unit, name) is not None
    for _ in range(400):
        pulse = await read_pulse(kernel, pool_id=pool, units=[unit], minutes=5)
        if pulse.free[unit] == 2:
            break
        await asyncio.sleep(0.01)
    assert sums(pulse) == {"expired": 2, "held": 2}
    # A second's life later, whenever it was found.
    assert all(second - 1 in pulse.pace["held"] for second in pulse.pace["expired"])
    again = await read_pulse(kernel, pool_id=pool, units=[unit], minutes=5)
    assert sums(again) == {"expired": 2, "held": 2}


async def test_a_set_of_units_that_runs_out_is_one_hold(kernel, city):
    pool, units = await city(capacities=(1, 1, 1), hold_ttl_s=1)
    await hold(kernel, pool_id=pool, units=units, claimant="person:a", owner="a")
    for _ in range(400):
        pulse = await read_pulse(kernel, pool_id=pool, units=units, minutes=5)
        if set(pulse.free.values()) == {1}:
            break
        await asyncio.sleep(0.01)
    assert sums(pulse) == {"expired": 1, "held": 1}
    assert kernel.tally.expired == 1


async def test_what_has_happened_outlives_a_rebuild_and_not_its_time(kernel, city, valkey):
    pool, [unit] = await city()
    await tried(kernel, pool, unit, "a")
    await rebuild(kernel, pool_id=pool)
    pulse = await read_pulse(kernel, pool_id=pool, units=[unit], minutes=5)
    assert (sums(pulse), pulse.held) == ({"held": 1}, {unit: 0})
    [key] = [key async for key in valkey.scan_iter(match=f"{{p{pool}}}:pace:*")]
    assert 0 < await valkey.ttl(key) <= 1_200


async def test_refusals_of_others_are_told_once_a_second_and_unknown_pools_never(kernel, city):
    pool, [unit] = await city()
    for code in ("not_eligible", "not_eligible", "full"):
        kernel.note_refusal(pool, code)
    kernel.note_refusal(pool + 99, "not_eligible")
    assert sums(await read_pulse(kernel, pool_id=pool, units=[unit], minutes=5)) == {}
    await kernel.refusals.drain()
    assert sums(await read_pulse(kernel, pool_id=pool, units=[unit], minutes=5)) == {"not_eligible": 2}
