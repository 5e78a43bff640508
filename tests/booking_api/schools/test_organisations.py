"""Schools and stations over HTTP: who registers them, who acts for them, and what a suspension ends."""

import pytest

OPERATOR = {"roles": ("operator:cn-hz",)}
STATION = {
    "id": "hz-station",
    "kind": "station",
    "authority": "cn-hz",
    "name": {"en": "Station"},
    "sites": ["hz-1", "hz-1"],
}
REASON = {"reason": "unpaid fees"}


def refused(answer, status, code):
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    return answer.json()


@pytest.fixture
async def operator(town, token):
    await town.found()
    return token("op", **OPERATOR)


async def test_an_operator_registers_and_everybody_may_look(client, operator):
    made = await client.post("/api/v1/organisations", json=STATION, headers=operator)
    assert made.status_code == 201, made.text
    assert made.json() == STATION | {"sites": ["hz-1"], "state": "active"}
    refused(
        await client.post("/api/v1/organisations", json=STATION, headers=operator), 409, "organisation_exists"
    )
    path = "/api/v1/authorities/cn-hz/organisations"
    first = (await client.get(path, params={"limit": 2})).json()
    assert [one["id"] for one in first["organisations"]] == ["hz-station", "s-101"]
    rest = (await client.get(path, params={"limit": 2, "cursor": first["next"]})).json()
    assert ([one["id"] for one in rest["organisations"]], rest["next"]) == (["s-202"], None)
    only = (await client.get(path, params={"kind": "station"})).json()
    assert [one["id"] for one in only["organisations"]] == ["hz-station"]
    refused(await client.get("/api/v1/authorities/nowhere/organisations"), 404, "unknown_authority")
    refused(await client.get(path, params={"kind": "bank"}), 400, "invalid_request")


async def test_what_cannot_be_registered_is_told_why(client, operator):
    for changed in (
        {"id": "S 1"},
        {"kind": "bank"},
        {"name": {}},
        {"kind": "school"},  # which has no sites
        {"sites": ["a\x00"]},
        {"sites": ["x"] * 51},
        {"more": 1},
    ):
        answer = await client.post("/api/v1/organisations", json=STATION | changed, headers=operator)
        assert refused(answer, 400, "invalid_request")["errors"][0]["reason"]


async def test_an_operator_of_another_authority_may_do_nothing(client, operator, token):
    other = token("op", roles=("operator:cn-gd",))
    answers = [
        await client.post("/api/v1/organisations", json=STATION, headers=other),
        await client.post("/api/v1/organisations/s-101/suspend", json=REASON, headers=other),
        await client.post("/api/v1/organisations/s-101/resume", json=REASON, headers=other),
        await client.get("/api/v1/organisations/s-101/changes", headers=other),
        await client.put("/api/v1/organisations/s-101/members/p000001", headers=other),
        await client.delete("/api/v1/organisations/s-101/members/p000001", headers=other),
    ]
    assert [answer.json()["code"] for answer in answers] == ["not_your_authority"] * 6
    unknown = await client.post("/api/v1/organisations/s-9/suspend", json=REASON, headers=operator)
    refused(unknown, 404, "unknown_organisation")


async def test_a_suspended_school_can_do_nothing_and_it_is_on_record(client, operator, token, town):
    school = token("manager", roles=("school:s-101",))
    learners = "/api/v1/schools/s-101/learners"
    assert (await client.get(learners, headers=school)).status_code == 200
    for _ in range(2):  # the second time changes nothing
        done = await client.post("/api/v1/organisations/s-101/suspend", json=REASON, headers=operator)
        assert done.json()["state"] == "suspended"
    batch = {"mode": "best_effort", "rows": [{"learner": "x", "units": [1]}]}
    key = {"organisation": "s-101", "name": "x", "scopes": ["batches:read"], "expires_in_days": 1}
    answers = [
        await client.get(learners, headers=school),
        await client.post(
            "/api/v1/schools/s-101/batches", json=batch, headers=school | {"Idempotency-Key": "k"}
        ),
        await client.post("/api/v1/api-keys", json=key, headers=school),
    ]
    assert [answer.json()["code"] for answer in answers] == ["organisation_suspended"] * 3
    await client.post("/api/v1/organisations/s-101/resume", json={"reason": "paid"}, headers=operator)
    assert (await client.get(learners, headers=school)).status_code == 200
    path = "/api/v1/organisations/s-101/changes"
    first = (await client.get(path, params={"limit": 2}, headers=operator)).json()
    rest = (await client.get(path, params={"cursor": first["next"]}, headers=operator)).json()
    told = first["changes"] + rest["changes"]
    assert [(one["action"], one["reason"], one["by"]) for one in told] == [
        ("resumed", "paid", "op"),
        ("suspended", "unpaid fees", "op"),
        ("created", None, "operator"),
    ]


async def test_a_verified_account_is_let_act_for_a_school_and_it_is_on_record(client, operator, town):
    [person] = await town.enrol(1, school=None)
    path = f"/api/v1/organisations/s-101/members/{person.account}"
    for _ in range(2):
        given = await client.put(path, headers=operator)
        assert given.json() == {"organisation": "s-101", "account": person.account}
    [row] = await town.ask("SELECT roles FROM account WHERE id = :a", a=person.account)
    assert row.roles == ["school:s-101"]
    assert (await client.delete(path, headers=operator)).status_code == 200
    [row] = await town.ask("SELECT roles FROM account WHERE id = :a", a=person.account)
    assert row.roles == []
    told = (await client.get("/api/v1/organisations/s-101/changes", headers=operator)).json()["changes"]
    assert [(one["action"], one["account"]) for one in told][:2] == [
        ("member_taken", person.account),
        ("member_given", person.account),
    ]
    await town.ask("UPDATE account SET verified_at = NULL, verified_by = NULL")
    refused(await client.put(path, headers=operator), 409, "account_not_verified")
    for login in ("nobody", "%00", "%F0%9F%9A%97"):
        answer = await client.put(f"/api/v1/organisations/s-101/members/{login}", headers=operator)
        refused(answer, 404, "unknown_account")


async def test_somebody_of_another_school_or_of_a_station_is_not_of_this_one(client, operator, token):
    await client.post("/api/v1/organisations", json=STATION, headers=operator)
    for role in ("school:s-202", "school:hz-station"):
        other = token("manager", roles=(role,))
        answer = await client.get("/api/v1/schools/s-101/learners", headers=other)
        refused(answer, 403, "not_your_organisation")
    odd = token("manager", roles=("school:hz-station",))
    refused(
        await client.get("/api/v1/schools/hz-station/learners", headers=odd), 403, "not_your_organisation"
    )
