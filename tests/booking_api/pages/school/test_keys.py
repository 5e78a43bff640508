"""API keys and webhooks on a school's pages: told once, revoked, pinged, deleted; another school's are not there."""

import msgspec
import pytest

from tests.booking_api.pages.school.conftest import SCHOOL
from tests.booking_api.pages.visitors import Shown


@pytest.fixture
def settings(settings):
    """Webhooks may be of this machine."""
    return msgspec.structs.replace(settings, webhooks_loopback=True)


async def made(agent, **fields) -> Shown:
    await agent.get(f"{SCHOOL}/keys/new")
    told = {"name": "office", "scopes": ["learners:read"], "days": "30"} | fields
    return Shown(await agent.post(f"{SCHOOL}/keys/new", **told))


async def test_a_key_is_shown_once_works_and_ends_when_it_is_revoked(agent, town, client):
    shown = await made(agent)
    [key] = [field["value"] for field in shown.all("input", id="secret")]
    headers = {"Authorization": f"Bearer {key}"}
    learners = "/api/v1/schools/s-101/learners"
    assert (await client.get(learners, headers=headers)).status_code == 200
    listed = await agent.page(f"{SCHOOL}/keys")
    assert key not in listed.text
    [link] = [a["href"] for a in listed.all("a") if a["href"].endswith("/revoke")]
    assert "for good" in (await agent.page(link)).text
    assert (await agent.post(link)).headers["location"] == f"{SCHOOL}/keys?told=key_revoked"
    assert (await client.get(learners, headers=headers)).status_code == 401


async def test_a_wrong_key_form_is_shown_again_and_makes_none(agent, town):
    for wrong in (
        {"name": ""},
        {"scopes": []},
        {"scopes": ["check-ins"]},
        {"days": "9999"},
        {"days": "soon"},
    ):
        shown = await made(agent, **wrong)
        assert shown.status == 422, wrong
        assert shown.all("div", id="summary", role="alert"), wrong
    assert await town.ask("SELECT 1 FROM api_key") == []


async def test_a_webhook_is_added_pinged_and_deleted(agent, town):
    await agent.get(f"{SCHOOL}/webhooks/new")
    url = "http://127.0.0.1:9/hook"
    shown = Shown(await agent.post(f"{SCHOOL}/webhooks/new", url=url, kinds=["batch.finished"]))
    [secret] = [field["value"] for field in shown.all("input", id="secret")]
    assert secret.startswith("whsec_")
    listed = await agent.page(f"{SCHOOL}/webhooks")
    assert secret not in listed.text
    [link] = [a["href"] for a in listed.all("a", class_="address")]
    await agent.get(link)
    assert (await agent.post(f"{link}/ping")).headers["location"] == f"{link}?told=pinged"
    assert "ping" in (await agent.page(link)).text
    await agent.get(f"{link}/delete")
    assert (await agent.post(f"{link}/delete")).headers[
        "location"
    ] == f"{SCHOOL}/webhooks?told=webhook_deleted"
    assert (await agent.get(link)).status_code == 404


async def test_a_wrong_webhook_form_is_shown_again_and_adds_none(agent, town):
    right = {"url": "http://127.0.0.1:9/", "kinds": ["batch.finished"]}
    await agent.get(f"{SCHOOL}/webhooks/new")
    for wrong in (
        {"url": ""},
        {"url": "ftp://x"},
        {"url": "https://[x"},
        {"kinds": []},
        {"kinds": ["payment"]},
    ):
        shown = Shown(await agent.post(f"{SCHOOL}/webhooks/new", **(right | wrong)))
        assert shown.status in {400, 422}, wrong
        assert shown.all("div", id="summary", role="alert"), wrong
    assert await town.ask("SELECT 1 FROM webhook") == []


async def test_keys_and_webhooks_of_another_school_are_not_there(agent, town, browser_of):
    other = await browser_of("other", "school:s-202")
    await other.get("/school/s-202/keys/new")
    await other.post("/school/s-202/keys/new", name="theirs", scopes=["webhooks"], days="30")
    await other.get("/school/s-202/webhooks/new")
    await other.post("/school/s-202/webhooks/new", url="http://127.0.0.1:9/", kinds=["batch.finished"])
    [key] = await town.ask("SELECT id FROM api_key")
    [hook] = await town.ask("SELECT id FROM webhook")
    await agent.get(f"{SCHOOL}/keys/new")
    for path in (f"keys/{key.id}/revoke", f"webhooks/{hook.id}/delete", f"webhooks/{hook.id}/ping"):
        assert (await agent.post(f"{SCHOOL}/{path}")).status_code == 404
    assert (await agent.get(f"{SCHOOL}/webhooks/{hook.id}")).status_code == 404
    assert len(await town.ask("SELECT 1 FROM api_key WHERE revoked_at IS NULL")) == 1
    assert len(await town.ask("SELECT 1 FROM webhook")) == 1
