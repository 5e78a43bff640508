"""Verified without a counter, over HTTP: a source knows the person, and the person has the phone it has on record."""

import asyncio
import json
import re

import pytest
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from sqlalchemy import text

from booking_api.app import create_app
from booking_api.gate import limits
from booking_api.identity import passwords
from booking_api.registers import asking
from booking_api.verification import codes, register_source
from booking_api.verification.http_source import signature
from tests.apps import app_of
from tests.peers import Told, peer

NUMBER, OTHER_NUMBER = "11010519491231002X", "440524188001010014"
PHONE = "13800138000"
PASSWORD = "four horses, one cart"
ZHANG = {
    "login": "zhang.wei",
    "identity_number": NUMBER,
    "name": "张伟",
    "phone": PHONE,
    "password": PASSWORD,
}
START, CODE = "/api/v1/accounts/me/verification", "/api/v1/accounts/me/verification/code"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: quick)


@pytest.fixture
def messages(settings):
    """The messages sent so far, as the demonstration's file has them."""
    path = settings.data / "messages.jsonl"

    def read():
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read


@pytest.fixture
async def client(settings, token, kernel):
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text(
                "WITH i AS (INSERT INTO register_import (register, source, file, sha256, rows, bad_rows)"
                " VALUES ('person', 't', 't', 't', 1, 0) RETURNING id)"
                " INSERT INTO person SELECT :n, '张伟', :p, id FROM i"
            ),
            {"n": NUMBER, "p": PHONE},
        )
    with_file = replace(settings, messages_file=settings.data / "messages.jsonl")
    async with AsyncTestClient(app_of(with_file)) as started:
        yield started


async def signed_in(client, **changed):
    who = ZHANG | changed
    assert (await client.post("/api/v1/accounts", json=who)).status_code == 201
    return await again(client, login=who["login"])


async def again(client, login="zhang.wei"):
    told = (await client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})).json()
    return {"Authorization": f"Bearer {told['access_token']}"}


def code_in(message):
    return re.search(r"[0-9]{6}", message["text"])[0]


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


async def tried(client, headers, code):
    return await client.post(CODE, json={"code": code}, headers=headers)


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


async def test_from_an_unverified_account_to_a_verified_person(client, messages, kernel):
    mine = await signed_in(client)
    started = await client.post(START, headers=mine)
    assert started.status_code == 202, started.text
    assert started.json() == {"source": "register", "sent_to": "138****8000", "expires_in": 600}
    [message] = messages()
    assert message["to"] == PHONE
    refused(await tried(client, mine, wrong(code_in(message))), 403, "verification_code_refused")
    done = await tried(client, mine, code_in(message))
    assert (done.status_code, done.json()["verified"]) == (200, True), done.text
    async with kernel.engine.connect() as connection:
        found = await connection.execute(text("SELECT verified_by FROM account"))
        assert found.scalar_one() == "source:register"
        assert (await connection.execute(text("SELECT count(*) FROM verification_code"))).scalar_one() == 0
    hold = await client.post("/api/v1/holds", json={"pool": 1, "units": [1]}, headers=await again(client))
    refused(hold, 404, "unknown_pool")
    refused(await client.post(START, headers=mine), 409, "already_verified")
    refused(await tried(client, mine, code_in(message)), 403, "verification_code_refused")


@pytest.mark.parametrize(
    "claimed", [{"name": "李娜"}, {"phone": "13800138001"}, {"identity_number": OTHER_NUMBER}]
)
async def test_whatever_is_wrong_is_told_alike_and_no_message_is_sent(client, messages, claimed):
    mine = await signed_in(client, **claimed)
    told = refused(await client.post(START, headers=mine), 403, "not_matched")
    assert told.keys() == {"type", "title", "status", "detail", "code"}
    assert messages() == []


async def test_the_same_work_is_done_for_a_number_nobody_has(client, monkeypatch):
    """Every claim costs one look into the register and one comparison of name and phone each."""
    work = []
    monkeypatch.setattr(register_source, "same_name", lambda *_: work.append("name"))
    monkeypatch.setattr(register_source, "same_phone", lambda *_: work.append("phone"))
    asked = asking.person_of_record
    monkeypatch.setattr(register_source, "person_of_record", lambda *a: work.append("asked") or asked(*a))
    for login, number in (("known.one", NUMBER), ("unknown.one", OTHER_NUMBER)):
        mine = await signed_in(client, login=login, identity_number=number)
        refused(await client.post(START, headers=mine), 403, "not_matched")
    assert work == ["asked", "name", "phone"] * 2


async def test_a_name_is_the_same_in_another_spelling(client):
    mine = await signed_in(client, name="张 伟", phone="+86 138 0013 8000")
    assert (await client.post(START, headers=mine)).status_code == 202


async def test_five_tries_and_the_right_code_comes_too_late(client, messages):
    mine = await signed_in(client)
    await client.post(START, headers=mine)
    code = code_in(messages()[-1])
    for _ in range(5):
        refused(await tried(client, mine, wrong(code)), 403, "verification_code_refused")
    refused(await tried(client, mine, code), 403, "verification_code_refused")


async def test_without_the_count_of_tries_guessing_would_go_on(client, messages, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(codes, "TRIES", 50)
    mine = await signed_in(client)
    await client.post(START, headers=mine)
    code = code_in(messages()[-1])
    for _ in range(10):
        refused(await tried(client, mine, wrong(code)), 403, "verification_code_refused")
    assert (await tried(client, mine, code)).status_code == 200


async def test_tries_at_once_are_five_in_all(client, messages, kernel):
    mine = await signed_in(client)
    await client.post(START, headers=mine)
    code = wrong(code_in(messages()[-1]))
    await asyncio.gather(*(tried(client, mine, code) for _ in range(12)))
    refused(await tried(client, mine, code_in(messages()[-1])), 403, "verification_code_refused")


async def test_a_new_code_ends_the_old_one_and_its_tries(client, messages):
    mine = await signed_in(client)
    for _ in range(2):
        await client.post(START, headers=mine)
    old, new = map(code_in, messages())
    if old != new:
        refused(await tried(client, mine, old), 403, "verification_code_refused")
    assert (await tried(client, mine, new)).status_code == 200


async def test_a_code_lasts_ten_minutes(client, messages, kernel):
    mine = await signed_in(client)
    await client.post(START, headers=mine)
    async with kernel.engine.begin() as connection:
        left = "SELECT expires_at - now() BETWEEN '9 min' AND '10 min' FROM verification_code"
        assert (await connection.execute(text(left))).scalar_one() is True
        await connection.execute(text("UPDATE verification_code SET expires_at = now()"))
    refused(await tried(client, mine, code_in(messages()[-1])), 403, "verification_code_refused")


async def test_a_code_is_of_one_account_and_is_not_stored_as_it_is(client, messages, kernel):
    mine = await signed_in(client)
    theirs = await signed_in(client, login="second.self")
    await client.post(START, headers=mine)
    code = code_in(messages()[-1])
    refused(await tried(client, theirs, code), 403, "verification_code_refused")
    async with kernel.engine.connect() as connection:
        row = (await connection.execute(text("SELECT v::text FROM verification_code v"))).scalar_one()
    assert code not in row


async def test_of_two_accounts_of_one_person_the_first_to_prove_it_is_that_person(client, messages):
    mine = await signed_in(client)
    theirs = await signed_in(client, login="second.self")
    for headers in (mine, theirs):
        await client.post(START, headers=headers)
    first, second = map(code_in, messages())
    assert (await tried(client, mine, first)).status_code == 200
    refused(await tried(client, theirs, second), 409, "person_has_account")


async def test_of_two_who_type_the_code_at_once_one_is_verified(client, messages):
    mine = await signed_in(client)
    await client.post(START, headers=mine)
    answers = await asyncio.gather(*(tried(client, mine, code_in(messages()[-1])) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


async def test_an_account_asks_for_three_codes_and_then_waits(client):
    mine = await signed_in(client, name="李娜")
    for _ in range(limits.CODES_OF_ACCOUNT.burst):
        refused(await client.post(START, headers=mine), 403, "not_matched")
    answer = await client.post(START, headers=mine)
    assert refused(answer, 429, "rate_limited")["policy"] == "codes-of-account"
    assert 0 < int(answer.headers["Retry-After"]) <= 600


async def test_a_phone_gets_three_codes_whichever_accounts_ask(client, messages):
    for number in range(limits.CODES_TO_PHONE.burst):
        mine = await signed_in(client, login=f"self.{number}")
        assert (await client.post(START, headers=mine)).status_code == 202
    mine = await signed_in(client, login="one.more")
    assert refused(await client.post(START, headers=mine), 429, "rate_limited")["policy"] == "codes-to-phone"
    assert len(messages()) == 3


async def test_who_does_not_know_the_phone_cannot_use_up_its_codes(client):
    for number in range(limits.CODES_TO_PHONE.burst + 1):
        stranger = await signed_in(client, login=f"stranger.{number}", name="李娜")
        refused(await client.post(START, headers=stranger), 403, "not_matched")
    mine = await signed_in(client)
    assert (await client.post(START, headers=mine)).status_code == 202


async def test_a_network_is_counted_too(settings, token, monkeypatch):
    monkeypatch.setattr(limits, "CODES_OF_NETWORK", limits.Rate(per_s=0.01, burst=2))
    with_file = replace(settings, messages_file=settings.data / "messages.jsonl")
    async with AsyncTestClient(app_of(with_file)) as client:
        for number in range(3):
            mine = await signed_in(client, login=f"stranger.{number}")
            answer = await client.post(START, headers=mine)
    assert refused(answer, 429, "rate_limited")["policy"] == "codes-of-network"


@pytest.mark.parametrize("off", [{"messages_file": None}, {"verification_sources": ()}])
async def test_without_sources_or_messages_there_is_the_counter_only(settings, token, off):
    changed = replace(settings, **{"messages_file": settings.data / "m.jsonl"} | off)
    async with AsyncTestClient(app_of(changed)) as client:
        mine = await signed_in(client)
        refused(await client.post(START, headers=mine), 404, "verification_off")
        refused(await tried(client, mine, "123456"), 404, "verification_off")


async def test_a_message_that_was_not_taken_is_told(settings, token, client, kernel):
    broken = replace(settings, messages_file=settings.data / "none" / "messages.jsonl")
    async with AsyncTestClient(create_app(broken)) as other:
        mine = await signed_in(other)
        refused(await other.post(START, headers=mine), 503, "message_not_sent")


async def test_the_second_source_is_asked_when_the_first_does_not_know_and_only_then(
    settings, token, client, tmp_path
):
    asked = []

    async def down(request):
        asked.append(request)
        return Told(401)

    key = tmp_path / "shared.key"
    key.write_text("a key of the identity service\n")
    async with peer(down) as url:
        both = replace(
            settings,
            messages_file=settings.data / "messages.jsonl",
            verification_sources=("register", "http"),
            verification_url=url,
            verification_key_file=key,
        )
        async with AsyncTestClient(app_of(both)) as other:
            known = await signed_in(other)
            assert (await other.post(START, headers=known)).status_code == 202
            assert asked == []
            unknown = await signed_in(other, login="li.na", identity_number=OTHER_NUMBER)
            answer = await other.post(START, headers=unknown)
            assert refused(answer, 503, "source_unavailable")["source"] == "http"
            assert answer.headers["Retry-After"] == "30"
            assert len(asked) == 1


async def test_a_national_service_and_a_gateway_verify_a_person_too(settings, token, tmp_path, kernel):
    key, sent = tmp_path / "shared.key", []
    key.write_text("a key of the identity service\n")

    async def others(asked):
        if asked.path == "/sms":
            sent.append(json.loads(asked.body))
            return Told(202)
        body = b'{"match": true}'
        signed = signature(key.read_bytes().strip(), "answer", asked.headers["gongdao-nonce"], body=body)
        return Told(200, body, {"Gongdao-Signature": signed})

    async with peer(others) as url:
        settings = replace(
            settings,
            verification_sources=("http",),
            verification_url=f"{url}/match",
            verification_key_file=key,
            sms_url=f"{url}/sms",
            sms_key_file=key,
        )
        async with AsyncTestClient(create_app(settings)) as client:
            mine = await signed_in(client)
            assert (await client.post(START, headers=mine)).json()["source"] == "http"
            assert (await tried(client, mine, code_in(sent[0]))).status_code == 200
    assert sent[0]["to"] == PHONE
    async with kernel.engine.connect() as connection:
        found = await connection.execute(text("SELECT verified_by FROM account"))
        assert found.scalar_one() == "source:http"


async def test_what_is_no_code_is_told(client):
    mine = await signed_in(client)
    for code in ("", "12345", "1234567", "12345x", "１２２２２２", 123456, "123456\n"):
        refused(await client.post(CODE, json={"code": code}, headers=mine), 400, "invalid_request")
