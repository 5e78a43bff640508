"""The identity service's client against a service that speaks its protocol: well, slowly, wrongly, or not at all."""

import asyncio
import gzip
import hashlib
import hmac
import json

import pytest

from booking_api import outbound as outbound_module
from booking_api.outbound import ANSWER_LIMIT_BYTES, Outbound
from booking_api.verification.errors import SourceUnavailable
from booking_api.verification.http_source import HttpSource
from booking_api.verification.sources import Claimed
from tests.peers import Told, peer

KEY = b"a key of the identity service"
NOW_S = 1_790_000_000
ZHANG = Claimed("11010519491231002X", "张伟", "13800138000")


def signed(*words, body, key=KEY):
    """The protocol's signature, written here a second time from its description."""
    return hmac.new(key, "".join(f"{word}\n" for word in words).encode() + body, hashlib.sha256).hexdigest()


class Service:
    """A national identity service that knows one person. `faults` are answered first, one a request."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.nonces = []

    async def answer(self, asked):
        nonce, timestamp = asked.headers["gongdao-nonce"], asked.headers["gongdao-timestamp"]
        right = signed("request", timestamp, nonce, body=asked.body)
        if asked.headers["gongdao-signature"] != right or abs(int(timestamp) - NOW_S) > 60:
            return Told(401)
        if nonce in self.nonces:
            return Told(409)
        self.nonces.append(nonce)
        body = json.dumps({"match": json.loads(asked.body) == ZHANG._asdict()}).encode()
        told = Told(200, body, {"Gongdao-Signature": signed("answer", nonce, body=body)})
        return await self.faults.pop(0)(told, nonce) if self.faults else told


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(outbound_module, "TRY_S", 0.3)
    monkeypatch.setattr(outbound_module, "PAUSE_S", 0.01)


async def ask(service, claimed=ZHANG, *, key=KEY, now_s=NOW_S):
    outbound = Outbound()
    try:
        async with peer(service.answer) as url:
            source = HttpSource(outbound, url=f"{url}/match", key=key, now_s=lambda: now_s)
            return await source.phone_of(claimed)
    finally:
        await outbound.close()


async def slow(told, _nonce):
    await asyncio.sleep(1)
    return told


async def down(_told, _nonce):
    return Told(500, b"Traceback")


async def garbage(told, _nonce):
    return told._replace(body=b"\x00<html>", headers={})


async def signed_garbage(told, nonce):
    return told._replace(body=b"[1]", headers={"Gongdao-Signature": signed("answer", nonce, body=b"[1]")})


async def unsigned(told, _nonce):
    return told._replace(headers={})


async def changed(told, _nonce):
    return told._replace(body=b'{"match": true }')


async def endless(told, _nonce):
    return told._replace(body=b" " * (ANSWER_LIMIT_BYTES + 1))


async def packed(told, nonce):
    body = gzip.compress(told.body)
    headers = {"Gongdao-Signature": signed("answer", nonce, body=body), "Content-Encoding": "gzip"}
    return told._replace(body=body, headers=headers)


async def elsewhere(told, _nonce):
    return told._replace(status=307, headers={"Location": "http://127.0.0.1:9/"})


async def test_a_person_on_record_is_matched_and_anybody_else_is_not():
    assert await ask(Service()) == "13800138000"
    for wrong in ({"name": "李娜"}, {"phone": "13800138001"}, {"identity_number": "440524188001010014"}):
        assert await ask(Service(), ZHANG._replace(**wrong)) is None


@pytest.mark.parametrize("fault", [slow, down])
async def test_what_passes_is_asked_again_with_a_new_nonce(fault):
    service = Service(fault, fault)
    assert await ask(service) == "13800138000"
    assert len(set(service.nonces)) == 3


@pytest.mark.parametrize("fault", [slow, down])
async def test_tries_are_counted(fault):
    service = Service(*[fault] * 5)
    with pytest.raises(SourceUnavailable):
        await ask(service)
    assert len(service.nonces) == 3


@pytest.mark.parametrize("fault", [garbage, unsigned, changed, signed_garbage, packed, elsewhere])
async def test_what_cannot_be_believed_is_not_believed_and_not_asked_again(fault):
    service = Service(fault, fault)
    with pytest.raises(SourceUnavailable):
        await ask(service, ZHANG._replace(name="李娜"))
    assert len(service.nonces) == 1


async def test_an_answer_without_end_is_cut_off():
    with pytest.raises(SourceUnavailable):
        await ask(Service(*[endless] * 3))


async def test_an_answer_to_another_question_is_worth_nothing():
    """A match recorded for one person, played again for another: signed with the right key, for another nonce."""
    recorded = []

    async def record(told, _nonce):
        recorded.append(told)
        return told

    async def replay(_told, _nonce):
        return recorded[0]

    assert await ask(Service(record)) == "13800138000"
    with pytest.raises(SourceUnavailable):
        await ask(Service(replay), ZHANG._replace(name="李娜"))


async def test_a_wrong_key_or_a_wrong_clock_is_told_as_unavailable():
    for wrong in ({"key": b"another key of sixteen"}, {"now_s": NOW_S - 3600}):
        with pytest.raises(SourceUnavailable):
            await ask(Service(), **wrong)


async def test_nobody_there_is_told_as_unavailable():
    outbound = Outbound()
    source = HttpSource(outbound, url="http://127.0.0.1:9/", key=KEY, now_s=lambda: NOW_S)
    with pytest.raises(SourceUnavailable):
        await source.phone_of(ZHANG)
    await outbound.close()
