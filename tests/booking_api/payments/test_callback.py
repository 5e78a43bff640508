"""A provider's message settles a fee if it is signed, true and of this order; late and repeated ones change nothing."""

import asyncio
import json

from booking_api import clock
from booking_api.payments import remote
from tests.booking_api.payments.conftest import refused


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
