"""Signing in by choosing who to be: only where the settings say so, only as the demo's own people."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from booking_api import clock
from booking_api.app import create_app
from booking_api.demo.applicants import APPLICANTS
from booking_api.identity.tokens import make_key


@pytest.fixture
async def demo_client(settings):
    make_key(settings.key_file)
    async with AsyncTestClient(create_app(msgspec.structs.replace(settings, demo_sign_ins=True))) as client:
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
    assert [person["account"] for person in told] == [f"applicant-{n}" for n in range(1, 13)]
    assert told[0]["vehicles"] == list(APPLICANTS[0].vehicles)


async def test_no_two_applicants_share_a_vehicle():
    vehicles = [plate for person in APPLICANTS for plate in person.vehicles]
    assert len(set(vehicles)) == len(vehicles)


@pytest.mark.parametrize(("method", "path"), [("POST", "/demo/sign-in"), ("GET", "/demo/applicants")])
async def test_without_demo_sign_ins_the_routes_do_not_exist(client, method, path):
    answer = await client.request(method, path, json={"account": "applicant-1"})
    assert answer.status_code == 404
