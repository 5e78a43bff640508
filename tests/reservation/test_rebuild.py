"""Rebuild: Valkey's view made anew from PostgreSQL, under a new epoch."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from reservation import cancel, confirm, free_places, hold, promise, rebuild, sweep
from reservation.errors import HoldLost, Rebuilding, ReservationError, Unavailable, UnknownPool
from reservation.keys import fence_key, pool_prefix
from reservation.lane import Lane
from reservation.rebuild import Rebuilt
from reservation.sweep import Swept


async def fence_of(valkey, pool):
    """(epoch, run id) of the stored fence."""
    epoch, _, run_id = (await valkey.get(fence_key(pool))).partition(":")
    return int(epoch), run_id


async def test_the_view_is_what_postgresql_has(kernel, *, city, hold_as, book_as, sql, valkey):
    pool, units = await city(capacities=(3, 2, 1))
    kept = await book_as(kernel, "a", pool, units[0])
    gone = await book_as(kernel, "b", pool, units[0])
    await cancel(kernel, booking_id=gone.id, owner="b")
    held = await hold_as(kernel, "c", pool, units[1])
    promised = await promise(kernel, hold_id=held.id, owner="c", until=clock.now() + timedelta(hours=1))
    await hold_as(kernel, "d", pool, units[2])
    done = await rebuild(kernel, pool_id=pool)
    [row] = await sql(kernel, "SELECT epoch FROM pool WHERE id = :pool", pool=pool)
    assert done == Rebuilt(pool=pool, epoch=row.epoch, units=3, claims=2)
    prefix = pool_prefix(pool, row.epoch)
    assert await valkey.hgetall(f"{prefix}units") == dict(zip(map(str, units), "321", strict=True))
    assert await valkey.zrange(f"{prefix}u{units[0]}", 0, -1, withscores=True) == [(kept.id, float("inf"))]
    assert await valkey.zrange(f"{prefix}u{units[1]}", 0, -1) == [promised.id]
    assert await free_places(kernel, pool_id=pool, units=units) == [2, 1, 1]


async def test_holds_are_lost_and_holding_again_works(kernel, city, hold_as, sql):
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    await rebuild(kernel, pool_id=pool)
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="k")
    assert await sql(kernel, "SELECT 1 FROM booking") == []
    again = await hold_as(kernel, "a", pool, unit)
    assert (await confirm(kernel, claim_id=again.id, owner="a", key="k2")).unit == unit


async def test_a_confirm_on_its_way_through_a_rebuild_is_booked_or_lost(kernel, city, hold_as, sql, kernels):
    """Never both, never neither, whatever the timing."""
    pool, [unit] = await city(capacities=(60,))
    other = await kernels()
    outcomes = []
    for n in range(12):
        names = [f"p{n}-{m}" for m in range(4)]
        held = [await hold_as(kernel, name, pool, unit) for name in names]

        async def late(name, held, wait):
            await asyncio.sleep(wait)
            return await confirm(kernel, claim_id=held.id, owner=name, key="k")

        results = await asyncio.gather(
            rebuild(other, pool_id=pool),
            *(late(name, one, m * 0.003) for m, (name, one) in enumerate(zip(names, held, strict=True))),
            return_exceptions=True,
        )
        outcomes += zip(names, results[1:], strict=True)
    booked = {row.owner for row in await sql(kernel, "SELECT owner FROM booking")}
    assert booked >= {name for name, outcome in outcomes if not isinstance(outcome, BaseException)}
    refused = {name: outcome for name, outcome in outcomes if isinstance(outcome, BaseException)}
    assert all(isinstance(outcome, HoldLost | Rebuilding) for outcome in refused.values())
    lost = {name for name, outcome in refused.items() if isinstance(outcome, HoldLost)}
    assert not booked & lost


async def test_two_rebuilds_at_once_are_one(kernel, city, kernels, valkey):
    pool, _ = await city()
    before, _ = await fence_of(valkey, pool)
    others = [await kernels() for _ in range(3)]
    done = await asyncio.gather(*(rebuild(one, pool_id=pool) for one in (kernel, *others)))
    rebuilt = [one for one in done if one is not None]
    assert len(rebuilt) >= 1
    after, _ = await fence_of(valkey, pool)
    assert after == before + len(rebuilt) == max(one.epoch for one in rebuilt)


async def test_a_rebuild_that_somebody_is_at_is_left_to_them(kernel, city, kernels):
    pool, _ = await city()
    other = await kernels()
    inside, go_on = asyncio.Event(), asyncio.Event()

    def progress(*_):
        inside.set()

    real = Lane.function

    async def wait_before_flip(lane, name, *args):
        if name == "flip":
            await inside.wait()
            await go_on.wait()
        return await real(lane, name, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lane, "function", wait_before_flip)
        first = asyncio.create_task(rebuild(kernel, pool_id=pool, progress=progress))
        await inside.wait()
        assert await rebuild(other, pool_id=pool) is None
        with pytest.raises(Rebuilding):
            await hold(other, pool_id=pool, units=[1], claimant="person:a", owner="a")
        go_on.set()
        assert (await first).pool == pool


async def test_a_view_that_is_right_is_left_alone_unless_forced(kernel, city, valkey):
    pool, _ = await city()
    before = await fence_of(valkey, pool)
    assert await rebuild(kernel, pool_id=pool, force=False) is None
    assert await fence_of(valkey, pool) == before
    assert (await rebuild(kernel, pool_id=pool)).epoch == before[0] + 1


async def test_an_unknown_pool_cannot_be_rebuilt(kernel):
    with pytest.raises(UnknownPool):
        await rebuild(kernel, pool_id=404)


class Died(BaseException):
    """What ends a rebuild at a line, as a kill would; no handler of ours catches it."""


@pytest.mark.parametrize("step", ["_bump", "_load", "_unlink_epochs", "flip"])
async def test_a_rebuild_that_died_heals_by_a_sweep(
    kernel, *, city, book_as, hold_as, monkeypatch, kernels, valkey, step
):
    pool, [unit] = await city(capacities=(2,))
    await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    before, _ = await fence_of(valkey, pool)
    victim = await kernels(healing=False)
    real = Lane.function

    async def die(*_, **__):
        raise Died

    async def die_at_flip(lane, name, *args):
        if name == "flip":
            raise Died
        return await real(lane, name, *args)

    with monkeypatch.context() as patch:
        if step == "flip":
            patch.setattr(Lane, "function", die_at_flip)
        else:
            patch.setitem(rebuild.__globals__, step, die)
        with pytest.raises(Died):
            await rebuild(victim, pool_id=pool)
    if step != "_unlink_epochs":
        with pytest.raises(Rebuilding):
            await hold_as(victim, "b", pool, unit)
    assert await sweep(victim) == Swept()
    assert (await hold_as(victim, "b", pool, unit)).units == (unit,)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [0]
    after, run_id = await fence_of(valkey, pool)
    assert after > before
    assert run_id == kernel.valkey.lane(fence_key(pool)).run_id


async def test_a_confirm_marked_before_a_rebuild_that_died_is_refused(kernel, city, hold_as, kernels, sql):
    """PostgreSQL's epoch has moved on and Valkey's has not: the old epoch's claims are void already."""
    pool, [unit] = await city(capacities=(1,))
    worker = await kernels(healing=False)
    held = await hold_as(worker, "a", pool, unit)
    await sql(kernel, "UPDATE pool SET epoch = epoch + 1 WHERE id = :pool", pool=pool)
    with pytest.raises(ReservationError) as refused:
        await confirm(worker, claim_id=held.id, owner="a", key="k")
    assert isinstance(refused.value, HoldLost)
    assert await sql(kernel, "SELECT 1 FROM booking") == []
    await sweep(kernel)
    again = await hold_as(worker, "a", pool, unit)
    assert (await confirm(worker, claim_id=again.id, owner="a", key="k")).id == again.id
    await worker.committer.drain()


async def test_the_keys_of_old_epochs_are_unlinked(kernel, city, book_as, hold_as, valkey):
    pool, units = await city(capacities=(2, 2))
    await book_as(kernel, "a", pool, units[0])
    await hold_as(kernel, "b", pool, units[1])
    for _ in range(3):
        done = await rebuild(kernel, pool_id=pool)
    keys = {key async for key in valkey.scan_iter(match=f"{{p{pool}}}:*") if ":pace:" not in key}
    prefix = pool_prefix(pool, done.epoch)
    assert keys == {fence_key(pool), f"{prefix}units", f"{prefix}u{units[0]}"}


async def test_valkeys_epoch_is_never_reused_even_if_postgresql_is_behind(kernel, city, sql, valkey):
    """PostgreSQL was restored from a backup: its epoch is older than what this Valkey has seen."""
    pool, _ = await city()
    seen, run_id = await fence_of(valkey, pool)
    await sql(kernel, "UPDATE pool SET epoch = 1 WHERE id = :pool", pool=pool)
    await sweep(kernel)
    assert await fence_of(valkey, pool) == (seen + 1, run_id)


async def test_a_rebuild_that_was_overtaken_does_not_open_its_epoch(kernel, city, valkey):
    """Its connection to PostgreSQL broke, and with it its lock; another one has begun and ended since."""
    pool, _ = await city()
    epoch, run_id = await fence_of(valkey, pool)
    lane = kernel.valkey.lane(fence_key(pool))
    for closed in (f"{epoch - 1}:rebuilding:0", "", f"{epoch}:another"):
        late = await lane.function("flip", fence_key(pool), closed, f"{epoch - 1}:{run_id}")
        assert late == [b"stale"]
    assert await fence_of(valkey, pool) == (epoch, run_id)


async def test_an_emptied_server_is_not_opened_by_the_rebuild_that_was_loading_it(
    kernel, city, book_as, valkey, monkeypatch
):
    """FLUSHALL between load and flip: a fence over an empty view would be believed for ever."""
    pool, [unit] = await city(capacities=(2,))
    await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    load = rebuild.__globals__["_load"]

    async def load_and_lose(*arguments, **options):
        loaded = await load(*arguments, **options)
        await valkey.flushall()
        return loaded

    with monkeypatch.context() as patch:
        patch.setitem(rebuild.__globals__, "_load", load_and_lose)
        with pytest.raises(Rebuilding):
            await rebuild(kernel, pool_id=pool)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [None]
    await sweep(kernel)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_large_pool_is_loaded_in_bounded_pieces(kernel, city_of, sql, valkey, monkeypatch):
    pool, units = await city_of(kernel, capacities=(1,) * 25 + (30,))
    await sql(
        kernel,
        """
        INSERT INTO booking (id, pool_id, unit_id, claimant, owner, service, rule, source, state)
        SELECT gen_random_uuid(), :pool, :unit, 'person:' || n, n::text, 'driving_test', 'bulk', 'hold', 'booked'
        FROM generate_series(1, 30) n
        """,
        pool=pool,
        unit=units[-1],
    )
    monkeypatch.setitem(rebuild.__globals__, "UNITS_PER_READ", 10)
    monkeypatch.setitem(rebuild.__globals__, "CLAIMS_PER_COMMAND", 7)
    monkeypatch.setitem(rebuild.__globals__, "COMMANDS_AHEAD", 2)
    seen = []
    done = await rebuild(kernel, pool_id=pool, progress=lambda *counts: seen.append(counts))
    assert (done.units, done.claims) == (26, 30)
    assert seen == [(0, 10), (0, 20), (30, 26)]
    assert await valkey.zcard(f"{pool_prefix(pool, done.epoch)}u{units[-1]}") == 30
    assert await free_places(kernel, pool_id=pool, units=units) == [1] * 25 + [0]
    await sql(kernel, "DELETE FROM booking WHERE rule = 'bulk'")
    await rebuild(kernel, pool_id=pool)


async def test_a_rebuild_waits_for_confirms_that_have_the_pool(kernel, city, sql, kernels):
    pool, _ = await city()
    other = await kernels()
    async with kernel.engine.connect() as confirming:
        await confirming.execute(text("SELECT 1 FROM pool WHERE id = :pool FOR SHARE"), {"pool": pool})
        rebuilding = asyncio.create_task(rebuild(other, pool_id=pool))
        done, _ = await asyncio.wait([rebuilding], timeout=0.3)
        assert not done
        await confirming.rollback()
    assert await rebuilding is not None


async def test_a_rebuild_without_valkey_says_so(kernel, city, kernels):
    pool, _ = await city()
    cut_off = await kernels(healing=False)
    await cut_off.valkey.lane(fence_key(pool)).close()
    with pytest.raises(Unavailable):
        await rebuild(cut_off, pool_id=pool)
