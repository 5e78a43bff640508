"""The live page: what it says is what happened, whoever did it."""

import asyncio
import re

import msgspec
import pytest
from sqlalchemy import select, text

from booking_api.pages.catalogue import words_in
from booking_api.pages.operator.rush_figures import as_event, rush_view
from booking_api.pulses import Pulses
from reservation import audit, confirm, hold, release
from reservation.errors import Full
from reservation.tables import unit as unit_table
from tests.booking_api.pages.operator.conftest import HZ


@pytest.fixture
async def rushed(kernel, published):
    """Seven people and three places: three held, one let go and held again, two confirmed; what that leaves."""
    await published(capacity=3)
    query = select(unit_table.c.pool_id, unit_table.c.id).order_by(unit_table.c.starts_at).limit(1)
    async with kernel.engine.connect() as connection:
        pool, unit = (await connection.execute(query)).one()

    async def ask(name: str):
        return await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{name}", owner=name)

    first, *others = [await ask(name) for name in "abc"]
    for name in "defg":
        with pytest.raises(Full):
            await ask(name)
    await release(kernel, claim_id=first.id, owner="a")
    await ask("h")
    for one, name in zip(others, "bc", strict=True):
        await confirm(kernel, claim_id=one.id, owner=name, key=f"key-{name}")
    await kernel.committer.drain()
    return pool, unit


FIGURE = re.compile(r'data-figure="(\w+)">([^<]*)<')


async def test_the_page_says_what_postgresql_and_the_clients_say(operator, rushed, kernel):
    pool, _ = rushed
    answer = await operator.get(f"{HZ}/rush?pool={pool}&minutes=5")
    told = dict(FIGURE.findall(answer.text))
    assert told == {
        "free": "3",
        "held": "1",
        "booked": "2",
        "confirming": "0",
        "holds": "4",
        "confirms": "2",
        "refused": "4",
        "abandoned": "0",
        "released": "1",
    }
    async with kernel.engine.connect() as connection:
        booked = await connection.execute(text("SELECT count(*) FROM booking WHERE state = 'booked'"))
        assert str(booked.scalar_one()) == told["booked"] == told["confirms"]
    assert await audit(kernel) == []


async def test_the_stream_tells_the_same_to_the_office_it_is_of(
    operator, browser_of, rushed, desk_of, client
):
    pool, _ = rushed
    told = await desk_of(pool)
    assert (told["figures"]["free"], told["figures"]["refused"]) == ("3", "4")
    assert told["reasons"] == [["full", 4]]
    assert [sum(column) for column in zip(*(row[1:] for row in told["minutes"]), strict=True)] == [
        4,
        2,
        4,
        0,
        1,
    ]
    assert [session[2:] for session in told["sessions"]] == [[3, 2, 1, 0], [3, 0, 0, 3]]
    other = await browser_of("np", "operator:cn-zj-nb")
    assert (await other.get(f"{HZ}/rush/events?pool={pool}")).status_code == 403
    assert (await other.get(f"/operator/cn-zj-nb/rush/events?pool={pool}")).status_code == 404
    stranger = await client.get(f"{HZ}/rush/events?pool={pool}")
    assert stranger.status_code == 303


@pytest.fixture
def desk_of(kernel):
    """One event of the stream, as its route makes it."""

    async def first(pool: int):
        now = await Pulses(kernel).now(pool)
        return msgspec.json.decode(msgspec.json.encode(as_event(rush_view(now, words_in("en"), span=5))))

    return first


async def test_refusals_by_the_rules_and_by_the_gate_are_counted_with_their_codes(
    client, operator, token, rushed, kernel
):
    pool, unit = rushed
    body = {"pool": pool, "units": [unit]}
    # Nobody here has a certificate; and one has not even signed in.
    assert (await client.post("/api/v1/holds", json=body, headers=token("x"))).status_code == 403
    assert (await client.post("/api/v1/holds", json=body)).status_code == 401
    for _ in range(100):
        shown = (await operator.get(f"{HZ}/rush?pool={pool}")).text
        if 'data-figure="refused">6<' in shown:
            break
        await asyncio.sleep(0.05)
    assert 'data-figure="refused">6<' in shown
    for said in ("rules", "not signed in", "full"):
        assert f'<th scope="row">{said}</th>' in shown


async def test_an_office_that_gives_nothing_out_says_so(browser_of):
    other = await browser_of("np", "operator:cn-zj-nb")
    assert "Nothing is given out yet" in (await other.page("/operator/cn-zj-nb/rush")).text
