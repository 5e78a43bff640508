"""Live counts for many: said once, merged for whoever is slow, and never left hanging."""

import asyncio

import msgspec
import pytest

from booking_api import availability as module
from booking_api.availability import Availability
from reservation import hold, release
from reservation.errors import Busy, Unavailable


@pytest.fixture
async def live(kernel, monkeypatch):
    monkeypatch.setattr(module, "TICK_S", 0.02)
    live = Availability(kernel)
    yield live
    await live.close()


@pytest.fixture
def held(kernel):
    async def act(pool, unit, name="a"):
        return await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{name}", owner=name)

    return act


async def following(watching, wanted):
    """Reads until the counts are as wanted; fails by the test's time limit."""
    counts = {}
    async for told in watching:
        counts |= told.counts
        if counts == wanted:
            return
    raise AssertionError("the stream has ended")


async def test_all_who_follow_a_pool_are_sent_the_very_same_bytes(live, city, held):
    pool, [one, two] = await city(capacities=(1, 2))
    watchers = [live.watch(pool, None) for _ in range(60)]
    firsts = await asyncio.gather(*map(anext, watchers))
    assert {id(told.event) for told in firsts} == {id(firsts[0].event)}
    await held(pool, two)
    changes = await asyncio.gather(*map(anext, watchers))
    assert {id(told.event) for told in changes} == {id(changes[0].event)}
    assert changes[0].event == b'event: availability\r\ndata: {"%d":1}\r\n\r\n' % two
    assert msgspec.json.decode(firsts[0].event.split(b"data: ")[1]) == {str(one): 1, str(two): 2}
    for watcher in watchers:
        await watcher.aclose()


async def test_whoever_follows_one_unit_is_told_of_that_one_only(live, city, held):
    pool, [one, two] = await city(capacities=(1, 2))
    watching, other = live.watch(pool, [one]), live.watch(pool, [two])
    assert (await anext(watching)).counts == {one: 1}
    assert (await anext(other)).counts == {two: 2}
    await held(pool, one)
    assert (await anext(watching)).counts == {one: 0}
    await watching.aclose()
    await other.aclose()


async def test_a_watcher_that_does_not_read_keeps_one_set_and_misses_nothing(live, city, held, kernel):
    pool, [one, two] = await city(capacities=(1, 2))
    slow, quick = live.watch(pool, None), live.watch(pool, None)
    await anext(slow)
    mine = await held(pool, one)
    await following(quick, {one: 0, two: 2})
    await held(pool, two, "b")
    await following(quick, {two: 1})
    await release(kernel, claim_id=mine.id, owner="a")
    await following(quick, {one: 1})
    assert (await anext(slow)).counts == {one: 1, two: 1}
    await slow.aclose()
    await quick.aclose()


async def test_a_silent_stream_says_that_it_is_still_there(live, city, monkeypatch):
    pool, _ = await city()
    watching = live.watch(pool, None)
    await anext(watching)
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.05)
    assert await anext(watching) is None
    await watching.aclose()


async def test_a_database_that_does_not_answer_at_first_is_asked_again(live, city, monkeypatch):
    pool, [unit] = await city(capacities=(1,))
    failures, real = [], module.transaction

    def transaction(engine):
        if len(failures) < 2:
            failures.append(1)
            raise Unavailable(part="postgresql")
        return real(engine)

    monkeypatch.setattr(module, "transaction", transaction)
    watching = live.watch(pool, None)
    assert (await anext(watching)).counts == {unit: 1}
    assert len(failures) == 2
    await watching.aclose()


async def test_streams_end_when_nobody_would_wake_them_any_more(live, city, monkeypatch):
    """A browser asks anew then; a stream that hung would show old counts for ever."""
    pool, _ = await city()
    watching = live.watch(pool, None)
    await anext(watching)

    async def fails(*_args, **_options):
        raise RuntimeError

    monkeypatch.setattr(module, "free_places", fails)
    with pytest.raises(StopAsyncIteration):
        await anext(watching)
    monkeypatch.undo()
    again = live.watch(pool, None)
    assert (await anext(again)).counts
    await again.aclose()


async def test_there_is_a_limit_to_the_streams_of_a_worker(live, city, monkeypatch):
    pool, _ = await city()
    monkeypatch.setattr(module, "WATCHERS_LIMIT", 1)
    first, second = live.watch(pool, None), live.watch(pool, None)
    await anext(first)
    with pytest.raises(Busy):
        await anext(second)
    await first.aclose()


async def test_others_have_their_turn_while_many_are_woken(live, city, held, monkeypatch):
    """Between two watchers that are woken, whoever else is ready runs; without it all watchers come first."""
    pool, [unit] = await city(capacities=(9,))
    watchers = [live.watch(pool, None) for _ in range(40)]
    await asyncio.gather(*map(anext, watchers))

    async def between(name):
        """How many watchers are still to be told when somebody beside them has had three turns since the first was."""
        reads = [asyncio.ensure_future(anext(watcher)) for watcher in watchers]
        await asyncio.sleep(0)
        await held(pool, unit, name)
        await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
        waiting = sum(not read.done() for read in reads)
        await asyncio.gather(*reads)
        return waiting

    monkeypatch.setattr(module, "WOKEN_AT_ONCE", 2)
    assert await between("a") > 20
    monkeypatch.setattr(module, "WOKEN_AT_ONCE", 1_000)
    assert await between("b") == 0
    for watcher in watchers:
        await watcher.aclose()
