"""The lane: calls of a tick in one write, answers in order, and nobody waits for a silent server."""

import asyncio
import time

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from booking_api.embedded.valkey import ValkeyServer
from reservation import lane as lane_module
from reservation.errors import Busy, Unavailable
from reservation.functions import reservation_library
from reservation.lane import CALL_TIMEOUT_S, WATCH_EVERY_S
from reservation.valkey import Valkey

RECOVERED_S = 10.0
BEFORE_S = 0.1
ASLEEP_S = BEFORE_S + CALL_TIMEOUT_S + 3 * WATCH_EVERY_S
"""A server that sleeps for longer than a call may take is given up on before it wakes."""


@pytest.fixture
async def connect():
    opened = []

    async def make(url):
        one = Valkey(url, libraries=[reservation_library()])
        opened.append(one)
        await one.open()
        return one

    yield make
    for one in opened:
        await one.close()


@pytest.fixture
def own_server(tmp_path):
    """A Valkey that this test may stop, pause and kill."""
    server = ValkeyServer(tmp_path, config={"enable-debug-command": "local"})
    server.start()
    server.wait_ready()
    yield server
    server.stop()


async def reconnected(valkey, not_this=None):
    deadline = time.monotonic() + RECOVERED_S
    while True:
        try:
            lane = valkey.lane("k")
        except Unavailable:
            lane = None
        if lane is not None and lane is not not_this:
            return lane
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_answers_come_back_in_order(valkey_url, connect):
    lane = (await connect(valkey_url)).lane("k")
    answers = await asyncio.gather(*(lane.command("ECHO", str(n)) for n in range(5000)))
    assert answers == [str(n).encode() for n in range(5000)]


async def test_calls_of_one_tick_travel_in_one_write(valkey_url, connect):
    lane = (await connect(valkey_url)).lane("k")
    stats = await lane.command("INFO", "stats")
    before = int(stats.split(b"total_reads_processed:")[1].split(b"\r\n")[0])
    await asyncio.gather(*(lane.command("ECHO", str(n)) for n in range(200)))
    stats = await lane.command("INFO", "stats")
    after = int(stats.split(b"total_reads_processed:")[1].split(b"\r\n")[0])
    assert after - before <= 4


async def test_an_error_answer_reaches_its_own_caller_only(valkey_url, connect):
    lane = (await connect(valkey_url)).lane("k")
    calls = [lane.command("ECHO", "a"), lane.command("NO SUCH COMMAND"), lane.command("ECHO", "b")]
    first, refused, last = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, last) == (b"a", b"b")
    assert isinstance(refused, ResponseError)
    assert not lane.closed


async def test_a_caller_who_hangs_up_does_not_shift_the_answers(valkey_url, connect):
    lane = (await connect(valkey_url)).lane("k")
    gone, kept = lane.command("ECHO", "gone"), lane.command("ECHO", "kept")
    gone.cancel()
    assert await kept == b"kept"
    assert await lane.command("ECHO", "later") == b"later"


@pytest.mark.parametrize("bad", ["\ud800", None, object()])
async def test_what_cannot_be_sent_does_not_shift_the_answers(valkey_url, connect, bad):
    """A string that is no UTF-8 raises at its caller, and the next answers still go to their own callers."""
    lane = (await connect(valkey_url)).lane("k")
    first = lane.command("ECHO", "first")
    with pytest.raises((UnicodeEncodeError, TypeError)):
        lane.command("ECHO", bad)
    assert await asyncio.wait_for(lane.command("ECHO", "second"), RECOVERED_S) == b"second"
    assert await first == b"first"


async def test_a_server_that_says_nothing_is_given_up_on_and_found_again(own_server, connect):
    valkey = await connect(own_server.url)
    lane = valkey.lane("k")
    async with Redis.from_url(own_server.url) as client:
        asleep = asyncio.create_task(client.execute_command("DEBUG", "SLEEP", str(ASLEEP_S)))
        await asyncio.sleep(BEFORE_S)
        calls = [lane.command("ECHO", str(n)) for n in range(100)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable] * 100
        assert not asleep.done(), "they were given up on before the server said something again"
        with pytest.raises(Unavailable):
            valkey.lane("k")
        with pytest.raises(Unavailable):
            lane.command("ECHO", "too late")
        await asleep
    again = await reconnected(valkey, lane)
    assert await again.command("ECHO", "back") == b"back"
    assert again.run_id == lane.run_id


async def test_a_killed_server_is_unavailable_at_once_and_found_again(own_server, connect):
    valkey = await connect(own_server.url)
    lane = valkey.lane("k")
    call = lane.command("BLPOP", "nothing", "0")
    own_server.kill()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await call
    assert time.monotonic() - began < CALL_TIMEOUT_S
    assert valkey.missing()
    own_server.start()
    own_server.wait_ready()
    again = await reconnected(valkey, lane)
    assert await again.command("ECHO", "back") == b"back"
    assert again.run_id != lane.run_id
    assert not valkey.missing()


async def test_a_server_that_is_down_at_the_start_is_found_when_it_comes(own_server, connect):
    url = own_server.url
    own_server.stop()
    valkey = await connect(url)
    with pytest.raises(Unavailable):
        valkey.lane("k")
    own_server.start()
    own_server.wait_ready()
    lane = await reconnected(valkey)
    called = await lane.function("free", "{p1}:fence", "1")
    assert called == [-1]


async def test_too_many_waiting_calls_are_busy(valkey_url, connect, monkeypatch):
    monkeypatch.setattr(lane_module, "WAITING_LIMIT", 3)
    lane = (await connect(valkey_url)).lane("k")
    calls = [lane.command("ECHO", str(n)) for n in range(3)]
    with pytest.raises(Busy):
        lane.command("ECHO", "one too many")
    assert await asyncio.gather(*calls) == [b"0", b"1", b"2"]
    assert await lane.command("ECHO", "room again") == b"room again"


async def test_closing_answers_whoever_waits(valkey_url, connect):
    valkey = await connect(valkey_url)
    lane = valkey.lane("k")
    call = lane.command("BLPOP", "nothing", "0")
    await asyncio.sleep(0.01)
    await valkey.close()
    with pytest.raises(Unavailable):
        await call
    with pytest.raises(Unavailable):
        valkey.lane("k")


async def test_a_server_that_refuses_writes_is_unavailable_and_not_an_error_of_ours(own_server, connect):
    """Out of memory, or no disk to persist to: not now, and nothing was done."""
    valkey = await connect(own_server.url)
    lane = valkey.lane("k")
    async with Redis.from_url(own_server.url) as client:
        await client.config_set("maxmemory", 1)
        with pytest.raises(Unavailable):
            await lane.command("SET", "k", "v")
        assert not lane.closed
        await client.config_set("maxmemory", 0)
    assert await lane.command("SET", "k", "v") == b"OK"


async def test_a_demoted_server_is_left(own_server, connect):
    valkey = await connect(own_server.url)
    lane = valkey.lane("k")
    async with Redis.from_url(own_server.url) as client:
        await client.replicaof("127.0.0.1", 1)
        with pytest.raises(Unavailable):
            await lane.command("SET", "k", "v")
        assert lane.closed
        await asyncio.sleep(0.2)
        assert valkey.missing()  # a replica is passed over
        await client.replicaof("NO", "ONE")
    again = await reconnected(valkey, lane)
    assert await again.command("SET", "k", "v") == b"OK"
