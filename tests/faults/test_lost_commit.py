"""The connection to PostgreSQL is lost at COMMIT: before it was sent, after it was done, and in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import pytest

from booking_api.embedded.postgres import PostgresServer
from reservation import Kernel, database
from reservation.committer import ATTEMPTS
from tests.faults.acts import Ask, Refused, act, asking
from tests.faults.ledger import Ledger
from tests.faults.proxy import Link, Proxy
from tests.faults.worlds import City, World, check_world, fill, make_city, read_rows

pytestmark = pytest.mark.fault

PEOPLE = 20
HOLD_TTL_S = 3
IDLE_LIMIT_MS = 700
IN_BETWEEN_S = 0.4


class Cutter:
    """Owns the rule that meets the next COMMITs: `cuts` of them are dealt with by `how`, the others pass."""

    def __init__(self) -> None:
        self.cuts = 0
        self.how: Callable[[Link, bytes], Awaitable[None]] = answer_lost
        self.done = 0

    async def rule(self, link: Link, message: bytes) -> None:
        if self.cuts and message[:1] == b"Q" and message[5:].startswith(b"COMMIT"):
            self.cuts -= 1
            self.done += 1
            await self.how(link, message)
        else:
            await link.pass_on(message)


async def answer_lost(link: Link, message: bytes) -> None:
    """PostgreSQL commits; its answer is never heard."""
    link.deaf = True
    link.answered.clear()
    await link.pass_on(message)
    await link.answered.wait()
    link.cut()


async def never_sent(link: Link, _message: bytes) -> None:
    """PostgreSQL sees the connection end before COMMIT."""
    link.cut()


async def done_later(link: Link, message: bytes) -> None:
    """The kernel has given the connection up and repeats while the first COMMIT is still on its way."""
    link.cut_client()
    await asyncio.sleep(IN_BETWEEN_S)
    await link.pass_on(message)


async def silent(link: Link, _message: bytes) -> None:
    """COMMIT vanishes and PostgreSQL is not told that the connection is lost: its own patience ends the transaction."""
    link.cut_client()


@pytest.fixture
def cutter() -> Cutter:
    return Cutter()


@pytest.fixture
async def cut_world(world: World, cutter: Cutter, monkeypatch) -> AsyncIterator[World]:
    """The same database through a proxy that can cut."""
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_TIMEOUT_MS", IDLE_LIMIT_MS)
    parts = urlsplit(world.database_url)
    folder = parse_qs(parts.query)["host"][0]
    name = PostgresServer.socket_name
    async with Proxy(Path(folder, name), name=name, rule=cutter.rule, frames=True) as proxy:
        query = f"host={quote(str(proxy.path.parent), safe='')}"
        through = World(database_url=urlunsplit(parts._replace(query=query)), valkey_url=world.valkey_url)
        try:
            yield through
        finally:
            await through.close()


async def hold_all(ask: Ask, city: City) -> list[dict[str, Any]]:
    """What each of the people has to say to confirm."""
    names = [f"p{n}" for n in range(PEOPLE)]
    held = await asyncio.gather(
        *(
            ask("hold", pool_id=city.pool, units=city.units[:1], claimant=f"person:{n}", owner=n)
            for n in names
        )
    )
    return [
        {"claim_id": hold["id"], "owner": name, "key": f"key-{name}"}
        for hold, name in zip(held, names, strict=True)
    ]


async def insist(kernel: Kernel, ledger: Ledger, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Repeats while the outcome is open."""
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await act(kernel, name, given)
            except Refused as refusal:
                ledger.count(name, refusal.code)
                if refusal.code not in {"unavailable", "busy"}:
                    raise
                await asyncio.sleep(0.1)
            else:
                ledger.count(name, "ok")
                return answer


@pytest.mark.parametrize("cuts", [1, ATTEMPTS])
@pytest.mark.parametrize("how", [answer_lost, never_sent, done_later, silent])
async def test_a_commit_whose_connection_is_lost_books_exactly_once(
    cut_world: World, cutter: Cutter, ledger: Ledger, how, cuts: int
):
    kernel = await cut_world.open_kernel()
    city = await make_city(kernel, capacities=(PEOPLE + 3,), hold_ttl_s=HOLD_TTL_S)
    confirms = await hold_all(asking(kernel), city)
    cutter.how, cutter.cuts = how, cuts
    booked = await asyncio.gather(*(insist(kernel, ledger, "confirm", given) for given in confirms))
    assert cutter.done == cuts
    if cuts == 1 and how is not silent:
        assert ledger.told["confirm ok"] == PEOPLE == ledger.told.total(), "the client must not notice"
    again = await asyncio.gather(*(act(kernel, "confirm", given) for given in confirms))
    assert again == booked
    ledger.booked = {answer["id"]: (f"p{n}", answer["unit"]) for n, answer in enumerate(booked)}
    await check_world(kernel, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    assert await fill(kernel, city) == 3
    print(f"\n{cuts} COMMITs of confirms {how.__name__}: {ledger.line()}")


@pytest.mark.parametrize("how", [answer_lost, never_sent, done_later, silent])
async def test_a_cancel_and_a_move_whose_commit_is_lost_happen_once(
    cut_world: World, cutter: Cutter, ledger: Ledger, how
):
    kernel = await cut_world.open_kernel()
    city = await make_city(kernel, capacities=(PEOPLE, PEOPLE), hold_ttl_s=10 * HOLD_TTL_S)
    confirms = await hold_all(asking(kernel), city)
    booked = await asyncio.gather(*(act(kernel, "confirm", given) for given in confirms))
    ledger.booked = {answer["id"]: (f"p{n}", answer["unit"]) for n, answer in enumerate(booked)}

    cutter.how, cutter.cuts = how, 1
    cancelled = await insist(kernel, ledger, "cancel", {"booking_id": booked[0]["id"], "owner": "p0"})
    assert cancelled["state"] == "cancelled"
    ledger.cancelled.add(cancelled["id"])

    new = await asking(kernel)(
        "hold", pool_id=city.pool, units=city.units[1:], claimant="person:p1", owner="p1"
    )
    cutter.cuts = 1
    moving = {"booking_id": booked[1]["id"], "hold_id": new["id"], "owner": "p1"}
    moved = await insist(kernel, ledger, "reschedule", moving)
    assert await act(kernel, "reschedule", moving) == moved
    ledger.moved[booked[1]["id"]] = moved["id"]
    ledger.booked[moved["id"]] = "p1", city.units[1]
    assert cutter.done == 2
    left = await read_rows(kernel, "SELECT booked FROM unit WHERE pool_id = :p ORDER BY id", p=city.pool)
    assert [row.booked for row in left] == [PEOPLE - 2, 1]
    await check_world(kernel, ledger=ledger, hold_ttl_s=HOLD_TTL_S)
    assert await fill(kernel, city) == PEOPLE + 1
    print(f"\nCOMMIT of cancel and reschedule {how.__name__}: {ledger.line()}")
