"""People over HTTP: register, sign in, refresh, be verified; and what somebody who is not that person cannot do."""

import asyncio

import pytest
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from booking_api import clock
from booking_api.app import create_app
from booking_api.gate import limits
from booking_api.identity.tokens import TokenVerifier, load_key
from tests.serving import environment, gongdao

NUMBER = "11010519491231002X"
OTHER_NUMBER = "440524188001010014"
PASSWORD = "four horses, one cart"
ZHANG = {
    "login": "zhang.wei",
    "identity_number": NUMBER,
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}


pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
async def sale(kernel, city):
    return await city(capacities=(2, 3))


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    return answer.json()


async def register(client, **changed):
    return await client.post("/api/v1/accounts", json=ZHANG | changed)


async def sign_in(client, login="zhang.wei", password=PASSWORD):
    return await client.post("/api/v1/sign-in", json={"login": login, "password": password})


async def signed_in(client, **which):
    answer = await sign_in(client, **which)
    assert answer.status_code == 200, answer.text
    return answer.json(), {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def verify(client, token, *, login="zhang.wei", number=NUMBER, roles=("clerk:cn-zj-hz",)):
    body = {"login": login, "identity_number": number}
    return await client.post("/api/v1/verifications", json=body, headers=token("clerk-1", roles=roles))


async def test_from_nobody_to_a_confirmed_seat(client, token, sale):
    pool, [unit, _] = sale
    opened = await register(client)
    assert opened.status_code == 201, opened.text
    assert opened.json() | {"id": ""} == {
        "id": "",
        "login": "zhang.wei",
        "name": "张伟",
        "identity_number": "110*************2X",
        "verified": False,
        "roles": [],
    }
    _, mine = await signed_in(client)
    wish = {"pool": pool, "units": [unit]}
    refused(await client.post("/api/v1/holds", json=wish, headers=mine), 403, "not_verified")
    found = await verify(client, token)
    assert (found.status_code, found.json()["verified"]) == (200, True)
    # The token says what was true when it was issued; the next one knows.
    refused(await client.post("/api/v1/holds", json=wish, headers=mine), 403, "not_verified")
    answer, mine = await signed_in(client, login="\uff3ahang.Wei")
    assert answer["account"]["verified"] is True
    held = await client.post("/api/v1/holds", json=wish, headers=mine)
    assert held.status_code == 201, held.text
    headers = mine | {"Idempotency-Key": "k"}
    booked = await client.post(f"/api/v1/holds/{held.json()['id']}/confirm", headers=headers)
    assert booked.status_code == 201
    assert (await client.get("/api/v1/accounts/me", headers=mine)).json()["login"] == "zhang.wei"


BAD = [
    ("login", "zh"),
    ("login", "-zhang"),
    ("login", "张伟张伟"),
    ("login", "x" * 41),
    ("identity_number", "110105194912310021"),
    ("identity_number", ""),
    ("name", "  "),
    ("name", "x" * 61),
    ("name", "a\x00b"),
    ("phone", "12345"),
    ("phone", "13800138000;"),
    ("password", "short"),
    ("password", "x" * 129),
    ("password", "aaaaaaaaaaaa"),
    ("password", NUMBER),
    ("password", "13800138000"),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=[f"{f} {v[:20]!r}" for f, v in BAD])
async def test_a_field_that_cannot_be_used_is_named(client, field, value):
    told = refused(await register(client, **{field: value}), 400, "invalid_request")
    assert [error["field"] for error in told["errors"]] == [field]
    assert told["errors"][0]["reason"]
    refused(await sign_in(client), 401, "sign_in_refused")


async def test_all_bad_fields_are_told_at_once_and_no_secret_comes_back(client):
    answer = await register(client, login="!", name="", password="tiny", phone="1")
    told = refused(answer, 400, "invalid_request")
    assert {error["field"] for error in told["errors"]} == {"login", "name", "phone", "password"}
    assert "tiny" not in answer.text
    refused(await client.post("/api/v1/accounts", json={"login": "a"}), 400, "invalid_request")


async def test_a_login_is_one_persons_whatever_its_spelling(client):
    await register(client)
    refused(await register(client, login="\uff3aHANG.wei"), 409, "login_taken")


async def test_of_many_at_once_one_gets_the_login(client):
    answers = await asyncio.gather(*(register(client) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_a_wrong_password_and_an_unknown_login_are_told_alike(client):
    await register(client)
    wrong = refused(await sign_in(client, password="not the password"), 401, "sign_in_refused")
    unknown = refused(await sign_in(client, login="nobody.here"), 401, "sign_in_refused")
    assert wrong == unknown


@pytest.mark.parametrize("login", ["a\x00b", "\x00", "🚗", "x" * 200, "' OR 1=1 --", "%", " "])
async def test_what_can_be_no_login_is_nobodys(client, token, login):
    refused(await sign_in(client, login=login), 401, "sign_in_refused")
    refused(await verify(client, token, login=login), 404, "unknown_account")
    refused(await sign_in(client, login="nobody.here", password="a\x00b"), 401, "sign_in_refused")
    odd = await client.post("/api/v1/tokens", json={"refresh_token": login})
    refused(odd, 401, "refresh_refused")


async def test_guessing_is_slowed_from_one_network_and_nobody_elsewhere_is_locked_out(client, monkeypatch):
    monkeypatch.setattr(limits, "network_prefix", lambda address: address)  # one address, one network
    await register(client)
    for _ in range(limits.SIGN_IN_RATE.burst):
        refused(await sign_in(client, password="guess number n"), 401, "sign_in_refused")
    answer = await sign_in(client)
    assert refused(answer, 429, "rate_limited")["policy"] == "sign-in"
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    monkeypatch.setattr(limits, "network_prefix", lambda address: f"elsewhere {address}")
    assert (await sign_in(client)).status_code == 200


async def test_without_the_limit_guessing_would_go_on(client, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(limits.Limits, "check_sign_in", lambda *_, **__: asyncio.sleep(0))
    await register(client)
    for _ in range(limits.SIGN_IN_RATE.burst + 5):
        refused(await sign_in(client, password="guess number n"), 401, "sign_in_refused")


async def test_a_refresh_token_is_good_once_and_a_second_use_ends_the_family(client):
    await register(client)
    first = (await signed_in(client))[0]["refresh_token"]
    second = await client.post("/api/v1/tokens", json={"refresh_token": first})
    assert second.status_code == 200
    assert second.headers["cache-control"] == "no-store"
    refused(await client.post("/api/v1/tokens", json={"refresh_token": first}), 401, "refresh_refused")
    stolen = second.json()["refresh_token"]
    refused(await client.post("/api/v1/tokens", json={"refresh_token": stolen}), 401, "refresh_refused")


async def test_of_two_devices_that_refresh_at_once_one_wins(client):
    await register(client)
    token = (await signed_in(client))[0]["refresh_token"]
    tries = [client.post("/api/v1/tokens", json={"refresh_token": token}) for _ in range(4)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*tries)) == [200, 401, 401, 401]


async def test_signing_out_ends_the_family_and_no_other(client):
    await register(client)
    here, there = [(await signed_in(client))[0]["refresh_token"] for _ in range(2)]
    assert (await client.post("/api/v1/sign-out", json={"refresh_token": here})).status_code == 204
    assert (await client.post("/api/v1/sign-out", json={"refresh_token": "unknown"})).status_code == 204
    refused(await client.post("/api/v1/tokens", json={"refresh_token": here}), 401, "refresh_refused")
    assert (await client.post("/api/v1/tokens", json={"refresh_token": there})).status_code == 200


async def test_expired_refresh_tokens_are_refused_and_cleared(client, kernel):
    await register(client)
    token = (await signed_in(client))[0]["refresh_token"]
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE refresh_token SET expires_at = now() - interval '1 second'"))
    refused(await client.post("/api/v1/tokens", json={"refresh_token": token}), 401, "refresh_refused")
    await signed_in(client)
    async with kernel.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM refresh_token"))).scalar_one() == 1


async def test_no_secret_is_stored_as_it_is(client, kernel):
    await register(client)
    token = (await signed_in(client))[0]["refresh_token"]
    async with kernel.engine.connect() as connection:
        stored = await connection.execute(
            text("SELECT a::text || encode(r.digest, 'escape') FROM account a, refresh_token r")
        )
        row = stored.scalar_one()
    assert PASSWORD not in row
    assert token not in row
    assert "$argon2id$" in row


@pytest.mark.parametrize("roles", [(), ("operator",), ("auditor", "school", "station")])
async def test_only_a_clerk_verifies(client, token, roles):
    await register(client)
    assert refused(await verify(client, token, roles=roles), 403, "role_missing")["role"] == "clerk"
    body = {"login": "zhang.wei", "identity_number": NUMBER}
    refused(await client.post("/api/v1/verifications", json=body), 401, "token_missing")


async def test_the_card_must_be_that_of_the_account(client, token):
    await register(client)
    refused(await verify(client, token, number=OTHER_NUMBER), 404, "unknown_account")
    refused(await verify(client, token, login="nobody.here"), 404, "unknown_account")
    refused(await verify(client, token, number="1"), 400, "invalid_request")
    assert (await verify(client, token)).status_code == 200
    refused(await verify(client, token), 409, "already_verified")


async def test_a_number_typed_by_a_stranger_blocks_nobody_and_only_one_account_becomes_the_person(
    client, token
):
    await register(client, login="stranger")
    assert (await register(client)).status_code == 201
    assert (await verify(client, token)).status_code == 200
    refused(await verify(client, token, login="stranger"), 409, "person_has_account")


async def test_the_database_itself_knows_one_account_per_person(client, token, kernel):
    """The constraint is the mechanism here; with it gone the fault would show."""
    await register(client)
    await register(client, login="stranger")
    together = "UPDATE account SET verified_at = now(), verified_by = 'test'"
    with pytest.raises(IntegrityError):
        async with kernel.engine.begin() as connection:
            await connection.execute(text(together))
    async with kernel.engine.begin() as connection:
        await connection.execute(text("DROP INDEX account_person_idx"))
        assert (await connection.execute(text(together))).rowcount == 2


async def test_a_clerk_verifies_neither_their_account_nor_a_second_one_of_their_own(client, token, kernel):
    clerk = (await register(client)).json()["id"]
    await register(client, login="second.self")
    await register(client, login="li.na", identity_number=OTHER_NUMBER)
    mine = token(clerk, roles=("clerk:cn-zj-hz",))
    for login, number, status in (
        ("zhang.wei", NUMBER, 403),
        ("second.self", NUMBER.lower(), 403),
        ("li.na", OTHER_NUMBER, 200),
    ):
        body = {"login": login, "identity_number": number}
        answer = await client.post("/api/v1/verifications", json=body, headers=mine)
        assert answer.status_code == status
        if status == 403:
            refused(answer, 403, "own_account")
    async with kernel.engine.connect() as connection:
        verified = await connection.execute(text("SELECT login FROM account WHERE verified_at IS NOT NULL"))
        assert verified.scalars().all() == ["li.na"]


async def test_roles_given_by_command_are_in_the_next_token(client, database_url, valkey_url, tmp_path):
    env = environment(tmp_path, GONGDAO_DATABASE_URL=database_url, GONGDAO_VALKEY_URL=valkey_url)
    await register(client)
    await register(client, login="li.na", identity_number=OTHER_NUMBER)
    body = {"login": "li.na", "identity_number": OTHER_NUMBER}
    for words, code, status in ((("clerk:cn-zj-hz",), 0, 200), ((), 0, 403)):
        done = await asyncio.to_thread(gongdao, env, "account", "roles", "zhang.wei", *words)
        assert done.returncode == code, done.stderr
        assert done.stdout.strip() == ", ".join(["zhang.wei: applicant", *words])
        _, mine = await signed_in(client)
        answer = await client.post("/api/v1/verifications", json=body, headers=mine)
        assert answer.status_code == status


@pytest.fixture
def vehicles(kernel):
    """Makes the register have these plates as the person's."""

    async def own(number, *plates):
        async with kernel.engine.begin() as connection:
            await connection.execute(
                text(
                    "WITH i AS (INSERT INTO register_import (register, source, file, sha256, rows, bad_rows)"
                    " VALUES ('vehicle', 't', 't', 't', 1, 0) RETURNING id)"
                    " INSERT INTO vehicle SELECT p, kind, :n, '2020-01-01', '2027-01-01', 5, i.id"
                    " FROM i, unnest(CAST(:p AS text[])) p, unnest(ARRAY['01', '02']) kind"
                ),
                {"n": number, "p": list(plates)},
            )

    return own


async def test_tokens_vouch_for_the_vehicles_the_register_has_as_the_verified_persons(
    client, token, vehicles, settings
):
    key = load_key(settings.key_file)
    await register(client)
    await vehicles(NUMBER, "浙A12345")
    await vehicles(OTHER_NUMBER, "浙A99999")

    async def vouched(headers):
        account = TokenVerifier(key, now_s=clock.now_s).account(headers["Authorization"])
        return account.vehicles

    told, mine = await signed_in(client)
    assert await vouched(mine) == ()
    await verify(client, token)
    _, mine = await signed_in(client)
    assert await vouched(mine) == ("浙A12345",)
    await vehicles(NUMBER, "浙A00001")
    told = (await client.post("/api/v1/tokens", json={"refresh_token": told["refresh_token"]})).json()
    assert await vouched({"Authorization": f"Bearer {told['access_token']}"}) == ("浙A00001", "浙A12345")


@pytest.mark.parametrize("fleet", [("浙A{:05}", 50), ("浙" * 11 + "{:05}", 21)])
async def test_a_fleet_of_vehicles_leaves_the_token_usable(client, token, vehicles, settings, fleet):
    plate, kept = fleet
    key = load_key(settings.key_file)
    await register(client)
    await verify(client, token)
    await vehicles(NUMBER, *(plate.format(number) for number in range(60)))
    _, mine = await signed_in(client)
    assert (await client.get("/api/v1/accounts/me", headers=mine)).status_code == 200
    account = TokenVerifier(key, now_s=clock.now_s).account(mine["Authorization"])
    assert account.vehicles == tuple(plate.format(number) for number in range(kept))


async def test_an_unknown_persons_requests_are_limited_by_network(client, monkeypatch):
    answer = await sign_in(client, login="nobody.here")
    assert answer.status_code == 401
    first = [await client.post("/api/v1/sign-out", json={"refresh_token": "x"}) for _ in range(40)]
    assert 429 in {answer.status_code for answer in first}


async def test_a_database_that_is_gone_is_503_and_not_our_bug(client, settings):
    gone = replace(settings, database_url="postgresql+asyncpg://u@127.0.0.1:9/none")
    async with AsyncTestClient(create_app(gone)) as broken:
        for answer in (await sign_in(broken), await register(broken)):
            refused(answer, 503, "unavailable")
            assert answer.headers["Retry-After"] == "2"


def test_roles_are_given_by_command(tmp_path, database_url, valkey_url):
    env = environment(tmp_path, GONGDAO_DATABASE_URL=database_url, GONGDAO_VALKEY_URL=valkey_url)
    unknown = gongdao(env, "account", "roles", "nobody", "clerk:cn")
    assert (unknown.returncode, len(unknown.stderr.strip().splitlines())) == (2, 1)
    wrong = gongdao(env, "account", "roles", "nobody", "king:cn")
    assert wrong.returncode == 2
