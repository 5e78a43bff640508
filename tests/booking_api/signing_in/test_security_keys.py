"""Security keys over HTTP, with keys in software; and what a key, a site or an answer that is not right cannot do."""

import base64
from collections.abc import Callable
from contextlib import suppress

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from booking_api.app import create_app
from booking_api.gate import limits
from booking_api.identity.factors import security_keys
from booking_api.identity.factors.browser import (
    Assertion,
    AssertionResponse,
    AttestationResponse,
    NewCredential,
)
from booking_api.identity.factors.errors import KeyRefused
from booking_api.identity.factors.party import RelyingParty
from tests.booking_api.signing_in.authenticator import SecurityKey, b64url
from tests.booking_api.signing_in.people import (
    OTHER_NUMBER,
    PASSWORD,
    events,
    good,
    open_client,
    refused,
    register,
    second,
    sign_in,
    signed_in,
    ticket,
)


@pytest.fixture(autouse=True)
def unlimited(monkeypatch):
    """Tries are counted per login and network: tried with the other factors."""

    async def pass_all(*_, **__):
        pass

    monkeypatch.setattr(limits.Limits, "check_sign_in", pass_all)


@pytest.fixture
def settings(settings):
    return replace(settings, public_url="http://localhost:8000")


@pytest.fixture
async def mine(client):
    await register(client)
    return await signed_in(client)


@pytest.fixture
async def theirs(client):
    await register(client, login="li.na", identity_number=OTHER_NUMBER)
    return await signed_in(client, login="li.na")


async def ask_new(client, mine):
    body = {"password": PASSWORD}
    return await client.post("/api/v1/factors/security-keys/options", json=body, headers=mine)


async def new_options(client, mine):
    return good(await ask_new(client, mine))["public_key"]


async def send_new(client, mine, credential, name="blue"):
    body = {"name": name, "credential": credential}
    return await client.post("/api/v1/factors/security-keys", json=body, headers=mine)


async def with_key(client, mine, **kind) -> SecurityKey:
    key = SecurityKey(**kind)
    good(await send_new(client, mine, key.create(await new_options(client, mine))), 201)
    return key


async def options_for(client, given):
    answer = await client.post("/api/v1/sign-in/second/options", json={"ticket": given})
    return good(answer)["public_key"]


async def sign_in_with(client, key, **bent):
    given = await ticket(client)
    return await second(client, given, security_key=key.get(await options_for(client, given), **bent))


async def test_from_adding_a_key_to_signing_in_with_it(client, mine):
    key = SecurityKey()
    options = await new_options(client, mine)
    assert options["rp"] == {"name": "Gongdao", "id": "localhost"}
    assert (options["user"]["name"], options["attestation"]) == ("zhang.wei", "none")
    assert options["authenticatorSelection"]["userVerification"] == "preferred"
    answer = await send_new(client, mine, key.create(options), name=" my  blue key ")
    assert answer.headers["cache-control"] == "no-store"
    assert len(good(answer, 201)["recovery_codes"]) == 10

    told = refused(await sign_in(client), 401, "second_factor_needed")
    assert told["kinds"] == ["security_key", "recovery_code"]
    options = await options_for(client, told["ticket"])
    assert [each["id"] for each in options["allowCredentials"]] == [b64url(key.id)]
    assert options["userVerification"] == "preferred"
    tokens = good(await second(client, told["ticket"], security_key=key.get(options)))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    [shown] = good(await client.get("/api/v1/factors", headers=headers))["security_keys"]
    assert (shown["id"], shown["name"]) == (b64url(key.id), "my blue key")
    assert shown["used_at"] > shown["added_at"]
    assert [kind for kind, _ in await events(client, mine)] == ["security_key_added"]


BENT_NEW: dict[str, dict] = {
    "another site's origin": {"origin": "http://localhost:8001"},
    "the origin over TLS": {"origin": "https://localhost:8000"},
    "another relying party": {"party": "example.cn"},
    "another challenge": {"challenge": b64url(bytes(32))},
    "no challenge": {"challenge": ""},
    "a frame of another site": {"cross_origin": True},
    "an answer for signing in": {"type": "webauthn.get"},
    "nobody present": {"flags": 0x40},
    "a point that is not on the curve": {
        "public_key": cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes([1]) * 32, -3: bytes([2]) * 32})
    },
    "an algorithm we did not ask for": {
        "public_key": cbor2.dumps({1: 2, 3: -36, -1: 3, -2: bytes([1]) * 66, -3: bytes([2]) * 66})
    },
    "a key that is no map": {"public_key": cbor2.dumps([1, 2])},
}


async def test_an_answer_that_does_not_fit_adds_no_key(client, mine):
    for what, bent in BENT_NEW.items():
        answer = await send_new(client, mine, SecurityKey().create(await new_options(client, mine), **bent))
        assert refused(answer, 403, "security_key_refused"), what
    good(await sign_in(client))


async def test_what_the_maker_says_of_a_key_is_not_read(client, mine):
    """Browsers let a key's signature of itself through ("packed", section 5.1.3) where none was asked for."""
    credential = SecurityKey().create(await new_options(client, mine))
    told = cbor2.loads(unpadded(credential["response"]["attestationObject"]))
    said = {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x", "x5c": [b"no certificate"]}}
    credential["response"]["attestationObject"] = b64url(cbor2.dumps(told | said))
    good(await send_new(client, mine, credential), 201)


BENT_GET: dict[str, dict] = {
    "another site's origin": {"origin": "http://localhost:8001"},
    "another relying party": {"party": "example.cn"},
    "another challenge": {"challenge": b64url(bytes(32))},
    "a frame of another site": {"cross_origin": True},
    "an answer for adding": {"type": "webauthn.create"},
    "nobody present": {"flags": 0x00},
    "another key's signature": {"signer": ec.generate_private_key(ec.SECP256R1())},
}


async def test_an_assertion_that_does_not_fit_signs_nobody_in(client, mine):
    key = await with_key(client, mine)
    for what, bent in BENT_GET.items():
        assert refused(await sign_in_with(client, key, **bent), 401, "second_factor_refused"), what
    good(await sign_in_with(client, key))


async def test_a_credential_that_can_be_none_is_none(client, mine):
    key = await with_key(client, mine)
    for told in ("A", "AAAA", b64url(key.id)[:-1], b64url(key.id) + "\n", "A" * 1_364):
        given = await ticket(client)
        assertion = key.get(await options_for(client, given)) | {"id": told, "rawId": told}
        refused(await second(client, given, security_key=assertion), 401, "second_factor_refused")
    for told in ("A", "é", "%00", "A" * 2_000):
        url = f"/api/v1/factors/security-keys/{told}/remove"
        refused(await client.post(url, json={"password": PASSWORD}, headers=mine), 404, "unknown_factor")


async def test_an_answer_is_good_once(client, mine):
    key = SecurityKey()
    credential = key.create(await new_options(client, mine))
    good(await send_new(client, mine, credential), 201)
    refused(await send_new(client, mine, credential), 403, "security_key_refused")
    given = await ticket(client)
    assertion = key.get(await options_for(client, given))
    good(await second(client, given, security_key=assertion))
    refused(await second(client, await ticket(client), security_key=assertion), 401, "second_factor_refused")


async def test_a_challenge_is_used_up_by_a_wrong_answer_too(client, mine):
    key = await with_key(client, mine)
    given = await ticket(client)
    options = await options_for(client, given)
    wrong = key.get(options, signer=ec.generate_private_key(ec.SECP256R1()))
    refused(await second(client, given, security_key=wrong), 401, "second_factor_refused")
    refused(await second(client, given, security_key=key.get(options)), 401, "second_factor_refused")
    good(await second(client, given, security_key=key.get(await options_for(client, given))))


async def test_a_challenge_is_good_with_its_own_ticket_and_the_latest_only(client, mine):
    key = await with_key(client, mine)
    first, other = await ticket(client), await ticket(client)
    earlier = await options_for(client, first)
    latest = await options_for(client, first)
    refused(await second(client, other, security_key=key.get(latest)), 401, "second_factor_refused")
    refused(await second(client, first, security_key=key.get(earlier)), 401, "second_factor_refused")
    good(await second(client, first, security_key=key.get(latest)))


async def test_a_challenge_ends_after_its_time_and_is_cleared(client, mine, run):
    key = await with_key(client, mine)
    given = await ticket(client)
    options, late = await options_for(client, given), await new_options(client, mine)
    await run("UPDATE key_challenge SET expires_at = now() - interval '1 second'")
    refused(await second(client, given, security_key=key.get(options)), 401, "second_factor_refused")
    refused(await send_new(client, mine, SecurityKey().create(late)), 403, "security_key_refused")
    await options_for(client, await ticket(client))
    assert (await run("SELECT count(*) FROM key_challenge")).scalar_one() == 1


async def test_a_challenge_for_adding_a_key_is_the_accounts_own(client, mine, theirs):
    options = await new_options(client, theirs)
    refused(await send_new(client, mine, SecurityKey().create(options)), 403, "security_key_refused")


async def test_somebody_elses_key_signs_nobody_in_and_cannot_be_taken_over(client, mine, theirs):
    await with_key(client, mine)
    key = await with_key(client, theirs)
    refused(await sign_in_with(client, key), 401, "second_factor_refused")
    assert [kind for kind, _ in await events(client, mine)] == ["security_key_added"]
    taken = await send_new(client, mine, key.create(await new_options(client, mine)))
    refused(taken, 403, "security_key_refused")
    removal = f"/api/v1/factors/security-keys/{b64url(key.id)}/remove"
    refused(await client.post(removal, json={"password": PASSWORD}, headers=mine), 404, "unknown_factor")


async def test_a_key_that_counts_back_is_a_copy_and_its_owner_is_told(client, mine):
    key = await with_key(client, mine)
    good(await sign_in_with(client, key, count=7))
    refused(await sign_in_with(client, key, count=7), 401, "second_factor_refused")
    refused(await sign_in_with(client, key, count=6), 401, "second_factor_refused")
    refused(await sign_in_with(client, key, count=0), 401, "second_factor_refused")
    good(await sign_in_with(client, key, count=8))
    told = [kind for kind, _ in await events(client, mine)]
    assert told == ["security_key_counted_back"] * 3 + ["security_key_added"]


async def test_without_the_stored_count_a_copy_would_get_in(client, mine, run):
    """The negative control of the test above."""
    key = await with_key(client, mine)
    good(await sign_in_with(client, key, count=7))
    await run("UPDATE security_key SET sign_count = 0")
    good(await sign_in_with(client, key, count=6))


async def test_a_key_that_never_counts_is_good(client, mine):
    key = await with_key(client, mine, counts=False)
    for _ in range(2):
        good(await sign_in_with(client, key))


async def test_a_key_asked_for_a_second_time_is_named_so_that_the_browser_refuses(client, mine, monkeypatch):
    key = await with_key(client, mine)
    assert [each["id"] for each in (await new_options(client, mine))["excludeCredentials"]] == [
        b64url(key.id)
    ]
    monkeypatch.setattr(security_keys, "KEYS_LIMIT", 1)
    refused(await ask_new(client, mine), 409, "too_many_security_keys")


async def test_a_second_key_brings_no_new_recovery_codes_and_the_last_takes_them_away(client, mine, run):
    first = await with_key(client, mine)
    key = SecurityKey()
    answer = await send_new(client, mine, key.create(await new_options(client, mine)))
    assert good(answer, 201) == {"recovery_codes": []}
    for left, each in ((10, first), (0, key)):
        url = f"/api/v1/factors/security-keys/{b64url(each.id)}/remove"
        good(await client.post(url, json={"password": PASSWORD}, headers=mine), 204)
        assert (await run("SELECT count(*) FROM recovery_code")).scalar_one() == left
    good(await sign_in(client))


async def test_a_key_needs_a_name(client, mine):
    credential = SecurityKey().create(await new_options(client, mine))
    for name in ("", " \u3000", "x" * 61, "a\x00b", "a\u202eb"):
        refused(await send_new(client, mine, credential, name=name), 400, "invalid_request")


async def test_adding_a_key_needs_the_password(client, mine):
    body = {"password": "not the password"}
    answer = await client.post("/api/v1/factors/security-keys/options", json=body, headers=mine)
    refused(answer, 403, "password_refused")


async def test_at_an_address_without_a_name_keys_are_refused_with_the_setting_that_helps(
    settings, client, mine
):
    for host in ("127.0.0.1", "0.0.0.0"):
        async with open_client(create_app(replace(settings, public_url=None, host=host))) as nameless:
            told = refused(await ask_new(nameless, mine), 409, "public_url_needed")
        assert "GONGDAO_PUBLIC_URL" in told["detail"]


async def test_an_account_without_a_key_has_nothing_to_be_asked(client, mine):
    await with_key(client, mine)
    given = await ticket(client)
    mine_now = good(await client.get("/api/v1/factors", headers=mine))["security_keys"]
    url = f"/api/v1/factors/security-keys/{mine_now[0]['id']}/remove"
    good(await client.post(url, json={"password": PASSWORD}, headers=mine), 204)
    answer = await client.post("/api/v1/sign-in/second/options", json={"ticket": given})
    refused(answer, 404, "unknown_factor")
    answer = await client.post("/api/v1/sign-in/second/options", json={"ticket": "unknown"})
    refused(answer, 401, "ticket_refused")


PARTY = RelyingParty("localhost", "http://localhost:8000")
CHALLENGE = bytes(range(32))
ASKED = {"rp": {"id": "localhost"}, "rpId": "localhost", "challenge": b64url(CHALLENGE)}


def unpadded(data: str) -> bytes:
    return base64.urlsafe_b64decode(f"{data}==")


def bend(data: bytes, at: int, change: Callable[[bytes, int], bytes]) -> bytes:
    return change(data, at % (len(data) + 1))


CHANGES = st.sampled_from(
    [
        lambda data, at: data[:at],
        lambda data, at: data[:at] + bytes([0xFF]) + data[at + 1 :],
        lambda data, at: data[:at] + bytes([data[at - 1] ^ 1]) + data[at + 1 :],
        lambda data, at: data[:at] + data[at + 1 :],
        lambda data, at: data[:at] + data[:at] + data[at:],
    ]
)


ODD_VALUES = (
    st.none() | st.integers() | st.binary(max_size=70) | st.text(max_size=5) | st.lists(st.none(), max_size=1)
)
ODD_KEYS = st.none() | st.dictionaries(
    st.sampled_from([1, 3, -1, -2, -3]), st.sampled_from([1, 2, 3, 6, 7, -7, -8, -257]) | ODD_VALUES
).map(cbor2.dumps)


@hypothesis_settings(max_examples=500, deadline=None)
@given(st.data(), st.integers(0, 400), CHANGES)
def test_whatever_bytes_come_instead_of_an_answer_they_are_refused_or_taken_and_nothing_breaks(
    data, at, change
):
    key = SecurityKey()
    made = key.create(ASKED, public_key=data.draw(ODD_KEYS))["response"]
    attestation = b64url(bend(unpadded(made["attestationObject"]), at, change)) or "A"
    response = AttestationResponse(made["clientDataJSON"], attestation, ["usb"])
    credential = NewCredential(b64url(key.id), b64url(key.id), "public-key", response)
    with suppress(KeyRefused):
        security_keys._checked_registration(PARTY, credential, CHALLENGE)
    got = key.get(ASKED)["response"]
    parts = [unpadded(got[name]) for name in ("clientDataJSON", "authenticatorData", "signature")]
    which = data.draw(st.integers(0, 2))
    bent = bend(parts[which], at, change)
    told = [b64url(bent if n == which else part) or "A" for n, part in enumerate(parts)]
    assertion = Assertion(b64url(key.id), b64url(key.id), "public-key", AssertionResponse(*told))
    found = security_keys._checked_assertion(PARTY, assertion, CHALLENGE, public_key=key.public_key())
    assert (found is not None) == (bent == parts[which])
    security_keys._challenge_in(told[0])
