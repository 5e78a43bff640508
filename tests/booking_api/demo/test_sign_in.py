"""Signing in by choosing who to be: only where the settings say so, only as the demo's own people."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from booking_api import clock
from booking_api.demo.applicants import APPLICANTS
from booking_api.demo.organisations import add_demo_people
from booking_api.identity.accounts import ROLES
from booking_api.identity.sessions import memory
from booking_api.identity.tokens import make_key
from reservation.database import create_engine
from tests.apps import app_of
from tests.booking_api.demo.forms import enter


@pytest.fixture
async def people(database_url):
    """The demo's people, as a founding leaves them."""
    engine = create_engine(database_url, connections=1)
    async with engine.begin() as connection:
        await add_demo_people(connection, today=clock.today())
    yield engine
    await engine.dispose()


@asynccontextmanager
async def serving(settings, *, demo):
    make_key(settings.key_file)
    app = app_of(msgspec.structs.replace(settings, demo_sign_ins=demo))
    async with AsyncTestClient(app) as client:
        yield client


@pytest.fixture
async def demo_client(settings, people):
    async with serving(settings, demo=True) as client:
        yield client


async def test_a_demo_applicant_gets_a_token_the_api_accepts(demo_client):
    answer = await demo_client.post("/demo/sign-in", json={"account": "applicant-3"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    life = datetime.fromisoformat(told["expires_at"]) - datetime.fromtimestamp(clock.now_s(), UTC)
    assert timedelta(hours=11) < life <= timedelta(hours=12)
    mine = await demo_client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {told['token']}"})
    assert mine.json() == {"bookings": [], "next": None}


async def test_nobody_else_can_sign_in(demo_client):
    answer = await demo_client.post("/demo/sign-in", json={"account": "minister"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_applicant")


@pytest.mark.parametrize("body", [{}, {"account": 3}, {"account": "applicant-1", "vehicles": ["浙A00001"]}])
async def test_a_sign_in_with_other_fields_is_refused(demo_client, body):
    answer = await demo_client.post("/demo/sign-in", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_the_applicants_are_told_with_their_vehicles(demo_client):
    told = (await demo_client.get("/demo/applicants")).json()["applicants"]
    assert [person["account"] for person in told][:12] == [f"applicant-{n}" for n in range(1, 13)]
    assert told[0]["vehicles"] == list(APPLICANTS[0].vehicles)


async def test_no_two_applicants_share_a_vehicle():
    vehicles = [plate for person in APPLICANTS for plate in person.vehicles]
    assert len(set(vehicles)) == len(vehicles)


@pytest.mark.parametrize(("method", "path"), [("POST", "/demo/sign-in"), ("GET", "/demo/applicants")])
async def test_without_demo_sign_ins_the_routes_do_not_exist(client, method, path):
    answer = await client.request(method, path, json={"account": "applicant-1"})
    assert answer.status_code == 404


async def test_somebody_of_every_role_is_there_to_be(demo_client):
    told = (await demo_client.get("/demo/applicants")).json()["applicants"]
    assert {person["role"] for person in told} == {"applicant", *ROLES}
    assert all(person["stands"].keys() == {"zh-CN", "en"} for person in told)
    for person in told:
        token = (await demo_client.post("/demo/sign-in", json={"account": person["account"]})).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        me = (await demo_client.get("/api/v1/accounts/me", headers=headers)).json()
        assert (me["roles"], me["verified"]) == (person["roles"], person["verified"])


async def test_a_page_session_is_the_account_that_a_token_is(demo_client):
    for account in ("applicant-3", "operator", "newcomer"):
        page, _ = await enter(demo_client, account)
        token = (await demo_client.post("/demo/sign-in", json={"account": account})).json()["token"]
        asked = [
            (await demo_client.get("/api/v1/accounts/me", headers=headers)).json()
            for headers in (page, {"Authorization": f"Bearer {token}"})
        ]
        assert asked[0] == asked[1]


async def test_a_page_session_ends_the_one_the_browser_came_with(demo_client, monkeypatch):
    monkeypatch.setattr(memory, "REMEMBERED_MS", 0)
    first, _ = await enter(demo_client, "applicant-1")
    second, _ = await enter(demo_client, "operator", **first)
    assert (await demo_client.get("/api/v1/session", headers=first)).json()["code"] == "session_ended"
    assert (await demo_client.get("/api/v1/session", headers=second)).json()["account"]["id"] == "operator"


async def test_another_sites_form_begins_no_session(demo_client):
    began, answer = await enter(demo_client, "applicant-1", Origin="https://elsewhere.example")
    assert answer.status_code == 403
    assert began == {}


@pytest.mark.parametrize("account", ["minister", "learner-1"])
async def test_nobody_who_is_not_listed_gets_a_page_session(demo_client, account):
    began, answer = await enter(demo_client, account)
    assert answer.status_code == 422
    assert began == {}


async def test_what_is_no_demo_begins_no_page_session(settings, people):
    """Even with somebody of that name in the tables."""
    async with serving(settings, demo=False) as client:
        began, answer = await enter(client, "operator")
        assert answer.status_code == 404
        assert began == {}
