"""API keys over HTTP: shown once, good for their scopes and their time, gone when revoked."""

import re

import pytest
from litestar.testing import AsyncTestClient
from msgspec.structs import replace

from booking_api import clock
from booking_api.app import create_app
from booking_api.errors import TokenInvalid
from booking_api.gate.access import ACCESS, KEY_SCOPES
from booking_api.organisations import keys
from booking_api.organisations.keys import ApiKeys
from booking_api.settings import Rate
from tests.booking_api.test_access import BODIES, NAMED, STREAMS

ALL = sorted(set(KEY_SCOPES.values()))
LEARNERS = "/api/v1/schools/s-101/learners"


def refused(answer, status, code):
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    return answer.json()


@pytest.fixture
async def manager(town, token):
    await town.found()
    return token("manager", roles=("school:s-101",))


async def make(client, manager, *, scopes=("learners:read",), days=30, organisation="s-101"):
    body = {
        "organisation": organisation,
        "name": "desk",
        "scopes": list(scopes),
        "expires_in_days": days,
    }
    return await client.post("/api/v1/api-keys", json=body, headers=manager)


def bearer(made) -> dict[str, str]:
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def test_a_key_is_shown_once_and_only_its_digest_is_kept(client, manager, town):
    made = await make(client, manager)
    key, about = made.json()["key"], made.json()["about"]
    assert re.fullmatch(r"gdk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", key)
    assert key.startswith(about["prefix"])
    assert made.headers["cache-control"] == "no-store"
    assert (await client.get(LEARNERS, headers=bearer(made))).status_code == 200
    listed = await client.get("/api/v1/organisations/s-101/api-keys", headers=manager)
    secret = key.rsplit("_", 1)[1]
    assert secret not in listed.text
    assert listed.json()["keys"] == [about | {"last_used": clock.today().isoformat()}]
    [row] = await town.ask("SELECT k::text || encode(digest, 'escape') AS text FROM api_key k")
    assert secret not in row.text


async def test_each_route_is_served_to_a_key_of_its_scope_and_to_no_other(manager, town, settings):
    """The whole table, asked by a key of every scope and by keys of one scope each."""
    wide = replace(settings, account_rate=Rate(1_000.0, 1_000))
    async with AsyncTestClient(create_app(wide)) as client:
        held = {scope: bearer(await make(client, manager, scopes=(scope,))) for scope in ALL}
        held["all"] = bearer(await make(client, manager, scopes=ALL))
        for (method, path), _ in sorted(ACCESS.items()):
            if path.endswith(STREAMS) or ACCESS[method, path].name in {"PUBLIC", "UNKNOWN", "SIGNED"}:
                continue
            url = re.sub(r"\{(\w+)\}", lambda name: NAMED.get(name[1], "x"), path)
            needed = KEY_SCOPES.get((method, path))
            for scope, headers in held.items():
                answer = await client.request(method, url, json=BODIES.get(path), headers=headers)
                code = answer.json().get("code") if answer.status_code >= 400 else None
                passes = needed is not None and scope in {needed, "all"}
                assert (code != "key_scope_missing") == passes, (method, path, scope, answer.text)
                if not passes:
                    assert answer.status_code == 403


async def test_a_key_is_not_of_another_school(client, manager):
    key = bearer(await make(client, manager))
    refused(await client.get("/api/v1/schools/s-202/learners", headers=key), 403, "not_your_organisation")


async def test_a_revoked_key_is_refused_at_once_and_elsewhere_within_its_freshness(
    client, manager, town, monkeypatch
):
    made = await make(client, manager)
    key, key_id = bearer(made), made.json()["about"]["id"]
    elsewhere = ApiKeys(town.kernel)
    assert (await client.get(LEARNERS, headers=key)).status_code == 200
    assert (await elsewhere.account(made.json()["key"], now=clock.now())).id == f"key:{key_id}"
    for _ in range(2):
        assert (await client.delete(f"/api/v1/api-keys/{key_id}", headers=manager)).status_code == 204
    refused(await client.get(LEARNERS, headers=key), 401, "token_invalid")
    # Another worker may still believe it, but not for longer than FRESH_S.
    assert elsewhere.is_known(made.json()["key"])
    known = elsewhere._known[key_id]
    elsewhere._known[key_id] = known._replace(until=known.until - keys.FRESH_S)
    with pytest.raises(TokenInvalid):
        await elsewhere.account(made.json()["key"], now=clock.now())


async def test_a_read_that_began_before_a_revocation_is_not_remembered(client, manager, town, monkeypatch):
    made = await make(client, manager)
    key, key_id = made.json()["key"], made.json()["about"]["id"]
    mine = ApiKeys(town.kernel)
    transaction = keys.transaction

    def revoked_meanwhile(engine):
        mine.forget(key_id)
        return transaction(engine)

    monkeypatch.setattr(keys, "transaction", revoked_meanwhile)
    await mine.account(key, now=clock.now())
    assert not mine.is_known(key)
    monkeypatch.setattr(keys, "transaction", transaction)
    await mine.account(key, now=clock.now())
    assert mine.is_known(key)


async def test_an_expired_key_is_told_so(client, manager, town):
    key = bearer(await make(client, manager))
    await town.ask("UPDATE api_key SET expires_at = now() - interval '1 second'")
    refused(await client.get(LEARNERS, headers=key), 401, "token_expired")


async def test_a_suspended_schools_key_does_nothing(client, manager, token):
    key = bearer(await make(client, manager))
    assert (await client.get(LEARNERS, headers=key)).status_code == 200
    operator = token("op", roles=("operator:cn-hz",))
    body = {"reason": "unpaid"}
    await client.post("/api/v1/organisations/s-101/suspend", json=body, headers=operator)
    refused(await client.get(LEARNERS, headers=key), 403, "organisation_suspended")


@pytest.mark.parametrize(
    "change", [lambda k: k[:-1], lambda k: k + "x", lambda k: k.replace("gdk_", "gdk_0")]
)
async def test_a_changed_key_is_nobodys(client, manager, change):
    key = (await make(client, manager)).json()["key"]
    answer = await client.get(LEARNERS, headers={"Authorization": f"Bearer {change(key)}"})
    refused(answer, 401, "token_invalid")


async def test_what_cannot_be_a_key_is_refused(client):
    for text in ("gdk_", "gdk__", "gdk_x_y", "gdk_%00_x", "gdk_" + "x" * 5_000, "gdk_é_x"):
        answer = await client.get(LEARNERS, headers={"Authorization": f"Bearer {text}".encode()})
        refused(answer, 401, "token_invalid")


async def test_guessing_keys_is_counted_by_network(client):
    answers = [
        await client.get(LEARNERS, headers={"Authorization": f"Bearer gdk_{n:016x}_x"}) for n in range(40)
    ]
    assert {answer.status_code for answer in answers} == {401, 429}


async def test_a_key_is_counted_like_an_account(client, manager):
    key = bearer(await make(client, manager))
    answers = [await client.get(LEARNERS, headers=key) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert answers[-1].json()["policy"] == "account"


async def test_only_who_acts_for_the_organisation_makes_and_revokes_its_keys(client, manager, token):
    made = await make(client, manager)
    other = token("other", roles=("school:s-202", "operator:cn-hz"))
    refused(await make(client, other), 403, "not_your_organisation")
    listed = await client.get("/api/v1/organisations/s-101/api-keys", headers=other)
    refused(listed, 403, "not_your_organisation")
    path = f"/api/v1/api-keys/{made.json()['about']['id']}"
    refused(await client.delete(path, headers=other), 404, "unknown_key")
    refused(await client.delete("/api/v1/api-keys/none", headers=manager), 404, "unknown_key")
    assert (await client.get(LEARNERS, headers=bearer(made))).status_code == 200


async def test_a_key_of_no_such_scope_or_time_is_not_made(client, manager):
    for scopes, days in ((("all",), 30), ((), 30), (("batches:read",), 367), (("batches:read",), 0)):
        refused(await make(client, manager, scopes=scopes, days=days), 400, "invalid_request")


async def test_an_organisation_has_a_limit_of_good_keys(client, manager, monkeypatch):
    monkeypatch.setattr(keys, "KEYS_LIMIT", 2)
    first = await make(client, manager)
    await make(client, manager)
    refused(await make(client, manager), 409, "too_many_keys")
    await client.delete(f"/api/v1/api-keys/{first.json()['about']['id']}", headers=manager)
    assert (await make(client, manager)).status_code == 201
