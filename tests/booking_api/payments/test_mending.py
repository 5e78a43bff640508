"""What a lost message or a lost worker left open is asked for: in turn, with growing pauses, and given up in the end."""

import asyncio

from litestar.testing import AsyncTestClient

from booking_api import app
from booking_api.app import create_app
from booking_api.payments import fees, mending


async def test_a_lost_message_is_asked_for(world):
    order = (await world.pay()).json()["id"]
    await world.mend()
    assert "/v1/orders/query" not in world.peer.asked, "the callback has a minute"
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["pending"]
    world.peer.pay(order)
    await world.mend()
    assert world.peer.asked.count("/v1/orders/query") == 1, "not again so soon"
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["settled"]
    changes = await world.rows("SELECT state, by FROM fee_change ORDER BY id")
    assert [row.by for row in changes] == ["opened", "order", "asked:remote"]


async def test_the_pauses_between_asking_grow_to_an_hour(world):
    await world.pay()
    pauses = []
    for _ in range(9):
        await world.rows("UPDATE fee SET next_at = now()")
        await world.mend()
        [row] = await world.rows("SELECT extract(epoch FROM next_at - now()) AS pause_s FROM fee")
        pauses.append(round(row.pause_s, -1))
    assert pauses == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]


async def test_an_order_the_provider_closed_is_failed_and_the_next_one_is_new(world):
    order = (await world.pay()).json()["id"]
    world.peer.end(order, "closed")
    await world.time_passes()
    await world.mend()
    assert (await world.pay()).json()["id"] != order
    assert await world.states() == ["failed", "pending"]


async def test_a_fee_never_ordered_is_given_up_after_an_hour(world):
    world.peer.down = True
    await world.pay()
    world.peer.down = False
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["due"]
    await world.rows("UPDATE fee SET created_at = created_at - interval '2 hours'")
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["failed"]


async def test_an_order_paid_though_its_worker_died_before_noting_it_is_settled(
    world, remote_settings, token, monkeypatch
):
    async def die(*_, **__):
        raise ConnectionResetError("the worker is gone")

    monkeypatch.setattr(fees, "_note_placed", die)
    async with AsyncTestClient(create_app(remote_settings)) as dying:
        body = {"authority": "cn-hz", "subject": 2}
        answer = await dying.post("/api/v1/payments", json=body, headers=token("a"))
        assert answer.status_code >= 500
    [order] = world.peer.orders
    assert await world.states() == ["due"]
    world.peer.pay(order)
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["settled"]


async def test_every_worker_mends_by_itself(world, remote_settings, monkeypatch):
    monkeypatch.setattr(app, "MEND_EVERY_S", 0.02)
    order = await world.paid_fee()
    await world.ask_refund()
    async with AsyncTestClient(create_app(remote_settings)):
        while await world.states() != ["refunded"]:
            await asyncio.sleep(0.02)
    assert world.peer.orders[order]["refunds"] == 1


async def test_two_workers_never_ask_for_the_same_fee_at_once(world):
    for account in "abcd":
        await world.pay(account)
    await world.time_passes()
    await asyncio.gather(*(world.mend() for _ in range(4)))
    assert world.peer.asked.count("/v1/orders/query") == 4


async def test_without_the_turn_they_would(world, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(mending, "FIRST_PAUSE_S", 0)
    await world.pay()
    await world.time_passes()
    await world.mend()
    await world.mend()
    assert world.peer.asked.count("/v1/orders/query") == 2


async def test_a_provider_that_tells_another_amount_when_asked_settles_nothing_and_is_logged(world, caplog):
    order = (await world.pay()).json()["id"]
    world.peer.pay(order)
    world.peer.orders[order]["amount_fen"] = 1
    other = (await world.pay("b")).json()["id"]
    world.peer.pay(other)
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["pending", "settled"]
    assert "its provider says 1 CNY" in caplog.text
