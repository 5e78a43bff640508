"""Valkey stands still for longer than a call may take, and does it when its caller has given up; or the call is cut.

In each case the same process goes on with the same data, so nothing is rebuilt: what was not told must be told again.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from booking_api.embedded.valkey import ValkeyServer
from reservation import lane
from reservation.lane import Lane
from tests.faults.acts import Ask, Refused, asking
from tests.faults.proxy import Link, Proxy, Rule
from tests.faults.traffic import NOT_NOW
from tests.faults.worlds import City, World, check_world, fill, make_city, read_rows

pytestmark = pytest.mark.fault

CALL_TIMEOUT_S = 0.4
STALL_S = 0.9
HOLD_TTL_S = 3
PERSON = {"claimant": "person:a", "owner": "a"}


@pytest.fixture
def short_calls(monkeypatch):
    """The same limits, shorter, so that each stall takes a second."""
    monkeypatch.setattr(lane, "CALL_TIMEOUT_S", CALL_TIMEOUT_S)
    monkeypatch.setattr(lane, "WATCH_EVERY_S", 0.05)


def debug_sleep(lane_: Lane, _server: ValkeyServer) -> None:
    """The server sleeps before it gets to the next command of this very connection."""
    lane_.command("DEBUG", "SLEEP", str(STALL_S))


def stop_process(_lane: Lane, server: ValkeyServer) -> None:
    """The server's process is stopped; the command waits in its socket."""
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asyncio.get_running_loop().call_later(STALL_S, os.kill, pid, signal.SIGCONT)


Stall = Callable[[Lane, ValkeyServer], None]


@pytest.fixture
def stall_at(monkeypatch: pytest.MonkeyPatch, valkey: ValkeyServer) -> Callable[[str, Stall], list[str]]:
    """The first call of a function meets a server that stands still; gives a list that then has its name."""

    def arrange(function: str, stall: Stall) -> list[str]:
        stalled: list[str] = []
        call = Lane.function

        def calling(self: Lane, name: str, key: str, *args: Any) -> asyncio.Future[Any]:
            if name == function and not stalled:
                stalled.append(name)
                stall(self, valkey)
            return call(self, name, key, *args)

        monkeypatch.setattr(Lane, "function", calling)
        return stalled

    return arrange


async def insist(ask: Ask, act: str, **given: Any) -> tuple[str, dict[str, Any], list[str]]:
    """Repeats the same request until its answer is definite: (outcome, answer, the refusals before it)."""
    refusals: list[str] = []
    async with asyncio.timeout(20):
        while True:
            try:
                return "ok", await ask(act, **given), refusals
            except Refused as refusal:
                if refusal.code not in NOT_NOW:
                    return refusal.code, {}, refusals
                refusals.append(refusal.code)
            await asyncio.sleep(0.05)


async def hold_and_end(ask: Ask, city: City, function: str) -> tuple[str, list[str]]:
    """Holds, then releases if that is the function in trouble, else confirms, and may be cancels.

    Gives the outcome and the refusals before it.
    """
    told, held, before = await insist(ask, "hold", pool_id=city.pool, units=city.units, **PERSON)
    assert told == "ok"
    again = await insist(ask, "hold", pool_id=city.pool, units=city.units, **PERSON)
    assert again[1]["id"] == held["id"], "one hold, however often it was asked for"
    if function == "release":
        told, _, more = await insist(ask, "release", claim_id=held["id"], owner="a")
        assert told in {"ok", "hold_lost"}
        return told, before + more
    told, booked, more = await insist(ask, "confirm", claim_id=held["id"], owner="a", key="key")
    assert (told, booked["id"]) == ("ok", held["id"])
    again = await insist(ask, "confirm", claim_id=held["id"], owner="a", key="key")
    assert again[1] == booked
    if function == "cancel":
        told, _, before = await insist(ask, "cancel", booking_id=booked["id"], owner="a")
        assert told == "ok"
    return told, before + more


@pytest.mark.usefixtures("short_calls")
@pytest.mark.parametrize("stall", [debug_sleep, stop_process])
@pytest.mark.parametrize("function", ["hold", "mark", "release", "apply"])
async def test_a_call_that_timed_out_and_was_done_all_the_same_can_be_repeated(
    world: World, stall_at: Callable[[str, Stall], list[str]], function: str, stall: Stall
):
    kernel = await world.open_kernel()
    city = await make_city(kernel, capacities=(2,), hold_ttl_s=HOLD_TTL_S)
    ask = asking(kernel)
    stalled = stall_at(function, stall)
    told, before = await hold_and_end(ask, city, function)
    await kernel.committer.drain()
    assert stalled == [function]
    # An effect has no client that waits for it; every other call has been refused once.
    assert ("unavailable" in before) == (function != "apply"), before
    booked_rows = await read_rows(kernel, "SELECT id FROM booking")
    assert len(booked_rows) == (function != "release")
    await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
    assert await fill(kernel, city) == 2 - len(booked_rows)
    print(f"\n{function} stalled by {stall.__name__}: refused {dict(Counter(before))}, then {told}")


async def never_sent(link: Link, _data: bytes) -> None:
    """The connection is lost before the server has read the call."""
    link.cut()


async def answer_lost(link: Link, data: bytes) -> None:
    """The server has done it; its answer is never heard."""
    link.deaf = True
    link.answered.clear()
    await link.pass_on(data)
    await link.answered.wait()
    link.cut()


SPOKEN = {
    "hold": b"\r\nhold_",
    "mark": b"\r\nmark_",
    "release": b"\r\nrelease_",
    "apply": b"\r\ntake\r\n",
    "cancel": b"\r\nfree\r\n",
}
"""What is seen on the wire of each call; the last two are the effects of a confirm and of a cancel."""


@pytest.mark.parametrize("cut", [never_sent, answer_lost])
@pytest.mark.parametrize("function", SPOKEN)
async def test_a_call_whose_connection_was_cut_can_be_repeated(
    database_url: str, valkey: ValkeyServer, function: str, cut: Rule
):
    cuts: list[bytes] = []

    async def rule(link: Link, data: bytes) -> None:
        if SPOKEN[function] in data and b"FUNCTION" not in data and not cuts:
            cuts.append(data)
            await cut(link, data)
        else:
            await link.pass_on(data)

    async with Proxy(valkey.sockets / valkey.socket_name, name="valkey.sock", rule=rule) as proxy:
        world = World(database_url=database_url, valkey_url=f"unix://{proxy.path}")
        try:
            kernel = await world.open_kernel()
            city = await make_city(kernel, capacities=(2,), hold_ttl_s=HOLD_TTL_S)
            epoch = (await kernel.read_pools(city.pool))[0].epoch
            told, before = await hold_and_end(asking(kernel), city, function)
            await kernel.committer.drain()
            assert cuts, "the call must have been cut"
            assert ("unavailable" in before) == (function not in {"apply", "cancel"}), before
            await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
            assert (await kernel.read_pools(city.pool))[0].epoch == epoch, "nothing was to be rebuilt"
            assert await fill(kernel, city) == (2 if function in {"release", "cancel"} else 1)
        finally:
            await world.close()
    print(f"\n{function} {cut.__name__}: refused {dict(Counter(before))}, then {told}")


async def test_an_answer_that_is_late_while_connecting_is_not_taken_for_another(
    database_url, valkey: ValkeyServer, monkeypatch
):
    """Loading the functions takes longer than connecting may: its answer must not become the first call's."""
    monkeypatch.setattr("reservation.valkey.CONNECT_TIMEOUT_S", 0.2)
    late: list[bytes] = []

    async def rule(link: Link, data: bytes) -> None:
        if b"FUNCTION" in data and not late:
            late.append(data)
            link.hold_back_s = 0.5
        await link.pass_on(data)

    async with Proxy(valkey.sockets / valkey.socket_name, name="valkey.sock", rule=rule) as proxy:
        world = World(database_url=database_url, valkey_url=f"unix://{proxy.path}")
        try:
            kernel = await world.open_kernel()
            city = await make_city(kernel, capacities=(2,), hold_ttl_s=HOLD_TTL_S)
            told, held, refusals = await insist(
                asking(kernel), "hold", pool_id=city.pool, units=city.units, **PERSON
            )
            assert late, "the answer must have been late once"
            assert told == "ok"
            assert (await asking(kernel)("confirm", claim_id=held["id"], owner="a", key="key"))["id"] == held[
                "id"
            ]
            await check_world(kernel, hold_ttl_s=HOLD_TTL_S)
        finally:
            await world.close()
    print(f"\nfunctions loaded late: refused {refusals}, then held and booked")
