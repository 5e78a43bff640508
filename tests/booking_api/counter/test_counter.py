"""At a counter somebody without a phone stands in the same queue, and everything says which clerk was asked."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.counter.acts import ActKind, noted
from booking_api.counter.visits import add_visit
from booking_api.demo.numbers import identity_number
from booking_api.identity.accounts import masked_number
from booking_api.privacy.export import export_person
from booking_api.settings import Rate
from reservation import audit, current_hold
from reservation.errors import Full
from tests.apps import app_of
from tests.booking_api.signing_in.people import open_client, quicken_hashes
from tests.planning import person, planned, settle, test_row

AUTHORITY = "cn-zj-hz"
NEW = identity_number(77)
VISITS = "/api/v1/counter/visits"


@pytest.fixture
async def client(settings, token, monkeypatch):
    quicken_hashes(monkeypatch)
    wide = msgspec.structs.replace(settings, account_rate=Rate(1_000.0, 1_000))
    async with open_client(app_of(wide)) as started:
        yield started


@pytest.fixture
def clerk(token):
    return token("clerk", roles=(f"clerk:{AUTHORITY}",))


@pytest.fixture
async def sessions(kernel):
    units = await planned(kernel, [test_row(), test_row(site="b"), test_row(site="c")])
    await settle(kernel, person("ann"), person("clerk", number=9))
    return units


def told(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer, code):
    assert answer.json()["code"] == code, answer.text
    return answer.json()


async def visit(client, clerk, login="ann", number=1):
    card = {"authority": AUTHORITY, "login": login, "identity_number": identity_number(number)}
    return f"{VISITS}/{told(await client.post(VISITS, json=card, headers=clerk), 201)['visit']['id']}"


async def opened(client, clerk, *, number=NEW, name="无名", **more):
    card = {"authority": AUTHORITY, "name": name, "identity_number": number} | more
    return await client.post(VISITS, json=card, headers=clerk)


async def rows(kernel, query):
    async with kernel.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def test_a_clerk_books_for_somebody_and_the_booking_is_the_persons(
    kernel, client, token, clerk, sessions
):
    here = await visit(client, clerk)
    held = told(
        await client.post(f"{here}/holds", json={"pool": 1, "units": [sessions[0]]}, headers=clerk), 201
    )
    key = {"Idempotency-Key": "k"}
    booked = told(await client.post(f"{here}/holds/{held['id']}/confirm", headers=clerk | key), 201)
    again = told(await client.post(f"{here}/holds/{held['id']}/confirm", headers=clerk | key), 201)
    assert booked == again
    mine = told(await client.get("/api/v1/bookings", headers=token("ann")), 200)["bookings"]
    assert [one["id"] for one in mine] == [held["id"]]
    assert await rows(kernel, "SELECT owner, claimant FROM booking") == [("ann", "person:ann")]
    acts = told(await client.get(f"/api/v1/authorities/{AUTHORITY}/counter-acts", headers=clerk), 200)["acts"]
    assert [(act["kind"], act["subject"], act["outcome"]) for act in acts] == [
        ("confirmed", held["id"], "done"),
        ("confirmed", held["id"], "done"),
        ("held", held["id"], "done"),
    ]
    assert {act["identity_number"] for act in acts} == {masked_number(identity_number(1))}
    assert await rows(kernel, "SELECT clerk, account FROM counter_visit") == [("clerk", "ann")]


async def test_a_hold_made_by_a_clerk_is_the_persons_one_hold(kernel, client, token, clerk, sessions):
    """At home and at the counter it is the same one, and neither has another beside it."""
    here = await visit(client, clerk)
    first, second, third = ({"pool": 1, "units": [unit]} for unit in sessions)
    held = told(await client.post(f"{here}/holds", json=first, headers=clerk), 201)
    home = token("ann")
    assert (
        refused(await client.post("/api/v1/holds", json=second, headers=home), "another_hold")["hold"]
        == held["id"]
    )
    assert told(await client.post("/api/v1/holds", json=first, headers=home), 200)["id"] == held["id"]
    colleague = token("clerk-2", roles=(f"clerk:{AUTHORITY}",))
    there = await visit(client, colleague)
    refused(await client.post(f"{there}/holds", json=third, headers=colleague), "another_hold")
    told(await client.delete(f"/api/v1/holds/{held['id']}", headers=home), 204)
    at_home = told(await client.post("/api/v1/holds", json=second, headers=home), 201)
    assert (
        refused(await client.post(f"{here}/holds", json=first, headers=clerk), "another_hold")["hold"]
        == at_home["id"]
    )
    shown = told(await client.get(here, headers=clerk), 200)
    assert [one["id"] for one in shown["holds"]] == [at_home["id"]]
    assert await current_hold(kernel, claimant="person:clerk", service="driving_test", owner="clerk") is None
    assert await audit(kernel) == []


async def test_a_clerk_is_bound_by_the_persons_rules(client, clerk, sessions, kernel):
    await settle(kernel, person("late", number=2, certificate_days=1, vehicle_class=None))
    here = await visit(client, clerk, "late", 2)
    answer = await client.post(f"{here}/holds", json={"pool": 1, "units": [sessions[0]]}, headers=clerk)
    assert refused(answer, "not_eligible")["rules"][0]["rule"] == "certificate_missing"
    assert await rows(kernel, "SELECT kind, outcome FROM counter_act") == [("held", "not_eligible")]


async def test_what_a_clerk_does_counts_for_the_person_as_for_the_clerk(
    settings, token, kernel, sessions, monkeypatch
):
    quicken_hashes(monkeypatch)
    narrow = msgspec.structs.replace(settings, account_rate=Rate(0.001, 3))
    async with open_client(app_of(narrow)) as client:
        first, second, third = (token(f"c{n}", roles=(f"clerk:{AUTHORITY}",)) for n in range(3))
        for one in (first, second, third):
            here = await visit(client, one)
            last = await client.delete(f"{here}/holds/x", headers=one)
            refused(last, "unknown_hold")
        # Three clerks have asked for the same person: the person's own request is the fourth.
        refused(await client.get("/api/v1/holds", headers=token("ann")), "rate_limited")
        refused(await client.delete(f"{here}/holds/x", headers=third), "rate_limited")


async def test_cancelling_and_moving_are_the_persons_own(client, clerk, token, kernel, sessions):
    here = await visit(client, clerk)
    held = told(
        await client.post(f"{here}/holds", json={"pool": 1, "units": [sessions[0]]}, headers=clerk), 201
    )
    key = {"Idempotency-Key": "k"}
    told(await client.post(f"{here}/holds/{held['id']}/confirm", headers=clerk | key), 201)
    other = told(
        await client.post(f"{here}/holds", json={"pool": 1, "units": [sessions[1]]}, headers=clerk), 201
    )
    move = f"{here}/bookings/{held['id']}/reschedule"
    moved = told(await client.post(move, json={"hold": other["id"]}, headers=clerk), 200)
    ended = told(await client.post(f"{here}/bookings/{moved['id']}/cancel", headers=clerk), 200)
    assert (ended["state"], ended["ended_by"]) == ("cancelled", "owner")
    assert [kind for (kind,) in await rows(kernel, "SELECT kind FROM counter_act ORDER BY id")] == [
        "held",
        "confirmed",
        "held",
        "moved",
        "cancelled",
    ]
    assert await audit(kernel) == []


async def test_a_person_without_an_account_is_found_the_second_time(kernel, client, clerk, sessions):
    first = told(await opened(client, clerk), 201)
    assert (first["new_account"], first["visit"]["has_password"]) == (True, False)
    assert first["visit"]["person"]["verified"]
    again = told(await opened(client, clerk), 201)
    assert (again["new_account"], again["visit"]["person"]["id"]) == (False, first["visit"]["person"]["id"])
    refused(await opened(client, clerk, name="别人"), "name_differs")
    assert await rows(
        kernel, f"SELECT count(*), min(verified_by) FROM account WHERE identity_number = '{NEW}'"
    ) == [(1, "counter:clerk")]


async def test_nobody_signs_in_to_an_account_without_a_password_until_its_person_has_typed_one(
    client, clerk, sessions
):
    begun = told(await opened(client, clerk), 201)
    login, here = begun["visit"]["person"]["login"], f"{VISITS}/{begun['visit']['id']}"
    for tried in ("!", "", " "):
        told_wrong = await client.post("/api/v1/sign-in", json={"login": login, "password": tried or "x"})
        refused(told_wrong, "sign_in_refused")
    password = {"password": "four horses, one cart"}
    refused(
        await client.post(f"{here}/password", json={"password": "short"}, headers=clerk), "invalid_request"
    )
    told(await client.post(f"{here}/password", json=password, headers=clerk), 204)
    refused(await client.post(f"{here}/password", json=password, headers=clerk), "password_there")
    signed = told(await client.post("/api/v1/sign-in", json={"login": login} | password), 200)
    assert signed["account"]["verified"]


async def test_bad_fields_are_told_at_once_and_nothing_is_opened(kernel, client, clerk, sessions):
    answer = await opened(client, clerk, number="1", name=" ", phone="x")
    assert {error["field"] for error in refused(answer, "invalid_request")["errors"]} == {
        "identity_number",
        "name",
        "phone",
    }
    both = {"authority": AUTHORITY, "identity_number": NEW, "name": "n", "login": "ann"}
    refused(await client.post(VISITS, json=both, headers=clerk), "invalid_request")
    assert await rows(kernel, "SELECT count(*) FROM counter_visit") == [(0,)]


async def test_nobody_serves_themselves(client, clerk, sessions):
    card = {"authority": AUTHORITY, "identity_number": identity_number(9)}
    refused(await client.post(VISITS, json=card | {"login": "clerk"}, headers=clerk), "own_account")
    refused(await client.post(VISITS, json=card | {"name": "N"}, headers=clerk), "own_account")


async def test_a_visit_is_its_clerks_at_its_authority_and_ends(kernel, client, clerk, token, sessions):
    here = await visit(client, clerk)
    card = {"authority": "cn-gd-gz", "login": "ann", "identity_number": identity_number(1)}
    refused(await client.post(VISITS, json=card, headers=clerk), "not_your_authority")
    refused(await client.get(here, headers=token("other", roles=(f"clerk:{AUTHORITY}",))), "unknown_visit")
    refused(await client.get(here, headers=token("clerk", roles=("clerk:cn-gd-gz",))), "unknown_visit")
    refused(await client.get(f"{VISITS}/x", headers=clerk), "unknown_visit")
    refused(await client.get(f"{here}", headers=token("clerk")), "role_missing")
    told(await client.delete(here, headers=clerk), 204)
    refused(await client.get(here, headers=clerk), "unknown_visit")
    here = await visit(client, clerk)
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE counter_visit SET expires_at = now()"))
    hold = {"pool": 1, "units": [sessions[0]]}
    refused(await client.post(f"{here}/holds", json=hold, headers=clerk), "unknown_visit")


async def test_an_unverified_person_is_verified_first(client, clerk, kernel, sessions):
    await settle(kernel, person("new", number=5, verified=False))
    here = await visit(client, clerk, "new", 5)
    hold = {"pool": 1, "units": [sessions[0]]}
    refused(await client.post(f"{here}/holds", json=hold, headers=clerk), "person_not_verified")
    assert told(await client.post(f"{here}/verification", headers=clerk), 200)["verified"]
    refused(await client.post(f"{here}/verification", headers=clerk), "already_verified")
    told(await client.post(f"{here}/holds", json=hold, headers=clerk), 201)


async def test_an_act_is_on_record_before_it_is_done_and_an_interrupted_one_has_no_outcome(kernel, sessions):
    async with kernel.engine.begin() as connection:
        known = await add_visit(connection, authority=AUTHORITY, clerk="clerk", account="ann")

    async def die() -> None:
        async with noted(kernel.engine, known, ActKind.HELD):
            assert await rows(kernel, "SELECT kind, outcome FROM counter_act") == [("held", None)]
            raise RuntimeError("the worker dies here")

    with pytest.raises(RuntimeError):
        await die()
    with pytest.raises(Full):
        async with noted(kernel.engine, known, ActKind.HELD):
            raise Full(unit=1)
    assert await rows(kernel, "SELECT outcome FROM counter_act ORDER BY id") == [(None,), ("full",)]


async def test_a_person_reads_what_counters_did_for_them_but_not_who(kernel, client, clerk, sessions):
    here = await visit(client, clerk)
    told(await client.post(f"{here}/holds", json={"pool": 1, "units": [sessions[0]]}, headers=clerk), 201)
    document = await export_person(kernel.engine, account_id="ann")
    assert [act["kind"] for act in document["counter_acts"]] == ["held"]
    assert len(document["counter_visits"]) == 1
    assert "clerk" not in str(document["counter_acts"]) + str(document["counter_visits"])
    assert document["counter_visits"][0]["opened_at"] > clock.now() - timedelta(hours=1)
