"""Plans over HTTP, as an operator makes them: drafted, filled, published for good, closed, cancelled session by session."""

import asyncio

import pytest
from sqlalchemy import text

from booking_api import clock
from reservation import audit
from tests.planning import authorities, in_days, person, settle

OPERATOR = {"roles": ("operator:cn-zj-hz",)}
TITLE = {"en": "December", "zh-CN": "\u5341\u4e8c\u6708"}


def row(**changed):
    about = {
        "site": "hz-xihu",
        "title": "Xihu",
        "day": in_days(20).isoformat(),
        "start": "09:00",
        "end": "11:00",
    }
    return about | {"subject": 1, "vehicle_class": "C1", "capacity": 3} | changed


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


@pytest.fixture
async def operator(kernel, token):
    await authorities(kernel)
    return token("op", **OPERATOR)


@pytest.fixture
def ask(client, operator):
    """Asks as the operator, or as somebody else."""

    async def call(method, path, body=None, *, headers=None):
        return await client.request(method, f"/api/v1{path}", json=body, headers=headers or operator)

    return call


async def drafted(ask, *rows, **changed):
    body = {"authority": "cn-zj-hz", "service": "driving_test", "title": TITLE, "source": "plan 12"} | changed
    made = await ask("POST", "/plans", body)
    assert made.status_code == 201, made.text
    plan = made.json()["id"]
    if rows:
        added = await ask("POST", f"/plans/{plan}/sessions", {"sessions": rows})
        assert added.status_code == 200, added.text
    return plan


async def published(ask, *rows, **changed):
    plan = await drafted(ask, *rows, **changed)
    done = await ask("POST", f"/plans/{plan}/publish")
    assert done.status_code == 200, done.text
    return plan


async def units_of_plan(ask, plan):
    told = (await ask("GET", f"/plans/{plan}/sessions")).json()["sessions"]
    return [(session["id"], session["unit"]) for session in told]


async def hold(client, headers, unit, pool=1):
    return await client.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=headers)


async def opened(client, pool=1):
    """A new pool's view is built by the first one who asks."""
    for _ in range(100):
        units = (await client.get(f"/api/v1/pools/{pool}/units")).json()["units"]
        if all(unit["free"] is not None for unit in units):
            return units
        await asyncio.sleep(0.05)
    raise AssertionError("the pool does not open")


async def test_from_a_draft_to_a_booking(client, ask, token, kernel):
    plan = await drafted(ask, row(), row(priority_capacity=1, start="13:00", end="15:00"))
    assert (await client.get("/api/v1/pools")).json()["pools"] == []
    done = (await ask("POST", f"/plans/{plan}/publish")).json()
    assert (done["state"], done["sessions"], done["places"]) == ("published", 3, 7)
    units = await opened(client)
    assert [(unit["capacity"], unit["attributes"].get("quota")) for unit in units] == [
        (3, None),
        (3, None),
        (1, "priority"),
    ]
    await settle(kernel, person())
    mine = token("a")
    held = await hold(client, mine, units[0]["id"])
    assert held.status_code == 201, held.text
    confirmed = await client.post(
        f"/api/v1/holds/{held.json()['id']}/confirm", headers=mine | {"Idempotency-Key": "k"}
    )
    assert confirmed.status_code == 201
    assert await audit(kernel) == []


async def test_a_refusal_names_the_rule_the_facts_and_the_first_day(client, ask, token, kernel):
    await published(ask, row(subject=3))
    await opened(client)
    await settle(kernel, person("a", 1, certificate_days=2, sittings=[(1, in_days(-1), "passed")]))
    told = refused(await hold(client, token("a"), 1), 403, "not_eligible")
    assert told["rules"] == [
        {
            "rule": "certificate_wait",
            "facts": {"issued": in_days(-2).isoformat(), "wait_days": 30},
            "first_day": in_days(28).isoformat(),
        }
    ]
    assert told["first_day"] == in_days(28).isoformat()


async def test_a_published_plan_is_not_changed(ask):
    plan = await published(ask, row())
    refused(
        await ask("POST", f"/plans/{plan}/sessions", {"sessions": [row(site="b")]}), 409, "plan_published"
    )
    refused(await ask("DELETE", f"/plans/{plan}"), 409, "plan_published")
    refused(await ask("POST", f"/plans/{plan}/publish"), 409, "plan_published")


async def test_a_plan_is_published_ten_days_ahead(ask):
    plan = await drafted(ask, row(day=in_days(9).isoformat()))
    told = refused(await ask("POST", f"/plans/{plan}/publish"), 409, "too_short_notice")
    assert told["first_day"] == in_days(10).isoformat()
    await published(ask, row(day=in_days(10).isoformat()))


async def test_an_empty_plan_is_not_published_and_a_draft_can_be_deleted(ask):
    plan = await drafted(ask)
    refused(await ask("POST", f"/plans/{plan}/publish"), 409, "plan_empty")
    assert (await ask("DELETE", f"/plans/{plan}")).status_code == 204
    refused(await ask("POST", f"/plans/{plan}/publish"), 404, "unknown_plan")


async def test_sending_the_same_sessions_again_adds_nothing(ask):
    plan = await drafted(ask, row())
    again = (await ask("POST", f"/plans/{plan}/sessions", {"sessions": [row(), row(site="b")]})).json()
    assert (again["added"], again["plan"]["sessions"]) == (1, 2)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"end": "08:00"}, "sessions[0]"),
        ({"start": "9:00"}, "sessions[0].start"),
        ({"day": "2026-02-30"}, "sessions[0].day"),
        ({"day": "9999-12-31"}, "sessions[0]"),
        ({"capacity": -1}, "sessions[0].capacity"),
        ({"capacity": 0}, "sessions[0]"),
        ({"capacity": 10**9}, "sessions[0].capacity"),
        ({"subject": 5}, "sessions[0].subject"),
        ({"subject": None}, "sessions[0]"),
        ({"vehicle_class": "Z9"}, "sessions[0].vehicle_class"),
        ({"site": "Hz Xihu"}, "sessions[0].site"),
        ({"site": "hz\n"}, "sessions[0].site"),
        ({"title": "\x00"}, "sessions[0].title"),
        ({"extra": 1}, "sessions[0]"),
    ],
)
async def test_a_session_that_cannot_be_is_told_and_nothing_is_added(ask, changed, field):
    plan = await drafted(ask)
    body = {"sessions": [row(site="good"), row(**changed)]}
    told = refused(await ask("POST", f"/plans/{plan}/sessions", body), 400, "invalid_request")
    assert told["errors"], told
    assert await units_of_plan(ask, plan) == []


@pytest.mark.parametrize(
    "changed", [{"service": "lottery"}, {"opens_at": "2026-01-01T00:00:00"}, {"title": {}}, {"source": ""}]
)
async def test_a_plan_that_cannot_be_is_told(ask, changed):
    body = {"authority": "cn-zj-hz", "service": "driving_test", "title": TITLE, "source": "s"} | changed
    refused(await ask("POST", "/plans", body), 400, "invalid_request")


async def test_a_schedule_leaves_exception_days_and_days_off_out(ask):
    plan = await drafted(ask)
    first = in_days(20)
    await ask("POST", "/authorities/cn-zj-hz/days-off", {"days": {in_days(22).isoformat(): "off"}})
    schedule = {
        "site": "hz-xihu",
        "title": "Xihu",
        "subject": 2,
        "vehicle_class": "C1",
        "first_day": first.isoformat(),
        "last_day": in_days(26).isoformat(),
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "slots": [
            {"start": "09:00", "end": "11:00", "capacity": 5},
            {"start": "13:00", "end": "15:00", "capacity": 5},
        ],
        "except_days": [in_days(23).isoformat()],
    }
    told = (await ask("POST", f"/plans/{plan}/schedules", schedule)).json()
    assert (told["added"], told["plan"]["places"]) == (10, 50)
    sessions = (await ask("GET", f"/plans/{plan}/sessions")).json()["sessions"]
    days = {session["starts_at"][:10] for session in sessions}
    assert in_days(22).isoformat() not in days
    assert in_days(23).isoformat() not in days
    backwards = schedule | {"last_day": in_days(3).isoformat()}
    refused(await ask("POST", f"/plans/{plan}/schedules", backwards), 400, "invalid_request")


async def test_a_closed_plan_takes_no_more_holds_and_keeps_its_bookings(client, ask, token, kernel):
    plan = await published(ask, row())
    await opened(client)
    await settle(kernel, person("a"), person("b", number=2))
    held = (await hold(client, token("a"), 1)).json()
    assert (await ask("POST", f"/plans/{plan}/close")).json()["state"] == "closed"
    assert (await ask("POST", f"/plans/{plan}/close")).json()["state"] == "closed"
    await asyncio.sleep(2.1)
    refused(await hold(client, token("b"), 1), 409, "booking_closed")
    confirmed = await client.post(
        f"/api/v1/holds/{held['id']}/confirm", headers=token("a") | {"Idempotency-Key": "k"}
    )
    assert confirmed.status_code == 201
    draft = await drafted(ask)
    refused(await ask("POST", f"/plans/{draft}/close"), 409, "plan_not_published")


async def test_a_cancelled_session_ends_its_bookings_and_counts_against_nobody(client, ask, token, kernel):
    plan = await published(ask, row(), row(site="b"))
    await opened(client)
    await settle(kernel, person("a"))
    mine = token("a")
    held = (await hold(client, mine, 1)).json()
    key = {"Idempotency-Key": "k"}
    await client.post(f"/api/v1/holds/{held['id']}/confirm", headers=mine | key)
    [(session, _), (other, _)] = await units_of_plan(ask, plan)
    path = f"/plans/{plan}/sessions/{session}/cancel"
    refused(await ask("POST", path, {"reason": ""}), 400, "invalid_request")
    assert (await ask("POST", path, {"reason": "snow"})).json() == {"unit": 1, "bookings_ended": 1}
    assert (await ask("POST", path, {"reason": "again"})).json() == {"unit": 1, "bookings_ended": 0}
    [told] = (await client.get("/api/v1/bookings", headers=mine)).json()["bookings"]
    assert (told["state"], told["ended_by"]) == ("cancelled", "authority")
    sessions = (await ask("GET", f"/plans/{plan}/sessions")).json()["sessions"]
    assert [one["cancel_reason"] for one in sessions] == ["snow", None]
    refused(await hold(client, mine, 1), 409, "full")
    assert (await hold(client, mine, 2)).status_code == 201
    refused(
        await ask("POST", f"/plans/{plan}/sessions/999/cancel", {"reason": "snow"}), 404, "unknown_session"
    )
    assert other != session


async def test_an_operator_acts_for_their_authority_and_those_below_it(client, ask, token):
    plan = await drafted(ask, row())
    stranger = token("x", roles=("operator:cn-gd-gz",))
    body = {"authority": "cn-zj-hz", "service": "driving_test", "title": TITLE, "source": "s"}
    refused(await ask("POST", "/plans", body, headers=stranger), 403, "not_your_authority")
    for method, path, data in (
        ("POST", f"/plans/{plan}/publish", None),
        ("POST", f"/plans/{plan}/close", None),
        ("GET", f"/plans/{plan}/sessions", None),
        ("POST", f"/plans/{plan}/sessions", {"sessions": [row()]}),
        ("DELETE", f"/plans/{plan}", None),
    ):
        refused(await ask(method, path, data, headers=stranger), 403, "not_your_authority")
    assert (await ask("GET", "/plans", headers=stranger)).json()["plans"] == []
    province = token("p", roles=("operator:cn-zj",))
    assert [one["id"] for one in (await ask("GET", "/plans", headers=province)).json()["plans"]] == [plan]
    assert (await ask("POST", f"/plans/{plan}/publish", headers=province)).status_code == 200
    unknown = body | {"authority": "atlantis"}
    refused(await ask("POST", "/plans", unknown), 404, "unknown_authority")


async def test_figures_are_set_with_a_reason_and_kept_with_their_history(client, ask):
    path = "/authorities/cn-zj-hz/settings/driving_test"
    before = (await client.get(f"/api/v1{path}")).json()
    assert before["leaving"] == {"limit": 3, "notice_hours": 24}
    set_ = await ask("PUT", path, {"settings": {"leaving": {"limit": 5}}, "reason": "circular 7"})
    assert set_.json()["leaving"] == {"limit": 5, "notice_hours": 24}
    for settings, where in (
        ({"leaving": {"limt": 5}}, "limt"),
        ({"leaving": {"limit": -1}}, "limit"),
        ({"leaving": 5}, "leaving"),
        ({"eligibility": {"certificate_wait_days": {"2": {"C1": 10**9}}}}, "certificate_wait_days"),
    ):
        told = refused(
            await ask("PUT", path, {"settings": settings, "reason": "test"}), 400, "invalid_request"
        )
        assert where in told["errors"][0]["reason"]
    [change] = (await client.get(f"/api/v1{path}/history")).json()["changes"]
    assert (change["settings"], change["reason"], change["set_by"]) == (
        {"leaving": {"limit": 5}},
        "circular 7",
        "op",
    )
    refused(
        await ask("PUT", "/authorities/cn-gd-gz/settings/driving_test", {"settings": {}, "reason": "mine"}),
        403,
        "not_your_authority",
    )
    refused(await client.get("/api/v1/authorities/atlantis/settings/driving_test"), 404, "unknown_authority")
    refused(await client.get("/api/v1/authorities/cn/settings/lottery"), 400, "invalid_request")


async def test_two_publications_at_once_make_one_pool(ask, kernel):
    plans = [await drafted(ask, row(site=f"s{n}")) for n in range(4)]
    answers = await asyncio.gather(*(ask("POST", f"/plans/{plan}/publish") for plan in plans))
    assert {answer.status_code for answer in answers} == {200}
    async with kernel.engine.connect() as connection:
        pools = (await connection.execute(text("SELECT count(*) FROM pool"))).scalar_one()
        units = (await connection.execute(text("SELECT count(*) FROM unit"))).scalar_one()
    assert (pools, units) == (1, 4)


async def test_one_plan_published_twice_at_once_is_published_once(ask, kernel):
    plan = await drafted(ask, row())
    answers = await asyncio.gather(*(ask("POST", f"/plans/{plan}/publish") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    async with kernel.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM unit"))).scalar_one() == 1
    assert clock.today() < in_days(1)
