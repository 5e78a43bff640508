"""Fees at the counter: a clerk of the authority takes them and pays them back, and stays on record."""

import asyncio

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.payments.sittings import refund
from tests.booking_api.payments.conftest import refused

CLERK = ("clerk:cn-hz",)


@pytest.fixture
async def person(engine):
    """The account "a" with a login, as registration makes it."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO account (id, login, identity_number, name, phone, password_hash) "
                "VALUES ('a', 'zhang.wei', 'x', 'x', 'x', 'x')"
            )
        )
    return "zhang.wei"


@pytest.fixture
def rows(engine):
    async def read(statement):
        async with engine.connect() as connection:
            return (await connection.execute(text(statement))).all()

    return read


@pytest.fixture
def take(token, person):
    async def taken(client, *, roles=CLERK, **changed):
        body = {
            "login": person,
            "authority": "cn-hz",
            "subject": 2,
            "amount_fen": 12_050,
            "receipt": "2026-000123",
        }
        return await client.post(
            "/api/v1/payments/counter", json=body | changed, headers=token("clerk-7", roles=roles)
        )

    return taken


async def states(rows):
    return [tuple(row) for row in await rows("SELECT provider, state FROM fee ORDER BY created_at")]


async def test_a_clerk_takes_the_fee_and_is_on_record(counter, take, rows, token):
    told = (await take(counter)).json()
    assert (told["state"], told["provider"]) == ("settled", "counter")
    changes = await rows("SELECT state, by, note FROM fee_change ORDER BY id")
    assert [tuple(row) for row in changes] == [
        ("due", "opened", None),
        ("settled", "clerk:clerk-7", "2026-000123"),
    ]
    [mine] = (await counter.get("/api/v1/payments", headers=token("a"))).json()["payments"]
    assert mine == told


async def test_a_person_may_ask_first_and_is_told_to_pay_at_the_counter(counter, take, pay_at, token):
    asked = (await pay_at()).json()
    assert (asked["state"], asked["provider"], asked["pay_url"]) == ("pending", "counter", None)
    assert (await take(counter)).json()["id"] == asked["id"]


@pytest.fixture
def pay_at(counter, token):
    async def asked():
        body = {"authority": "cn-hz", "subject": 2}
        return await counter.post("/api/v1/payments", json=body, headers=token("a"))

    return asked


async def test_the_same_fee_is_taken_once_even_by_two_clerks_at_once(counter, take, rows):
    answers = await asyncio.gather(*(take(counter) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_settled"}
    assert await states(rows) == [("counter", "settled")]


async def test_what_a_clerk_cannot_take_is_refused_and_nothing_is_written(counter, take, rows):
    refused(await take(counter, roles=("clerk:cn-nb",)), 403, "role_missing")
    refused(await take(counter, roles=("operator:cn-hz",)), 403, "role_missing")
    refused(await take(counter, amount_fen=12_000), 409, "payment_mismatch")
    refused(await take(counter, subject=4), 409, "nothing_due")
    refused(await take(counter, authority="cn-none", roles=("clerk:cn-none",)), 404, "unknown_authority")
    for login in ("nobody.here", "a\x00b", "雪"):
        refused(await take(counter, login=login), 404, "unknown_account")
    for changed in ({"receipt": ""}, {"receipt": "a\n"}, {"amount_fen": 0}, {"subject": "two"}, {"more": 1}):
        refused(await take(counter, **changed), 400, "invalid_request")
    assert await states(rows) == []


async def test_a_fee_ordered_elsewhere_is_given_up_and_paid_back_if_it_is_paid_too(world, take, rows):
    order = (await world.pay()).json()["id"]
    assert (await take(world.client)).json()["state"] == "settled"
    assert await states(rows) == [("remote", "failed"), ("counter", "settled")]
    world.peer.pay(order)
    assert (await world.tell(order)).json()["state"] == "refunding"
    await world.mend()
    assert world.peer.orders[order]["refunds"] == 1
    assert await states(rows) == [("remote", "refunded"), ("counter", "settled")]


async def test_a_provider_cannot_speak_for_the_counter(world, take):
    paid = (await take(world.client)).json()["id"]
    refused(await world.tell(paid, state="refunded", amount_fen=12_050), 404, "unknown_payment")


async def test_without_a_provider_nobody_signs(counter, peer):
    headers, body = peer.message("x")
    answer = await counter.post("/api/v1/payments/callback", content=body, headers=headers)
    refused(answer, 401, "signature_invalid")


async def test_a_fee_to_be_paid_back_is_paid_back_by_a_clerk_of_the_authority_once(
    counter, take, rows, token, engine
):
    paid = (await take(counter)).json()["id"]
    body = {"payment": paid, "receipt": "R-1"}

    async def pay_back(roles=CLERK, **changed):
        return await counter.post(
            "/api/v1/payments/counter/refunds", json=body | changed, headers=token("clerk-8", roles=roles)
        )

    refused(await pay_back(), 409, "nothing_to_refund")
    async with engine.begin() as connection:
        await refund(
            connection,
            authority="cn-hz",
            subject=2,
            bookings=[],
            accounts=["a"],
            by="operator:o1",
            at=clock.now(),
        )
    refused(await pay_back(roles=("clerk:cn-nb",)), 404, "unknown_payment")
    refused(await pay_back(payment="x"), 404, "unknown_payment")
    assert (await pay_back()).json()["state"] == "refunded"
    refused(await pay_back(), 409, "nothing_to_refund")
    changes = await rows("SELECT state, by FROM fee_change ORDER BY id")
    assert [tuple(row) for row in changes][-2:] == [
        ("refunding", "operator:o1"),
        ("refunded", "clerk:clerk-8"),
    ]


async def test_once_a_provider_is_set_up_a_fee_that_waited_at_the_counter_can_be_paid_there(
    world, pay_at, rows
):
    waiting = (await pay_at()).json()
    ordered = (await world.pay()).json()
    assert ordered["id"] == waiting["id"]
    assert ordered["pay_url"] is not None
    assert await states(rows) == [("remote", "pending")]
