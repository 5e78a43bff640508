"""Fees over a real provider: ordered once, settled, used up by a sitting."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from tests.booking_api.payments.conftest import refused


async def test_a_fee_is_ordered_paid_and_settled(world, token):
    answer = await world.pay()
    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["amount_fen"], told["currency"]) == ("pending", 12_050, "CNY")
    assert told["pay_url"] == f"{world.peer.url}/pay/R1"
    assert world.peer.orders[told["id"]]["merchant"] == "m1"
    assert await world.settled("a") == {}
    world.peer.pay(told["id"])
    assert (await world.tell(told["id"])).json() == {"order": told["id"], "state": "settled"}
    assert await world.settled("a", "b") == {"a": frozenset({2})}
    [mine] = await world.get("payments")
    assert (mine["state"], mine["pay_url"]) == ("settled", None)
    assert await world.get("payments", "b") == []
    [notice] = await world.get("notices")
    assert notice["kind"] == "payment.settled"
    assert notice["facts"]["payment"] == told["id"]


async def test_asking_again_gives_the_same_order_even_at_once(world):
    answers = await asyncio.gather(*(world.pay() for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["pay_url"] for answer in answers}) == 1
    assert len(world.peer.orders) == 1
    assert (await world.pay(subject=1)).json()["id"] not in {answer.json()["id"] for answer in answers}
    assert (await world.pay(authority="cn-nb")).json()["amount_fen"] == 12_050
    assert len(world.peer.orders) == 3


async def test_what_is_free_or_nowhere_is_not_ordered(world, token):
    refused(await world.pay(subject=4), 409, "nothing_due")
    refused(await world.pay(authority="cn-none"), 404, "unknown_authority")
    refused(await world.pay(authority="\x00"), 400, "invalid_request")
    refused(await world.pay(subject=5), 400, "invalid_request")
    unverified = token("u", verified=False)
    body = {"authority": "cn-hz", "subject": 2}
    refused(await world.client.post("/api/v1/payments", json=body, headers=unverified), 403, "not_verified")
    assert world.peer.orders == {}


async def test_a_provider_that_is_down_leaves_the_fee_due_and_repeating_goes_on(world):
    world.peer.down = True
    answer = await world.pay()
    refused(answer, 503, "payment_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert await world.states() == ["due"]
    world.peer.down = False
    assert (await world.pay()).json()["state"] == "pending"
    assert await world.states() == ["pending"]


async def test_an_order_done_unheard_is_not_done_twice(world):
    world.peer.unheard = True
    refused(await world.pay(), 503, "payment_unavailable")
    assert len(world.peer.orders) == 1
    world.peer.unheard = False
    assert (await world.pay()).json()["pay_url"] == f"{world.peer.url}/pay/R1"
    assert len(world.peer.orders) == 1


async def test_an_answer_that_makes_no_sense_is_no_order(world):
    for answer in (
        b"",
        b"[]",
        b"{",
        b'{"reference": "r"}',
        b'{"reference": "r", "pay_url": "javascript:alert(1)"}',
        b'{"reference": "r", "pay_url": "https://' + b"x" * 2_000 + b'"}',
        b" " * 70_000,
    ):
        world.peer.answer = answer
        refused(await world.pay(), 503, "payment_unavailable")
    assert await world.states() == ["due"]


async def test_a_sitting_uses_one_fee_up_and_the_next_is_due_again(world):
    await world.paid_fee()
    other = "0192f3c0-1234-8056-9789-0123456789ac"
    assert await world.use() == 1
    assert await world.use() == 0, "repeating it uses no other fee"
    assert await world.use(booking=other) == 0
    assert await world.use(booking=other, subject=1) == 0
    assert await world.settled("a") == {}
    assert (await world.pay()).json()["state"] == "pending"
    assert await world.states() == ["settled", "pending"]


async def test_nobody_pays_twice_for_one_sitting_and_the_database_knows_it(world):
    """The index is the mechanism; with it gone the fault would show."""
    await world.pay()
    twice = "INSERT INTO fee SELECT gen_random_uuid(), account, authority, subject, amount_fen, state, provider, NULL, NULL, NULL, now(), NULL, 0, now() FROM fee"
    with pytest.raises(DBAPIError, match="fee_open_idx"):
        await world.rows(twice)
    await world.rows("DROP INDEX fee_open_idx")
    await world.rows(twice)
    assert await world.states() == ["pending", "pending"]


async def test_what_was_noted_of_a_fee_stays(world):
    await world.pay()
    for change in ("UPDATE fee_change SET by = 'nobody'", "DELETE FROM fee_change"):
        with pytest.raises(DBAPIError, match="stay"):
            await world.rows(change)
    assert len(await world.rows("SELECT 1 FROM fee_change")) == 2
