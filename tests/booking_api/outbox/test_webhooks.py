"""Webhooks over HTTP: who may register what, and the way from an event to its delivery with the workers' own job."""

import asyncio

import pytest
from litestar.testing import AsyncTestClient
from msgspec.structs import replace

from booking_api.outbox import webhooks
from booking_api.outbox.signing import webhook_secret
from tests.apps import app_of
from tests.booking_api.outbox.conftest import SCHOOL

STATION = "station:hz-xihu"


@pytest.fixture
async def open_client(settings, token, quick_hashes):
    """An installation whose webhooks may call this machine."""
    async with AsyncTestClient(app_of(replace(settings, webhooks_loopback=True))) as started:
        yield started


@pytest.fixture
def post(open_client, token, world):
    async def registered(*, organisation=SCHOOL, roles=(SCHOOL,), **changed):
        body = {
            "organisation": organisation,
            "url": world.receiver.url,
            "kinds": ["batch.finished"],
        } | changed
        return await open_client.post("/api/v1/webhooks", json=body, headers=token("s", roles=roles))

    return registered


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


async def test_a_ping_goes_all_the_way_and_is_among_the_deliveries(open_client, token, post, world):
    receiver = world.receiver
    made = await post()
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    secret, webhook = made.json()["secret"], made.json()["id"]
    ours = token("another", roles=(SCHOOL,))
    sent = await open_client.post(f"/api/v1/webhooks/{webhook}/ping", headers=ours)
    assert sent.status_code == 202
    while not receiver.received:
        await asyncio.sleep(0.02)
    [received] = receiver.received
    assert received.id == sent.json()["id"]
    assert received.message()["type"] == "webhook.ping"
    assert received.is_signed_with(secret)
    path = f"/api/v1/webhooks/{webhook}/deliveries"
    while (await open_client.get(path, headers=ours)).json()["deliveries"][0]["state"] == "waiting":
        await asyncio.sleep(0.02)
    [delivery] = (await open_client.get(path, headers=ours)).json()["deliveries"]
    assert delivery["id"] == received.id
    assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == ("delivered", 1, 204)
    assert (delivery["kind"], delivery["next_at"]) == ("webhook.ping", None)


async def test_the_secret_is_shown_once_and_stored_nowhere(open_client, token, post, world):
    made = (await post()).json()
    assert made["secret"] == webhook_secret(world.key, made["id"])
    listed = await open_client.get("/api/v1/webhooks", headers=token("s", roles=(SCHOOL,)))
    assert listed.json()["webhooks"] == [{k: v for k, v in made.items() if k != "secret"}]
    stored = (await world.rows("SELECT w::text AS row FROM webhook w"))[0].row
    assert made["secret"].removeprefix("whsec_") not in stored
    assert (await post()).json()["secret"] != made["secret"]


async def test_an_organisation_registers_for_itself_only(open_client, token, post):
    refused(await post(organisation="school:s-2"), 403, "not_your_organisation")
    # The same id as a station is somebody else.
    refused(await post(organisation="station:s-1"), 403, "not_your_organisation")
    refused(await post(organisation="clerk:cn", roles=(SCHOOL, "clerk:cn")), 403, "not_your_organisation")
    refused(await post(roles=("operator:cn",)), 403, "role_missing")
    assert (await post(organisation=STATION, roles=(STATION,))).status_code == 201


async def test_anothers_webhook_is_as_if_it_were_not_there(open_client, token, post):
    webhook = (await post()).json()["id"]
    theirs = token("t", roles=("school:s-2", STATION))
    assert (await open_client.get("/api/v1/webhooks", headers=theirs)).json() == {"webhooks": []}
    for method, path in (("DELETE", ""), ("POST", "/ping"), ("GET", "/deliveries")):
        for which in (webhook, webhook.upper(), "x", "\u96ea", "00000000-0000-0000-0000-000000000000"):
            answer = await open_client.request(method, f"/api/v1/webhooks/{which}{path}", headers=theirs)
            refused(answer, 404, "unknown_webhook")
    ours = token("s", roles=(SCHOOL,))
    assert (await open_client.delete(f"/api/v1/webhooks/{webhook}", headers=ours)).status_code == 204
    refused(await open_client.delete(f"/api/v1/webhooks/{webhook}", headers=ours), 404, "unknown_webhook")


UNUSABLE = [
    {"url": "http://10.0.0.1/"},
    {"url": "https://192.168.0.1/"},
    {"url": "https://169.254.169.254/latest/meta-data"},
    {"url": "not a url"},
    {"url": "x" * 501},
    {"kinds": []},
    {"kinds": ["batch.invented"]},
    {"kinds": "batch.finished"},
    {"organisation": ""},
    {"more": 1},
]


async def test_what_cannot_be_registered_is_refused(post, world):
    for changed in UNUSABLE:
        body = refused(await post(**changed), 400, "invalid_request")
        assert body["errors"][0]["reason"], changed
    assert await world.rows("SELECT 1 FROM webhook") == []


async def test_this_machine_is_not_called_unless_it_is_allowed(client, token, world):
    receiver = world.receiver
    body = {"organisation": SCHOOL, "url": receiver.url, "kinds": ["batch.finished"]}
    for url in (receiver.url, receiver.url.replace("http:", "https:"), "https://localhost/"):
        answer = await client.post(
            "/api/v1/webhooks", json=body | {"url": url}, headers=token("s", roles=(SCHOOL,))
        )
        assert refused(answer, 400, "invalid_request")["errors"][0]["field"] == "url"


async def test_an_organisation_has_so_many_webhooks_and_no_more_even_at_once(post, world, monkeypatch):
    monkeypatch.setattr(webhooks, "WEBHOOKS_LIMIT", 3)
    answers = await asyncio.gather(*(post() for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert len(await world.rows("SELECT 1 FROM webhook")) == 3


async def test_a_webhook_that_is_off_is_not_pinged(open_client, token, post, world):
    webhook = (await post()).json()["id"]
    await world.rows("UPDATE webhook SET off_at = now(), off_reason = 'test'")
    answer = await open_client.post(f"/api/v1/webhooks/{webhook}/ping", headers=token("s", roles=(SCHOOL,)))
    refused(answer, 409, "webhook_off")
