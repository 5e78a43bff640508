"""The committer: batches, retries, one by one, and an answer to everybody whatever happens."""

import asyncio
import time

import pytest
from sqlalchemy import event, text

from reservation import Booking, audit, confirm, database, sweep
from reservation import committer as committer_module
from reservation.claim_id import new_claim_id
from reservation.commit_batch import Order
from reservation.committer import BATCH_LIMIT
from reservation.errors import AlreadyBooked, Busy, HoldLost, KeyReused, Unavailable

ANSWERED_S = 30.0


@pytest.fixture
async def orders_of(kernel, sql):
    """Orders of claims that Valkey has never seen; the replay of their effects puts the booked ones there."""

    async def make(pool_id, *wishes):
        [row] = await sql(kernel, "SELECT epoch FROM pool WHERE id = :pool", pool=pool_id)
        return [
            Order(
                claim_id=new_claim_id(pool=pool_id, now_ms=kernel.clock()),
                unit=unit,
                claimant=f"person:{name}",
                owner=name,
                key=f"key-{name}",
                epoch=row.epoch,
            )
            for name, unit in wishes
        ]

    yield make
    await kernel.committer.drain()
    await sweep(kernel, effect_patience_s=0)


async def answers(kernel, pool_id, orders):
    """Submits all in one tick; every future must be resolved in bounded time."""
    pool = await kernel.pool(pool_id)
    futures = [kernel.committer.submit(pool, order) for order in orders]
    async with asyncio.timeout(ANSWERED_S):
        return await asyncio.gather(*futures)


def fail_commits(engine, monkeypatch, *, times, after, error):
    """The next `times` COMMITs of statements that wrote raise; `after`: PostgreSQL has committed all the same."""
    dialect = engine.sync_engine.dialect
    commit, left = dialect.do_commit, [times]

    def do_commit(connection):
        if left[0] == 0:
            commit(connection)
            return
        left[0] -= 1
        if after:
            commit(connection)
        raise error(dialect)

    monkeypatch.setattr(dialect, "do_commit", do_commit)
    return left


def driver_error(dialect):
    return dialect.loaded_dbapi.InterfaceError("connection is closed")


def socket_error(dialect):
    return ConnectionResetError(104, f"reset by peer of {dialect.name}")


async def test_three_hundred_orders_are_two_transactions(kernel, city, orders_of, sql):
    pool, [unit] = await city(capacities=(300,))
    outcomes = await answers(kernel, pool, await orders_of(pool, *((f"p{n}", unit) for n in range(300))))
    assert all(isinstance(outcome, Booking) for outcome in outcomes)
    batches = await sql(kernel, "SELECT count(*) AS n FROM booking GROUP BY xmin::text ORDER BY n")
    assert [batch.n for batch in batches] == [300 - BATCH_LIMIT, BATCH_LIMIT]


async def test_a_batch_costs_two_statements_whatever_its_size(kernel, city, orders_of):
    pool, [unit] = await city(capacities=(256,))
    orders = await orders_of(pool, *((f"p{n}", unit) for n in range(256)))
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(kernel.engine.sync_engine, "before_cursor_execute", note)
    await answers(kernel, pool, orders)
    event.remove(kernel.engine.sync_engine, "before_cursor_execute", note)
    assert len(statements) == 2  # lock and insert; nobody lost, so nothing to undo or recall


async def test_arrival_order_decides_across_batches(kernel, city, orders_of):
    pool, [unit] = await city(capacities=(260,))
    outcomes = await answers(kernel, pool, await orders_of(pool, *((f"p{n:03}", unit) for n in range(300))))
    assert [isinstance(outcome, Booking) for outcome in outcomes] == [True] * 260 + [False] * 40


@pytest.mark.parametrize(
    "bad",
    [
        {"key": "nul\x00byte"},
        {"owner": "nul\x00byte"},
        {"unit": 2**63},
        {"unit": "not a number"},
        {"claim_id": "not a uuid"},
        {"claimant": "surrogate \ud800"},
        {"claimant": 7},
    ],
    ids=lambda bad: str(bad).encode("ascii", "backslashreplace").decode(),
)
async def test_one_bad_row_spoils_nobody_else(kernel, city, orders_of, bad):
    pool, [unit] = await city(capacities=(256,))
    orders = await orders_of(pool, *((f"p{n}", unit) for n in range(256)))
    orders[100] = orders[100]._replace(**bad)
    outcomes = await answers(kernel, pool, orders)
    assert isinstance(outcomes[100], Unavailable)
    assert all(isinstance(outcome, Booking) for n, outcome in enumerate(outcomes) if n != 100)


@pytest.mark.parametrize("error", [driver_error, socket_error])
async def test_a_commit_whose_answer_was_lost_is_read_back(
    kernel, *, city, orders_of, monkeypatch, sql, error
):
    pool, [unit] = await city(capacities=(2,))
    orders = await orders_of(pool, ("a", unit), ("b", unit), ("c", unit))
    left = fail_commits(kernel.engine, monkeypatch, times=1, after=True, error=error)
    outcomes = await answers(kernel, pool, orders)
    assert left == [0]
    assert [getattr(outcome, "id", None) for outcome in outcomes] == [
        orders[0].claim_id,
        orders[1].claim_id,
        None,
    ]
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 2
    assert len(await sql(kernel, "SELECT 1 FROM entry WHERE kind = 'confirm'")) == 2


@pytest.mark.parametrize("error", [driver_error, socket_error])
async def test_a_commit_that_failed_is_done_again(kernel, *, city, orders_of, monkeypatch, sql, error):
    pool, [unit] = await city(capacities=(2,))
    orders = await orders_of(pool, ("a", unit), ("b", unit))
    left = fail_commits(kernel.engine, monkeypatch, times=2, after=False, error=error)
    outcomes = await answers(kernel, pool, orders)
    assert left == [0]
    assert all(isinstance(outcome, Booking) for outcome in outcomes)
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 2


async def test_when_every_attempt_fails_everybody_is_told_to_repeat(
    kernel, city, orders_of, monkeypatch, sql
):
    pool, [unit] = await city(capacities=(2,))
    orders = await orders_of(pool, ("a", unit), ("b", unit))
    with monkeypatch.context() as patch:
        fail_commits(kernel.engine, patch, times=committer_module.ATTEMPTS, after=False, error=driver_error)
        outcomes = await answers(kernel, pool, orders)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert await sql(kernel, "SELECT 1 FROM booking") == []
    assert all(isinstance(outcome, Booking) for outcome in await answers(kernel, pool, orders))


async def test_an_unknown_outcome_keeps_its_mark_and_the_same_key_finds_out(
    kernel, city, hold_as, monkeypatch, sql
):
    pool, [unit] = await city(capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    with monkeypatch.context() as patch:
        attempts = committer_module.ATTEMPTS
        fail_commits(kernel.engine, patch, times=attempts, after=True, error=driver_error)
        with pytest.raises(Unavailable):
            await confirm(kernel, claim_id=held.id, owner="a", key="k")
    assert (await confirm(kernel, claim_id=held.id, owner="a", key="k")).id == held.id
    assert len(await sql(kernel, "SELECT 1 FROM booking")) == 1


async def test_opposite_claimant_order_across_pools_does_not_deadlock(kernel, city, orders_of, kernels, sql):
    """Two workers, two pools of one rule, the same people in opposite order: rows are inserted sorted."""
    pool, [unit] = await city(capacities=(256,))
    other, [elsewhere] = await city(capacities=(256,))
    names = [f"p{n:03}" for n in range(100)]
    forth = await orders_of(pool, *((name, unit) for name in names))
    back = await orders_of(other, *((name, elsewhere) for name in reversed(names)))
    back = [order._replace(key=f"{order.key}-2") for order in back]
    second = await kernels()
    before = await sql(kernel, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    for n in range(0, 100, 20):
        await asyncio.gather(
            answers(kernel, pool, forth[n : n + 20]), answers(second, other, back[80 - n : 100 - n])
        )
    booked = await sql(kernel, "SELECT claimant, count(*) AS n FROM booking GROUP BY 1")
    assert len(booked) == 100
    assert {row.n for row in booked} == {1}
    after = await sql(kernel, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert before == after


async def test_a_batch_broken_by_a_deadlock_is_done_one_by_one(kernel, city, orders_of):
    pool, [unit] = await city(capacities=(9,))
    orders = await orders_of(pool, ("a", unit), ("b", unit))
    insert = text(
        "INSERT INTO active_claim VALUES ('person:' || :name, 'driving_test', 'subject-2', gen_random_uuid())"
    )
    async with kernel.engine.connect() as foe:
        await foe.execute(insert, {"name": "b"})
        waiting = asyncio.create_task(answers(kernel, pool, orders))
        await asyncio.sleep(0.3)  # the batch has a and waits for b
        await foe.execute(insert, {"name": "a"})  # the batch's own check finds the circle and gives way
        await foe.rollback()
        outcomes = await waiting
    assert all(isinstance(outcome, Booking) for outcome in outcomes)


@pytest.fixture
async def impatient(kernels, monkeypatch):
    """A kernel whose sessions wait only 200 ms for a lock."""
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 200)
    return await kernels()


async def test_a_unit_that_stays_locked_is_busy_and_the_same_key_can_try_again(
    kernel, city, hold_as, impatient
):
    pool, [unit] = await city()
    held = await hold_as(kernel, "a", pool, unit)
    async with kernel.engine.connect() as foe:
        await foe.execute(text("SELECT 1 FROM unit WHERE id = :unit FOR UPDATE"), {"unit": unit})
        with pytest.raises(Busy):
            await confirm(impatient, claim_id=held.id, owner="a", key="k")
        await foe.rollback()
    assert (await confirm(impatient, claim_id=held.id, owner="a", key="k")).id == held.id
    await impatient.committer.drain()


async def test_a_locked_unit_holds_up_its_own_orders_only_and_not_one_by_one(
    kernel, city, orders_of, impatient
):
    """A batch with fifty orders for a locked unit must not wait fifty lock timeouts."""
    pool, [locked, free] = await city(capacities=(50, 50))
    orders = await orders_of(pool, *((f"p{n}", unit) for n, unit in enumerate([locked, free] * 50)))
    async with kernel.engine.connect() as foe:
        await foe.execute(text("SELECT 1 FROM unit WHERE id = :unit FOR UPDATE"), {"unit": locked})
        began = time.monotonic()
        outcomes = await answers(impatient, pool, orders)
        took_s = time.monotonic() - began
        await foe.rollback()
    assert [type(outcome) for outcome in outcomes] == [Busy, Booking] * 50
    assert took_s < 3.0
    await impatient.committer.drain()


async def test_a_full_queue_is_busy_at_once(kernel, city, orders_of, monkeypatch):
    monkeypatch.setattr(committer_module, "QUEUE_LIMIT", 4)
    pool, [unit] = await city(capacities=(9,))
    *orders, surplus = await orders_of(pool, *((f"p{n}", unit) for n in range(5)))
    about = await kernel.pool(pool)
    futures = [kernel.committer.submit(about, order) for order in orders]
    with pytest.raises(Busy):
        kernel.committer.submit(about, surplus)
    assert all(isinstance(outcome, Booking) for outcome in await asyncio.gather(*futures))
    assert isinstance((await answers(kernel, pool, [surplus]))[0], Booking)


async def test_the_same_order_twice_at_once_is_one_booking_for_both_callers(kernel, city, orders_of):
    pool, [unit, other] = await city(capacities=(1, 1))
    [order] = await orders_of(pool, ("a", unit))
    about = await kernel.pool(pool)
    first, second, hung_up = [kernel.committer.submit(about, order) for _ in range(3)]
    hung_up.cancel()
    with pytest.raises(KeyReused):
        kernel.committer.submit(about, order._replace(unit=other))
    assert isinstance(await first, Booking)
    assert await first == await second


async def test_orders_of_an_ended_epoch_are_lost_and_the_pool_heals(kernel, city, orders_of, sql):
    pool, [unit] = await city()
    [old, new] = await orders_of(pool, ("a", unit), ("b", unit))
    outcomes = await answers(kernel, pool, [old._replace(epoch=old.epoch - 1), new])
    assert [type(outcome) for outcome in outcomes] == [HoldLost, Booking]


async def test_an_order_of_an_ended_epoch_that_was_booked_in_time_is_told_as_booked(
    kernel, city, orders_of, sql
):
    pool, [unit] = await city()
    [order] = await orders_of(pool, ("a", unit))
    [booked] = await answers(kernel, pool, [order])
    await sql(kernel, "UPDATE pool SET epoch = epoch + 1 WHERE id = :pool", pool=pool)
    assert await answers(kernel, pool, [order]) == [booked]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyError, OSError, TimeoutError])
async def test_everybody_is_answered_whatever_breaks(kernel, city, orders_of, monkeypatch, error):
    pool, [unit] = await city(capacities=(9,))
    orders = await orders_of(pool, *((f"p{n}", unit) for n in range(5)))

    async def broken(*_, **__):
        raise error("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(committer_module, "commit_batch", broken)
        outcomes = await answers(kernel, pool, orders)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert all(isinstance(outcome, Booking) for outcome in await answers(kernel, pool, orders))


async def test_everybody_is_answered_when_the_committing_task_is_cancelled(
    kernel, city, orders_of, monkeypatch
):
    pool, [unit] = await city(capacities=(9,))
    orders = await orders_of(pool, *((f"p{n}", unit) for n in range(5)))
    about = await kernel.pool(pool)
    stuck = asyncio.Event()

    async def slow(*_, **__):
        stuck.set()
        await asyncio.sleep(ANSWERED_S)

    with monkeypatch.context() as patch:
        patch.setattr(committer_module, "commit_batch", slow)
        futures = [kernel.committer.submit(about, order) for order in orders]
        await stuck.wait()
        late = kernel.committer.submit(about, orders[0]._replace(claim_id=new_claim_id(pool=pool, now_ms=1)))
        kernel.committer._tasks[pool].cancel()
        async with asyncio.timeout(ANSWERED_S):
            outcomes = await asyncio.gather(*futures, late)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 6
    assert all(isinstance(outcome, Booking) for outcome in await answers(kernel, pool, orders))


async def test_two_pools_commit_at_the_same_time(kernel, city, orders_of):
    """A pool whose unit is locked does not hold up another pool."""
    pool, [unit] = await city(rule="subject-2")
    other, [elsewhere] = await city(rule="subject-3")
    stuck, free = await orders_of(pool, ("a", unit)), await orders_of(other, ("b", elsewhere))
    async with kernel.engine.connect() as foe:
        await foe.execute(text("SELECT 1 FROM unit WHERE id = :unit FOR UPDATE"), {"unit": unit})
        waiting = asyncio.create_task(answers(kernel, pool, stuck))
        assert isinstance((await answers(kernel, other, free))[0], Booking)
        assert not waiting.done()
        await foe.rollback()
    assert isinstance((await waiting)[0], Booking)


async def test_drain_waits_for_every_answer_and_for_valkey(kernel, city, hold_as, sql):
    pool, [unit] = await city(capacities=(40,))
    held = [await hold_as(kernel, f"p{n}", pool, unit) for n in range(40)]
    confirms = [
        asyncio.create_task(confirm(kernel, claim_id=one.id, owner=f"p{n}", key="k"))
        for n, one in enumerate(held)
    ]
    while not kernel.committer._tasks:
        await asyncio.sleep(0)
    await kernel.committer.drain()
    assert len(kernel.take_settled()) >= 1
    assert len(await asyncio.gather(*confirms)) == 40
    assert await audit(kernel) == []


async def test_a_claimant_booked_elsewhere_meanwhile_is_refused(kernel, city, orders_of):
    pool, [unit] = await city()
    other, [elsewhere] = await city()
    [first] = await orders_of(pool, ("a", unit))
    [second] = await orders_of(other, ("a", elsewhere))
    second = second._replace(key="k2")
    outcomes = await asyncio.gather(answers(kernel, pool, [first]), answers(kernel, other, [second]))
    kinds = sorted(type(outcome).__name__ for [outcome] in outcomes)
    assert kinds == [AlreadyBooked.__name__, Booking.__name__]
