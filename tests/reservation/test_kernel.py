"""What a kernel owns: its background work, what it knows of pools, what it has told."""

import asyncio
import gc
import logging

import pytest

from reservation import confirm
from reservation import kernel as kernel_module
from reservation.errors import Rebuilding, Unavailable, UnknownPool
from reservation.keys import fence_key
from reservation.model import Effect


async def test_closing_answers_every_confirm_that_was_accepted(kernel, city, hold_as, kernels, sql):
    pool, [unit] = await city(capacities=(30,))
    worker = await kernels()
    held = [await hold_as(worker, f"p{n}", pool, unit) for n in range(30)]
    confirms = [
        asyncio.create_task(confirm(worker, claim_id=one.id, owner=f"p{n}", key="k"))
        for n, one in enumerate(held)
    ]
    while not worker.committer._waiting:
        await asyncio.sleep(0)
    await worker.close()
    answers = await asyncio.gather(*confirms, return_exceptions=True)
    booked = {row.owner for row in await sql(kernel, "SELECT owner FROM booking")}
    told = {f"p{n}" for n, answer in enumerate(answers) if not isinstance(answer, BaseException)}
    assert booked == told
    assert told


async def test_a_pool_is_healed_once_at_a_time_and_again_when_that_failed(kernel, city, valkey, eventually):
    pool, _ = await city()
    heals, go_on = [], asyncio.Event()
    real = kernel.healer

    async def heal(pool_id):
        heals.append(pool_id)
        await go_on.wait()
        raise Unavailable(part="postgresql")

    kernel.healer = heal
    for _ in range(5):
        kernel.heal(pool)
    await asyncio.sleep(0)
    assert heals == [pool]
    go_on.set()
    await asyncio.gather(*kernel._background)
    kernel.healer = real
    await valkey.delete(fence_key(pool))
    with pytest.raises(Rebuilding):
        await kernel.call(pool, "overdue", 0, 0)
    await eventually(lambda: valkey.get(fence_key(pool)), lambda fence: fence and "rebuilding" not in fence)


async def test_background_work_that_fails_is_logged_and_takes_nobody_down(kernel, caplog):
    async def fail(error):
        raise error

    with caplog.at_level(logging.WARNING, "reservation.kernel"):
        for error in (Unavailable(part="valkey"), OSError("gone"), RuntimeError("a bug")):
            await kernel.in_background(fail(error), name=f"work-{type(error).__name__}")
    levels = {record.getMessage().split(":")[0].split(" ")[0]: record.levelname for record in caplog.records}
    assert levels == {"work-Unavailable": "WARNING", "work-OSError": "WARNING", "work-RuntimeError": "ERROR"}
    await asyncio.sleep(0)
    assert not [task for task in kernel._background if task.get_name().startswith("work-")]


async def test_background_work_that_never_began_is_ended_cleanly(kernels):
    """Closed in the same tick in which it was asked for; a warning would fail this test."""
    worker, began = await kernels(), []

    async def work():
        began.append(1)

    worker.in_background(work(), name="work")
    await worker.close()
    assert began in ([], [1])
    task = worker.in_background(work(), name="work")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gc.collect()
    assert len(began) <= 1


async def test_what_was_settled_is_taken_once_and_bounded(kernel, monkeypatch):
    monkeypatch.setattr(kernel_module, "SETTLED_LIMIT", 3)
    kernel.settle([1, 2])
    kernel.settle([3, 4, 5])
    assert kernel.take_settled() == [1, 2, 3]
    assert kernel.take_settled() == []


async def test_an_effect_that_cannot_be_told_keeps_its_row(kernel, city, kernels):
    pool, [unit] = await city()
    cut_off = await kernels(healing=False)
    _, epoch = await cut_off.call_fenced(pool, "overdue", 0, 0)
    await cut_off.valkey.lane(fence_key(pool)).close()
    await cut_off.tell(Effect(id=7, pool=pool, epoch=epoch, changes=["size", "3", str(unit)]))
    assert cut_off.take_settled() == []


async def test_pools_are_read_once_and_afresh_when_asked(kernel, city, sql):
    pool, _ = await city()
    await sql(kernel, "UPDATE pool SET hold_ttl_s = 7 WHERE id = :pool", pool=pool)
    assert (await kernel.pool(pool)).hold_ttl_s == 300
    [fresh] = await kernel.read_pools(pool)
    assert fresh.hold_ttl_s == (await kernel.pool(pool)).hold_ttl_s == 7
    assert await kernel.read_pools(404) == []
    with pytest.raises(UnknownPool):
        await kernel.pool(404)


async def test_without_postgresql_a_pool_that_is_known_is_still_known(kernel, city, kernels, monkeypatch):
    pool, _ = await city()
    worker = await kernels()
    await worker.pool(pool)

    def refuse(*_, **__):
        raise ConnectionRefusedError(111, "nobody there")

    await worker.engine.dispose()
    monkeypatch.setattr(worker.engine.sync_engine.dialect, "connect", refuse)
    assert (await worker.pool(pool)).id == pool
    with pytest.raises(Unavailable):
        await worker.read_pools(pool)
