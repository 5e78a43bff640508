"""The sweeper: marks, effects, promises and old rows that crashes and pauses left."""

import asyncio
import sys

import pytest
from redis.exceptions import ResponseError
from sqlalchemy import text

from reservation import cancel, confirm, free_places, prune, rebuild, sweep, sweep_forever
from reservation.claim_id import first_claim_id
from reservation.errors import HoldInFlight, HoldLost
from reservation.keys import fence_key, pool_prefix
from reservation.model import Effect
from reservation.rebuild import REBUILD_LOCK
from reservation.sweep import SWEEP_LOCK, Swept
from reservation.transaction import note_effect


async def test_an_overdue_mark_is_given_up_and_its_place_is_free(kernel, city, hold_as, sql):
    """The worker died after marking; its late confirm books nothing."""
    pool, units = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, *units)
    await kernel.call(pool, "mark", held.id, "a", "k", str(units[0]))
    assert (await sweep(kernel, confirm_patience_s=0)) == Swept(abandoned=1)
    assert await free_places(kernel, pool_id=pool, units=units) == [1, 1]
    with pytest.raises(HoldLost):
        await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=units[0])
    assert await sql(kernel, "SELECT 1 FROM booking") == []
    assert (await sweep(kernel, confirm_patience_s=0)) == Swept()


async def test_a_worker_that_was_paused_in_the_middle_books_nothing(kernel, city, hold_as, kernels, sql):
    """It marked, was paused, the sweeper gave up, somebody else booked; then it goes on to its commit."""
    pool, [unit] = await city(capacities=(1,))
    worker = await kernels()
    held = await hold_as(worker, "a", pool, unit)
    marked, go_on = asyncio.Event(), asyncio.Event()
    real = worker.call_fenced

    async def pause_after_mark(pool_id, function, *args):
        answer = await real(pool_id, function, *args)
        if function == "mark":
            marked.set()
            await go_on.wait()
        return answer

    worker.call_fenced = pause_after_mark
    paused = asyncio.create_task(confirm(worker, claim_id=held.id, owner="a", key="k"))
    await marked.wait()
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    other = await hold_as(kernel, "b", pool, unit)
    assert (await confirm(kernel, claim_id=other.id, owner="b", key="k")).unit == unit
    go_on.set()
    with pytest.raises(HoldLost):
        await paused
    rows = await sql(kernel, "SELECT owner FROM booking")
    assert [row.owner for row in rows] == ["b"]


async def test_a_mark_younger_than_the_patience_is_left_alone(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    assert await sweep(kernel) == Swept()
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).id == held.id


async def test_repeating_a_confirm_does_not_keep_a_mark_young(kernel, city, hold_as):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    await asyncio.sleep(0.06)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    assert (await sweep(kernel, confirm_patience_s=0.05)).abandoned == 1


async def test_a_mark_whose_booking_was_committed_is_told_as_taken(kernel, city, hold_as, sql):
    """The worker died after COMMIT and before it told Valkey; its effect row is gone too."""
    pool, units = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, *units)
    kernel.committer._on_committed = _say_nothing
    await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=units[1])
    await sql(kernel, "DELETE FROM effect")
    assert await free_places(kernel, pool_id=pool, units=units) == [0, 0]
    assert await sweep(kernel, confirm_patience_s=0) == Swept(booked_after_all=1)
    assert await free_places(kernel, pool_id=pool, units=units) == [1, 0]


async def _say_nothing(*_):
    pass


async def test_effects_that_were_not_told_are_replayed(kernel, city, hold_as, sql):
    pool, units = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, *units)
    kernel.committer._on_committed = _say_nothing
    await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=units[1])
    assert await sweep(kernel) == Swept()  # too young: the worker may still tell
    assert await sweep(kernel, effect_patience_s=0) == Swept(replayed=1)
    assert await free_places(kernel, pool_id=pool, units=units) == [1, 0]
    assert await sql(kernel, "SELECT 1 FROM effect") == []
    assert await sweep(kernel, confirm_patience_s=0, effect_patience_s=0) == Swept()


async def test_effects_that_were_told_are_deleted_without_a_replay(kernel, city, book_as, sql):
    pool, [unit] = await city()
    await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    assert len(await sql(kernel, "SELECT 1 FROM effect")) == 1
    assert await sweep(kernel, effect_patience_s=0) == Swept()
    assert await sql(kernel, "SELECT 1 FROM effect") == []


async def test_an_effect_of_an_ended_epoch_is_dropped(kernel, city, hold_as, sql):
    """Its change is in the rebuild's snapshot already."""
    pool, units = await city(capacities=(1, 1))
    held = await hold_as(kernel, "a", pool, *units)
    kernel.committer._on_committed = _say_nothing
    await confirm(kernel, claim_id=held.id, owner="a", key="k", unit=units[1])
    [row] = await sql(kernel, "SELECT epoch, changes FROM effect")
    await rebuild(kernel, pool_id=pool)
    assert await sql(kernel, "SELECT 1 FROM effect") == []
    await sql(
        kernel,
        "INSERT INTO effect (pool_id, epoch, changes) VALUES (:pool, :epoch, :changes)",
        pool=pool,
        epoch=row.epoch,
        changes=row.changes,
    )
    await cancel(kernel, booking_id=held.id, owner="a")
    await rebuild(kernel, pool_id=pool)
    await sweep(kernel, effect_patience_s=0)
    assert await free_places(kernel, pool_id=pool, units=units) == [1, 1]
    assert await sql(kernel, "SELECT 1 FROM effect") == []


async def test_a_worker_that_tells_after_a_rebuild_changes_nothing(kernel, city, hold_as, sql, kernels):
    """Paused after COMMIT; meanwhile the booking was cancelled and the pool rebuilt."""
    pool, [unit] = await city(capacities=(1,))
    worker = await kernels()
    held = await hold_as(worker, "a", pool, unit)
    worker.committer._on_committed = _say_nothing
    await confirm(worker, claim_id=held.id, owner="a", key="k")
    [row] = await sql(kernel, "SELECT id, epoch, changes FROM effect")
    await cancel(kernel, booking_id=held.id, owner="a")
    await rebuild(kernel, pool_id=pool)
    await worker.tell(Effect(id=row.id, pool=pool, epoch=row.epoch, changes=row.changes))
    assert worker.take_settled() == []
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_late_take_after_a_free_is_ignored(kernel, city, book_as):
    pool, [unit] = await city(capacities=(1,))
    booking = await book_as(kernel, "a", pool, unit)
    await cancel(kernel, booking_id=booking.id, owner="a")
    assert await kernel.call(pool, "apply", "take", booking.id, str(unit)) == [b"applied"]
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_applying_an_effect_twice_changes_nothing(kernel, city, book_as):
    pool, [unit] = await city(capacities=(2,))
    booking = await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    for _ in range(3):
        await kernel.call(pool, "apply", "take", booking.id, str(unit))
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_an_effect_is_not_forgotten_when_its_deletion_fails(kernel, city, book_as, sql):
    """The batch that would delete a settled effect is lost: the row stays and is replayed."""
    pool, [unit] = await city()
    await book_as(kernel, "a", pool, unit)
    await kernel.committer.drain()
    assert len(kernel.take_settled()) == 1  # the process forgets what it had settled
    assert await sweep(kernel, effect_patience_s=0) == Swept(replayed=1)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [2]


async def test_only_one_sweeper_works_at_a_time(kernel, city, hold_as, kernels):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    other = await kernels()
    async with kernel.engine.begin() as busy:
        await busy.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK})
        assert await sweep(other, confirm_patience_s=0) == Swept()
    assert (await sweep(other, confirm_patience_s=0)).abandoned == 1


async def test_sweeps_at_once_do_each_thing_once(kernel, city, hold_as, kernels):
    pool, [unit] = await city(capacities=(9,))
    for name in "abcdef":
        held = await hold_as(kernel, name, pool, unit)
        await kernel.call(pool, "mark", held.id, name, "k", "")
    others = [await kernels() for _ in range(3)]
    swept = await asyncio.gather(*(sweep(one, confirm_patience_s=0) for one in (kernel, *others)))
    assert sum(one.abandoned for one in swept) == 6
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [9]


async def test_the_sweeper_and_the_confirm_agree_whoever_comes_first(kernel, city, hold_as, kernels, sql):
    pool, [unit] = await city(capacities=(40,))
    other = await kernels()
    outcomes = []
    for n in range(20):
        held = await hold_as(kernel, f"p{n}", pool, unit)
        outcome, _ = await asyncio.gather(
            confirm(kernel, claim_id=held.id, owner=f"p{n}", key="k"),
            sweep(other, confirm_patience_s=0),
            return_exceptions=True,
        )
        outcomes.append(outcome)
    booked = {row.owner for row in await sql(kernel, "SELECT owner FROM booking WHERE state = 'booked'")}
    told = {f"p{n}" for n, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException)}
    assert booked == told
    assert all(isinstance(one, HoldLost) for one in outcomes if isinstance(one, BaseException))


async def test_a_pool_that_cannot_be_reached_does_not_stop_the_sweep(kernel, city, hold_as, valkey):
    pool, [unit] = await city()
    other, [elsewhere] = await city(rule="subject-3")
    held = await hold_as(kernel, "a", other, elsewhere)
    await kernel.call(other, "mark", held.id, "a", "k", "")
    await valkey.set(fence_key(pool), "1:rebuilding")
    async with kernel.engine.begin() as busy:  # somebody else is at its rebuild
        key = {"space": REBUILD_LOCK, "pool": pool}
        await busy.execute(text("SELECT pg_advisory_xact_lock(:space, :pool)"), key)
        assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    assert (await sweep(kernel)) == Swept()
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [3]


async def test_a_pool_whose_keys_are_broken_does_not_stop_the_sweep_of_others(
    kernel, city, hold_as, valkey, sql
):
    """Somebody wrote over a key of ours: that pool waits for a person, the others must not."""
    pool, [unit] = await city()
    other, [elsewhere] = await city(rule="subject-3")
    for place, name, where in ((pool, "a", unit), (other, "b", elsewhere)):
        held = await hold_as(kernel, name, place, where)
        await kernel.call(place, "mark", held.id, name, "k", "")
    [row] = await sql(kernel, "SELECT epoch FROM pool WHERE id = :pool", pool=pool)
    await valkey.set(f"{pool_prefix(pool, row.epoch)}marks", "not a set")
    assert (await sweep(kernel, confirm_patience_s=0)).abandoned == 1
    assert await free_places(kernel, pool_id=other, units=[elsewhere]) == [3]
    await rebuild(kernel, pool_id=pool)


async def test_a_failing_sweep_is_tried_again(kernel, city, hold_as, monkeypatch, eventually):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    module = sweep_forever.__globals__
    monkeypatch.setitem(module, "SWEEP_EVERY_S", 0.01)
    tries = []

    async def flaky(kernel):
        tries.append(1)
        if len(tries) == 1:
            raise OSError("gone for a moment")
        if len(tries) == 2:
            raise ResponseError("NOPERM for a moment")
        await sweep(kernel, confirm_patience_s=0)

    monkeypatch.setitem(module, "sweep", flaky)
    forever = asyncio.create_task(sweep_forever(kernel))
    await eventually(lambda: free_places(kernel, pool_id=pool, units=[unit]), lambda free: free == [3])
    forever.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forever


async def test_pruning_deletes_what_is_older_than_the_retention_and_no_more(kernel, city, book_as, sql):
    pool, [unit] = await city(capacities=(9,))
    for name in "ab":
        await book_as(kernel, name, pool, unit)
    assert await prune(kernel, retention_s=3600) == 0
    real, kernel.clock = kernel.clock, lambda: real() - 7_200_000
    await book_as(kernel, "old", pool, unit)  # its hold id says that it is two hours old
    kernel.clock = real
    await sql(kernel, "UPDATE idempotency SET at = now() - interval '2 hours' WHERE owner = 'old'")
    assert await prune(kernel, retention_s=3600) == 2
    assert await prune(kernel, retention_s=3600) == 0
    keys = await sql(kernel, "SELECT owner FROM idempotency ORDER BY owner")
    assert [row.owner for row in keys] == ["a", "b"]
    assert len(await sql(kernel, "SELECT 1 FROM hold_verdict")) == 2
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 3
    # The audit asks for the verdicts of young bookings only, and this booking row is young.
    await sql(kernel, "UPDATE booking SET created_at = now() - interval '8 days' WHERE owner = 'old'")


async def test_pruning_takes_a_bounded_bite(kernel, sql, monkeypatch):
    monkeypatch.setitem(prune.__globals__, "PRUNE_LIMIT", 10)
    await sql(
        kernel,
        """
        INSERT INTO hold_verdict
        SELECT ('00000000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid, 'abandoned' FROM generate_series(1, 25) n
        """,
    )
    assert [await prune(kernel) for _ in range(4)] == [10, 10, 5, 0]


async def test_an_abandoned_verdict_stays_for_the_mark_that_comes_back(kernel, city, hold_as, sql):
    """A crash after the verdict and before Valkey was told: the next sweep ends the mark."""
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    await sql(kernel, "INSERT INTO hold_verdict VALUES (CAST(:id AS uuid), 'abandoned')", id=held.id)
    with pytest.raises(HoldInFlight):
        await confirm(kernel, claim_id=held.id, owner="a", key="other")
    await sweep(kernel, confirm_patience_s=0)
    assert await free_places(kernel, pool_id=pool, units=[unit]) == [1]


async def test_a_pool_with_many_waiting_effects_does_not_keep_another_waiting(kernel, city, monkeypatch):
    monkeypatch.setattr(sys.modules["reservation.sweep"], "EFFECTS_LIMIT", 2)
    first, _ = await city(rule="subject-1")
    second, _ = await city(rule="subject-2")
    async with kernel.engine.begin() as connection:
        for pool, times in ((first, 5), (second, 1)):
            epoch = (await kernel.read_pools(pool))[0].epoch
            for _ in range(times):
                await note_effect(
                    connection, pool_id=pool, epoch=epoch, changes=["free", first_claim_id(1), "1"]
                )
    swept = await sweep(kernel, effect_patience_s=0)
    assert swept.replayed == 3
