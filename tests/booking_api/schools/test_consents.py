"""Consents over HTTP: given, asked for without telling who exists, withdrawn at once; and what the school sees."""

import asyncio

import pytest

from booking_api.schools import batches

UNTIL = {"subjects": [1, 2], "until": "2027-06-30"}
GIVEN = {"school": "s-101", **UNTIL}
LEARNERS = "/api/v1/schools/s-101/learners"
ASK = "/api/v1/schools/s-101/consent-requests"


def refused(answer, status, code):
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    return answer.json()


@pytest.fixture
async def school(town, token):
    await town.found()
    return token("manager", roles=("school:s-101",))


async def learners(client, school, **params):
    return (await client.get(LEARNERS, params=params, headers=school)).json()


async def test_a_school_sees_its_learners_by_the_ends_only_while_they_consent(client, school, town, token):
    [person] = await town.enrol(1, school=None)
    mine = token(person.account)
    assert (await learners(client, school))["learners"] == []
    given = await client.post("/api/v1/consents", json=GIVEN, headers=mine)
    assert given.status_code == 201, given.text
    [seen] = (await learners(client, school))["learners"]
    masked = f"{person.number[:3]}{'*' * 13}{person.number[-2:]}"
    assert seen == UNTIL | {
        "consent": given.json()["id"],
        "account": person.account,
        "identity_number": masked,
        "name": "张*",
        "vehicle_class": "C1",
    }
    path = f"/api/v1/consents/{given.json()['id']}"
    refused(await client.delete(path, headers=token("somebody")), 404, "unknown_consent")
    for _ in range(2):
        assert (await client.delete(path, headers=mine)).status_code == 204
    assert (await learners(client, school))["learners"] == []
    [ended] = (await client.get("/api/v1/consents", headers=mine)).json()["consents"]
    assert ended["withdrawn_at"] is not None


async def test_a_new_consent_takes_the_place_of_the_old_one(client, school, town, token):
    [person] = await town.enrol(1, school=None)
    mine = token(person.account)
    for subjects in ([1, 2], [3]):
        body = GIVEN | {"subjects": subjects}
        assert (await client.post("/api/v1/consents", json=body, headers=mine)).status_code == 201
    [seen] = (await learners(client, school))["learners"]
    assert seen["subjects"] == [3]
    assert len((await client.get("/api/v1/consents", headers=mine)).json()["consents"]) == 2


async def test_learners_come_page_by_page(client, school, town):
    await town.enrol(5)
    page = await learners(client, school, limit=2)
    seen = page["learners"]
    while page["next"] is not None:
        page = await learners(client, school, limit=2, cursor=page["next"])
        seen += page["learners"]
    seen = [one["account"] for one in seen]
    assert len(seen) == len(set(seen)) == 5


async def test_consents_come_page_by_page_the_newest_first(client, school, town, token):
    [person] = await town.enrol(1, school=None)
    mine = token(person.account)
    for subject in (1, 2, 3):
        body = GIVEN | {"subjects": [subject]}
        assert (await client.post("/api/v1/consents", json=body, headers=mine)).status_code == 201
    first = (await client.get("/api/v1/consents", params={"limit": 2}, headers=mine)).json()
    assert [one["subjects"] for one in first["consents"]] == [[3], [2]]
    asked = {"limit": 2, "cursor": first["next"]}
    rest = (await client.get("/api/v1/consents", params=asked, headers=mine)).json()
    assert ([one["subjects"] for one in rest["consents"]], rest["next"]) == ([[1]], None)
    elsewhere = await client.get("/api/v1/consent-requests", params=asked, headers=mine)
    refused(elsewhere, 400, "invalid_request")


async def test_a_consent_that_cannot_be_is_told_why(client, school, town, token):
    [person] = await town.enrol(1, school=None)
    mine = token(person.account)
    nowhere = await client.post("/api/v1/consents", json=GIVEN | {"school": "s-9"}, headers=mine)
    refused(nowhere, 404, "unknown_organisation")
    for changed in (
        {"subjects": []},
        {"subjects": [5]},
        {"until": "2020-01-01"},
        {"until": "2099-01-01"},
        {"until": "soon"},
    ):
        answer = await client.post("/api/v1/consents", json=GIVEN | changed, headers=mine)
        refused(answer, 400, "invalid_request")


async def test_a_request_is_answered_alike_whoever_exists_and_found_by_who_it_names(
    client, school, town, token
):
    [known, other] = await town.enrol(2, school=None)
    unknown = "440524188001010014"
    answers = [
        await client.post(
            ASK, json={"identity_number": number, "name": "张 伟".replace(" ", "")}, headers=school
        )
        for number in (known.number, unknown, known.number)
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"asked": True})] * 3
    [asked] = (await client.get("/api/v1/consent-requests", headers=token(known.account))).json()["requests"]
    assert (asked["school"], asked["school_name"]) == ("s-101", {"en": "s-101"})
    theirs = token(other.account)
    assert (await client.get("/api/v1/consent-requests", headers=theirs)).json()["requests"] == []
    path = f"/api/v1/consent-requests/{asked['id']}"
    refused(await client.delete(path, headers=theirs), 404, "unknown_consent_request")
    refused(await client.post(f"{path}/accept", json=UNTIL, headers=theirs), 404, "unknown_consent_request")
    accepted = await client.post(f"{path}/accept", json=UNTIL, headers=token(known.account))
    assert accepted.status_code == 201
    assert [one["account"] for one in (await learners(client, school))["learners"]] == [known.account]
    refused(await client.delete(path, headers=token(known.account)), 404, "unknown_consent_request")


async def test_a_request_with_another_name_reaches_nobody(client, school, town, token):
    [person] = await town.enrol(1, school=None)
    body = {"identity_number": person.number, "name": "王芳"}
    assert (await client.post(ASK, json=body, headers=school)).status_code == 202
    answer = await client.get("/api/v1/consent-requests", headers=token(person.account))
    assert answer.json() == {"requests": [], "next": None}
    wrong = await client.post(ASK, json=body | {"identity_number": "1"}, headers=school)
    refused(wrong, 400, "invalid_request")


async def test_old_requests_are_forgotten(client, school, town, token):
    [person] = await town.enrol(1, school=None)
    await client.post(ASK, json={"identity_number": person.number, "name": "张伟"}, headers=school)
    await town.ask("UPDATE consent_request SET asked_at = now() - interval '91 days'")
    body = {"identity_number": "440524188001010014", "name": "张伟"}
    await client.post(ASK, json=body, headers=school)
    [left] = await town.ask("SELECT identity_number FROM consent_request")
    assert left.identity_number == body["identity_number"]


async def test_from_a_batch_sent_with_a_key_to_a_seat_of_the_learners(client, school, town, token):
    [unit] = await town.publish(10)
    [one] = await town.enrol(1)
    scopes = ["batches:read", "batches:write"]
    body = {"organisation": "s-101", "name": "desk", "scopes": scopes, "expires_in_days": 1}
    made = await client.post("/api/v1/api-keys", json=body, headers=school)
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    path = "/api/v1/schools/s-101/batches"
    batch = {"mode": "best_effort", "rows": [{"learner": one.number, "units": [unit]}]}
    refused(await client.post(path, json=batch, headers=key), 400, "idempotency_key_missing")
    sent = await client.post(path, json=batch, headers=key | {"Idempotency-Key": "k"})
    assert sent.status_code == 202, sent.text
    again = await client.post(path, json=batch, headers=key | {"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, sent.json()["id"])
    told = {"batch": {"state": ""}}
    while told["batch"]["state"] != "done":
        await asyncio.sleep(0.3)
        told = (await client.get(f"{path}/{sent.json()['id']}", headers=key)).json()
    [mine] = (await client.get("/api/v1/bookings", headers=token(one.account))).json()["bookings"]
    assert told["rows"][0] | {"account": one.account} == {
        "number": 1,
        "account": one.account,
        "state": "booked",
        "unit": unit,
        "booking": mine["id"],
        "code": None,
        "refusals": [],
    }
    refused(await client.post(f"{path}/{sent.json()['id']}/cancel", headers=key), 409, "batch_over")
    other = token("manager", roles=("school:s-202",))
    theirs = await client.get(f"/api/v1/schools/s-202/batches/{sent.json()['id']}", headers=other)
    refused(theirs, 404, "unknown_batch")
    listed = (await client.get(path, headers=key)).json()["batches"]
    assert [one["id"] for one in listed] == [sent.json()["id"]]


async def test_batches_and_their_rows_come_page_by_page(client, school):
    path = "/api/v1/schools/s-101/batches"
    batch = {"mode": "best_effort", "rows": [{"learner": "nobody", "units": [1]}] * 3}
    sent = []
    for key in "abc":
        answer = await client.post(path, json=batch, headers=school | {"Idempotency-Key": key})
        sent.insert(0, answer.json()["id"])

    async def in_pages_of_two(path, name):
        first = (await client.get(path, params={"limit": 2}, headers=school)).json()
        asked = {"limit": 2, "cursor": first["next"]}
        rest = (await client.get(path, params=asked, headers=school)).json()
        assert (len(first[name]), rest["next"]) == (2, None)
        return first[name] + rest[name]

    assert [one["id"] for one in await in_pages_of_two(path, "batches")] == sent
    rows = await in_pages_of_two(f"{path}/{sent[0]}", "rows")
    assert [row["number"] for row in rows] == [1, 2, 3]


async def test_500_rows_of_the_longest_ids_fit_and_one_more_does_not(client, school):
    row = {"learner": "x" * 40, "units": [2**53 - 1 - n for n in range(batches.UNITS_LIMIT)]}
    headers = school | {"Idempotency-Key": "k"}
    path = "/api/v1/schools/s-101/batches"
    batch = {"mode": "all_or_nothing", "rows": [row] * batches.ROWS_LIMIT}
    sent = await client.post(path, json=batch, headers=headers)
    assert (sent.status_code, sent.json()["rows"]["refused"]) == (202, 500)
    refused(
        await client.post(path, json=batch | {"rows": [row] * 501}, headers=headers), 400, "invalid_request"
    )
    huge = {"mode": "x" * 300_000, "rows": []}
    assert (await client.post(path, json=huge, headers=headers)).status_code == 413
    # Other routes keep the lower limit.
    ask = {"identity_number": "1", "name": "x" * 70_000}
    assert (await client.post(ASK, json=ask, headers=school)).status_code == 413
