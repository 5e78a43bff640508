"""Fees over a real provider: ordered once, settled by its signed word only, mended when a message or a worker is lost."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy.exc import DBAPIError

from booking_api import app, clock
from booking_api.app import create_app
from booking_api.payments import fees, mending, remote
from tests.booking_api.payments.conftest import BOOKING, refused
from tests.booking_api.payments.peer import KEY


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


async def test_a_message_that_is_late_twice_or_out_of_order_changes_nothing(world):
    order = await world.paid_fee()
    for state in ("unpaid", "closed", "paid", "paid"):
        assert (await world.tell(order, state=state)).json() == {"order": order, "state": "settled"}
    assert [row.state for row in await world.rows("SELECT state FROM fee_change ORDER BY id")] == [
        "due",
        "pending",
        "settled",
    ]
    assert len(await world.rows("SELECT 1 FROM notice")) == 1


async def test_of_many_same_messages_at_once_one_is_noted(world):
    order = (await world.pay()).json()["id"]
    world.peer.pay(order)
    answers = await asyncio.gather(*(world.tell(order) for _ in range(6)))
    assert {answer.json()["state"] for answer in answers} == {"settled"}
    assert len(await world.rows("SELECT 1 FROM fee_change WHERE state = 'settled'")) == 1


async def test_what_the_provider_did_not_sign_settles_nothing(world):
    peer, order = world.peer, (await world.pay()).json()["id"]
    peer.pay(order)
    headers, body = peer.message(order)
    now = clock.now_s()
    forged = [
        peer.message(order, key=b"another key, and it is just as long"),
        peer.message(order, at=now - 400),
        peer.message(order, at=now + 400),
        (headers, peer.message(order, amount_fen=1)[1]),
        ({}, body),
        *(
            (headers | {f"Payment-{name}": value}, body)
            for name, value in {
                "Nonce": "b" * 32,
                "Timestamp": str(now + 1),
                "Signature": headers["Payment-Signature"][:-1],
            }.items()
        ),
        (headers | {"Payment-Nonce": "short"}, body),
        (headers | {"Payment-Timestamp": "\u00b2"}, body),
        (headers | {"Payment-Signature": "v1=\u00e9"}, body),
    ]
    for wrong, told in forged:
        encoded = {name: value.encode("latin-1") for name, value in wrong.items()}
        answer = await world.client.post("/api/v1/payments/callback", content=told, headers=encoded)
        refused(answer, 401, "signature_invalid")
    assert await world.states() == ["pending"]
    answer = await world.client.post("/api/v1/payments/callback", content=body, headers=headers)
    assert answer.json()["state"] == "settled", "only what was forged made the difference"


async def test_without_the_signatures_check_anybody_could_settle(world, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(remote, "check_signature", lambda *_, **__: None)
    order = (await world.pay()).json()["id"]
    _, body = world.peer.message(order, state="paid")
    answer = await world.client.post("/api/v1/payments/callback", content=body)
    assert answer.json()["state"] == "settled"


async def test_another_amount_or_currency_settles_nothing(world):
    order = (await world.pay()).json()["id"]
    world.peer.pay(order)
    refused(await world.tell(order, amount_fen=1), 409, "payment_mismatch")
    refused(await world.tell(order, currency="USD"), 409, "payment_mismatch")
    assert await world.states() == ["pending"]


async def test_an_unknown_order_is_unknown(world):
    for order in ("x", "", "\u96ea", "00000000-0000-0000-0000-000000000000", "a\x00b"):
        refused(await world.tell(order), 404, "unknown_payment")


async def test_a_signed_message_that_cannot_be_read_is_told_so(world):
    for body in (b"", b"[]", b"\xff", b"{}", json.dumps({"order": "x", "state": "gold"}).encode()):
        headers = world.peer.sign(body)
        answer = await world.client.post("/api/v1/payments/callback", content=body, headers=headers)
        assert refused(answer, 400, "invalid_request")["errors"][0]["field"] == "body"


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


async def test_who_pays_what_was_given_up_is_settled_and_who_paid_twice_is_paid_back(world):
    first = (await world.pay()).json()["id"]
    await world.tell(first, state="closed")
    world.peer.pay(first)
    await world.tell(first)
    assert await world.states() == ["settled"]
    second = (await world.pay("b")).json()["id"]
    await world.tell(second, state="closed")
    again = await world.paid_fee("b")
    world.peer.pay(second)
    assert (await world.tell(second)).json()["state"] == "refunding"
    await world.time_passes()
    await world.mend()
    assert world.peer.orders[second]["refunds"] == 1
    assert world.peer.orders[again]["refunds"] == 0
    assert await world.states() == ["settled", "refunded", "settled"]


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


async def test_a_cancelled_sessions_fees_are_paid_back_used_or_not(world, token):
    orders = [await world.paid_fee(account) for account in ("a", "b", "c")]
    other = await world.paid_fee("a", subject=1)
    await world.use("b")
    assert await world.ask_refund(accounts=["a"], bookings=[BOOKING]) == 2
    assert await world.ask_refund(accounts=["a"], bookings=[BOOKING]) == 0, "once"
    assert await world.settled("a", "b", "c") == {"a": frozenset({1}), "c": frozenset({2})}
    await world.mend()
    assert [world.peer.orders[order]["refunds"] for order in (*orders, other)] == [1, 1, 0, 0]
    assert sorted(await world.states()) == ["refunded", "refunded", "settled", "settled"]
    assert [notice["kind"] for notice in await world.get("notices", "b")] == [
        "payment.refunded",
        "payment.settled",
    ]


async def test_a_refund_rolled_back_with_its_session_is_not_carried_out(world):
    order = await world.paid_fee()
    assert await world.ask_refund(commit=False) == 1
    await world.mend()
    assert world.peer.orders[order]["refunds"] == 0
    assert await world.states() == ["settled"]


async def test_a_refund_done_unheard_is_done_once(world):
    order = await world.paid_fee()
    await world.ask_refund()
    world.peer.unheard = True
    await world.mend()
    assert await world.states() == ["refunding"]
    world.peer.unheard = False
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["refunded"]
    assert world.peer.orders[order]["refunds"] == 1


KILLED_BEFORE_NOTING = """
import asyncio, os, signal, sys
from booking_api import clock
from booking_api.payments import mending
from booking_api.payments.remote import HttpPaymentProvider
from reservation.database import create_engine

async def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

async def main(url, base, key):
    provider = HttpPaymentProvider(base, merchant="m1", key=key.encode(), now_s=clock.now_s)
    await mending.mend_payments(create_engine(url), provider, now=clock.now)

mending.note_standing = die
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.fault
async def test_a_worker_killed_between_the_refund_and_its_note_leaves_it_to_another(world, database_url):
    order = await world.paid_fee()
    await world.ask_refund()
    words = [sys.executable, "-c", KILLED_BEFORE_NOTING, database_url, world.peer.url, KEY.decode()]
    killed = await asyncio.to_thread(subprocess.run, words, timeout=30, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (await world.states(), world.peer.orders[order]["refunds"]) == (["refunding"], 1)
    await world.mend()
    assert world.peer.asked.count("/v1/refunds") == 1, "the dead worker's turn still runs"
    await world.time_passes()
    await world.mend()
    assert (await world.states(), world.peer.orders[order]["refunds"]) == (["refunded"], 1)


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


async def test_nobody_pays_twice_for_one_sitting_and_the_database_knows_it(world):
    """The index is the mechanism; with it gone the fault would show."""
    await world.pay()
    twice = "INSERT INTO fee SELECT gen_random_uuid(), account, authority, subject, amount_fen, state, provider, NULL, NULL, NULL, now(), NULL, 0, now() FROM fee"
    with pytest.raises(DBAPIError, match="fee_open_idx"):
        await world.rows(twice)
    await world.rows("DROP INDEX fee_open_idx")
    await world.rows(twice)
    assert await world.states() == ["pending", "pending"]


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


async def test_what_was_noted_of_a_fee_stays(world):
    await world.pay()
    for change in ("UPDATE fee_change SET by = 'nobody'", "DELETE FROM fee_change"):
        with pytest.raises(DBAPIError, match="stay"):
            await world.rows(change)
    assert len(await world.rows("SELECT 1 FROM fee_change")) == 2
