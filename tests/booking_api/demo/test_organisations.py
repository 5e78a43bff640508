"""The demo's school can send a batch, its newcomer be verified, its clerks are members: by the rules, as anybody."""

import asyncio
import doctest
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.demo import applicants, numbers, organisations
from booking_api.demo.applicants import APPLICANTS, LEARNERS, SCHOOL
from booking_api.demo.city import found
from booking_api.demo.numbers import identity_number
from booking_api.demo.organisations import add_demo_people
from booking_api.identity.tokens import make_key
from tests.apps import app_of
from tests.booking_api.demo.forms import enter
from tests.booking_api.signing_in.people import good, open_client

EVERYTHING = (
    "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM organisation), (SELECT count(*) FROM consent), "
    "(SELECT count(*) FROM organisation_change), (SELECT count(*) FROM person)"
)


@pytest.fixture
async def city(kernel):
    await found(kernel, founding_day=clock.today())


@pytest.fixture
async def client(settings, city, quick_hashes):
    make_key(settings.key_file)
    demo = msgspec.structs.replace(
        settings, demo_sign_ins=True, messages_file=settings.data / "messages.jsonl"
    )
    app = app_of(demo)
    async with open_client(app) as started:
        yield started


@pytest.fixture
def be(client):
    async def sign_in(account):
        token = good(await client.post("/demo/sign-in", json={"account": account}))["token"]
        return {"Authorization": f"Bearer {token}"}

    return sign_in


async def rows(kernel, statement):
    async with kernel.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


@pytest.mark.parametrize("module", [applicants, numbers, organisations])
def test_the_examples_are_true(module):
    assert doctest.testmod(module).failed == 0


async def test_people_and_organisations_are_added_once(kernel):
    for day in (clock.today(), clock.today() + timedelta(days=40)):
        async with kernel.engine.begin() as connection:
            await add_demo_people(connection, today=day)
    [counts] = await rows(kernel, EVERYTHING)
    assert counts == (len(APPLICANTS) + LEARNERS, 3, LEARNERS, 3, 1)


async def test_a_withdrawn_consent_does_not_come_back_with_the_next_start(kernel):
    async with kernel.engine.begin() as connection:
        await add_demo_people(connection, today=clock.today())
        await connection.execute(text("UPDATE consent SET withdrawn_at = now() WHERE account = 'learner-1'"))
        await add_demo_people(connection, today=clock.today())
    assert await rows(kernel, "SELECT count(*) FROM consent") == [(LEARNERS,)]


def test_no_two_of_them_are_one_person():
    everybody = [one.number for one in APPLICANTS]
    everybody += [one.number for one in organisations.demo_learners(clock.today())]
    assert len({identity_number(number) for number in everybody}) == len(APPLICANTS) + LEARNERS


async def test_the_schools_agent_books_for_its_learners(client, be, kernel):
    agent = await be("school-agent")
    learners = good(await client.get(f"/api/v1/schools/{SCHOOL}/learners", headers=agent))["learners"]
    assert len(learners) == LEARNERS
    last = clock.today() + timedelta(days=12)
    units = await rows(
        kernel,
        "SELECT s.unit_id FROM plan_session s JOIN plan p ON p.id = s.plan_id WHERE p.authority = 'cn-zj-hz' "
        f"AND s.subject = 1 AND s.vehicle_class = 'C1' AND s.quota = 'ordinary' AND s.starts_at > '{last}' LIMIT 2",
    )
    batch = {
        "mode": "all_or_nothing",
        "rows": [{"learner": f"learner-{n}", "units": [units[n % 2][0]]} for n in (1, 2, 3)],
    }
    path = f"/api/v1/schools/{SCHOOL}/batches"
    sent = good(await client.post(path, json=batch, headers=agent | {"Idempotency-Key": "first"}), 202)
    told = f"{path}/{sent['id']}"
    while (done := good(await client.get(told, headers=agent)))["batch"]["ended_at"] is None:
        await asyncio.sleep(0.05)
    assert [row["state"] for row in done["rows"]] == ["booked"] * 3, done


async def test_the_newcomer_may_hold_once_verified_by_a_code_or_at_the_counter(client, be, settings):
    newcomer = await be("newcomer")
    asked = await client.post("/api/v1/accounts/me/verification", headers=newcomer)
    assert asked.status_code == 202, asked.text
    assert (settings.data / "messages.jsonl").read_text().count("13800000051") == 1
    clerk = await be("counter-clerk")
    seen = {"login": "newcomer", "identity_number": identity_number(51)}
    assert good(await client.post("/api/v1/verifications", json=seen, headers=clerk))["verified"] is True
    assert good(await client.get("/api/v1/accounts/me", headers=await be("newcomer")))["verified"] is True


async def test_whoever_is_signed_in_by_cookie_holds_for_their_own_vehicles(client, kernel):
    page, _ = await enter(client, "applicant-3")
    [(pool, unit), *_] = await rows(
        kernel,
        "SELECT u.pool_id, u.id FROM unit u JOIN pool p ON p.id = u.pool_id WHERE p.service = 'inspection' "
        "AND p.authority = 'cn-zj-hz' AND u.starts_at > now() + interval '3 days' ORDER BY u.id LIMIT 1",
    )
    for plate, status in (("浙A3M516", 201), ("浙AD08271", 201), ("浙A12345", 403)):
        wish = {"pool": pool, "units": [unit], "vehicle": plate}
        answer = await client.post("/api/v1/holds", json=wish, headers=page)
        assert answer.status_code == status, answer.text
    held = good(await client.get("/api/v1/holds", headers=page))["holds"]
    assert [one["vehicle"] for one in held] == ["浙A3M516", "浙AD08271"]


async def test_each_clerk_and_operator_enters_what_is_theirs(client, be):
    assert good(await client.get("/api/v1/plans?authority=cn-zj-hz", headers=await be("operator")))["plans"]
    for account, owned in (
        ("test-site-clerk", "station:hz-demo-test-centre"),
        ("school-agent", f"school:{SCHOOL}"),
    ):
        asked = await client.get(f"/api/v1/webhooks?organisation={owned}", headers=await be(account))
        assert good(asked)["webhooks"] == []
