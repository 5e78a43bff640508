"""The HTTP API, every route, good and bad, against real servers. The `kernel` fixture ends each with the audit."""

import asyncio

import pytest

from reservation import ClaimantKind, NewUnit, UnitKind, publish_pool


@pytest.fixture
async def sale(kernel, city):
    """(pool, units) with one, two and three places."""
    return await city(capacities=(1, 2, 3))


async def hold(client, token, pool, *units, account="a", **more):
    return await client.post(
        "/api/v1/holds", json={"pool": pool, "units": list(units), **more}, headers=token(account)
    )


async def confirm(client, token, hold_id, *, account="a", key="k1", **more):
    headers = token(account) | {"Idempotency-Key": key}
    return await client.post(f"/api/v1/holds/{hold_id}/confirm", headers=headers, **more)


def problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:gongdao:problem:{code}"
    assert body["detail"]
    return body


async def test_a_seat_is_held_confirmed_listed_and_cancelled(client, token, sale):
    pool, [unit, *_] = sale
    held = await hold(client, token, pool, unit)
    assert held.status_code == 201
    booked = await confirm(client, token, held.json()["id"])
    assert booked.status_code == 201
    assert booked.json()["unit"] == unit
    listed = (await client.get("/api/v1/bookings", headers=token())).json()["bookings"]
    assert listed == [booked.json()]
    cancelled = await client.post(f"/api/v1/bookings/{booked.json()['id']}/cancel", headers=token())
    assert cancelled.status_code == 200
    assert cancelled.json()["state"] == "cancelled"


async def test_a_repeated_hold_is_the_hold_one_has(client, token, sale):
    pool, [unit, *_] = sale
    first, second = await hold(client, token, pool, unit), await hold(client, token, pool, unit)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["expires_at_ms"] == second.json()["expires_at_ms"]


async def test_a_repeated_confirm_gives_the_same_answer(client, token, sale):
    pool, [unit, *_] = sale
    held = (await hold(client, token, pool, unit)).json()["id"]
    answers = await asyncio.gather(*(confirm(client, token, held) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1


async def test_a_full_session_is_refused_with_its_unit(client, token, sale):
    pool, [unit, *_] = sale
    await hold(client, token, pool, unit)
    assert problem(await hold(client, token, pool, unit, account="b"), 409, "full")["unit"] == unit


async def test_another_hold_of_the_same_service_is_refused_and_named(client, token, sale):
    pool, [one, two, _] = sale
    first = (await hold(client, token, pool, one)).json()
    body = problem(await hold(client, token, pool, two), 409, "another_hold")
    assert body["hold"] == first["id"]
    assert body["units"] == [one]


async def test_a_released_hold_is_gone(client, token, sale):
    pool, [unit, *_] = sale
    held = (await hold(client, token, pool, unit)).json()["id"]
    assert (await client.delete(f"/api/v1/holds/{held}", headers=token())).status_code == 204
    problem(await client.delete(f"/api/v1/holds/{held}", headers=token()), 409, "hold_lost")
    problem(await confirm(client, token, held), 409, "hold_lost")


async def test_a_booking_is_moved_to_a_held_unit(client, token, sale):
    pool, [one, two, _] = sale
    old = (await confirm(client, token, (await hold(client, token, pool, one)).json()["id"])).json()
    new = (await hold(client, token, pool, two)).json()["id"]
    path = f"/api/v1/bookings/{old['id']}/reschedule"
    moved, again = [await client.post(path, json={"hold": new}, headers=token()) for _ in range(2)]
    assert moved.status_code == again.status_code == 200
    assert moved.json() == again.json()
    assert moved.json()["unit"] == two
    states = {
        b["id"]: b["state"]
        for b in (await client.get("/api/v1/bookings", headers=token())).json()["bookings"]
    }
    assert states == {old["id"]: "moved", new: "booked"}


async def test_a_set_needs_a_choice_and_frees_the_rest(client, token, sale):
    pool, units = sale
    held = (await hold(client, token, pool, *units)).json()["id"]
    problem(await confirm(client, token, held), 422, "choose_unit")
    assert (await confirm(client, token, held, json={"unit": units[1]})).json()["unit"] == units[1]
    listed = (await client.get(f"/api/v1/pools/{pool}/units")).json()["units"]
    assert [unit["booked"] for unit in listed] == [0, 1, 0]


async def test_a_vehicle_pool_counts_vehicles_of_the_token(client, token, kernel, sale):
    pool = await publish_pool(
        kernel,
        authority="cn-hz",
        service="inspection",
        rule="yearly",
        title={"en": "Station"},
        claimant_kind=ClaimantKind.VEHICLE,
        hold_ttl_s=300,
        units=[NewUnit(kind=UnitKind.SESSION, title={"en": "W"}, capacity=5)],
    )
    while (view := (await client.get(f"/api/v1/pools/{pool}/units")).json()["units"][0])["free"] is None:
        await asyncio.sleep(0.02)
    unit = view["id"]
    problem(await hold(client, token, pool, unit), 403, "not_your_vehicle")
    problem(await hold(client, token, pool, unit, vehicle="浙A00001"), 403, "not_your_vehicle")
    mine = token("a", vehicles=("浙A00001", "浙A00002"))
    for number in ("浙A00001", "浙A00002"):
        body = {"pool": pool, "units": [unit], "vehicle": number}
        assert (await client.post("/api/v1/holds", json=body, headers=mine)).status_code == 201
    seat_pool, [seat, *_] = sale
    problem(await hold(client, token, seat_pool, seat, vehicle="浙A00001"), 400, "invalid_request")


BAD_BODIES = [
    (b"", "body"),
    (b"{", None),
    (b"[]", None),
    (b"null", None),
    (b'{"pool": 1}', "body"),
    (b'{"pool": "one", "units": [1]}', "pool"),
    (b'{"pool": 1, "units": []}', "units"),
    (b'{"pool": 1, "units": [0]}', "units[0]"),
    (b'{"pool": 1, "units": [1.5]}', "units[0]"),
    (b'{"pool": 1, "units": [99999999999999999999]}', "units[0]"),
    (b'{"pool": 1, "units": [1,2,3,4,5,6,7,8,9,10,11]}', "units"),
    (b'{"pool": 1, "units": [1], "seat": 3}', None),
    ('{"pool": "１", "units": [1]}'.encode(), "pool"),
    (b"\xff\xfe", None),
]


@pytest.mark.parametrize(("body", "field"), BAD_BODIES, ids=[repr(body)[:40] for body, _ in BAD_BODIES])
async def test_a_bad_body_is_told_by_field(client, token, sale, body, field):
    headers = token() | {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/holds", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    told = answer.json()
    assert told["code"] in {"invalid_request", "bad_request"}
    if field is not None and "errors" in told:
        assert field in {error["field"] for error in told["errors"]} | {"body"}


async def test_a_huge_body_is_refused(client, token, sale):
    headers = token() | {"Content-Type": "application/json"}
    answer = await client.post(
        "/api/v1/holds", content=b'{"pool": 1, "x": "' + b"x" * 200_000, headers=headers
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("hold_id", ["x", "00000000-0000-0000-0000-000000000000", "%00", "🚗", "1" * 500])
async def test_a_text_that_is_no_hold_id_is_unknown(client, token, sale, hold_id):
    problem(await confirm(client, token, hold_id), 404, "unknown_hold")
    problem(await client.delete(f"/api/v1/holds/{hold_id}", headers=token()), 404, "unknown_hold")
    problem(await client.post(f"/api/v1/bookings/{hold_id}/cancel", headers=token()), 404, "unknown_booking")


async def test_ids_of_another_person_are_as_good_as_unknown(client, token, sale):
    pool, [unit, *_] = sale
    held = (await hold(client, token, pool, unit)).json()["id"]
    problem(await confirm(client, token, held, account="b"), 409, "hold_lost")
    problem(await client.delete(f"/api/v1/holds/{held}", headers=token("b")), 409, "hold_lost")
    booked = (await confirm(client, token, held)).json()["id"]
    problem(
        await client.post(f"/api/v1/bookings/{booked}/cancel", headers=token("b")), 404, "unknown_booking"
    )
    assert (await client.get("/api/v1/bookings", headers=token("b"))).json()["bookings"] == []


@pytest.mark.parametrize("key", ["", "k" * 201, "é", "a\tb"])
async def test_an_unusable_idempotency_key_is_refused(client, token, sale, key):
    pool, [unit, *_] = sale
    held = (await hold(client, token, pool, unit)).json()["id"]
    headers = token() | {"Idempotency-Key": key.encode()}
    problem(
        await client.post(f"/api/v1/holds/{held}/confirm", headers=headers), 400, "idempotency_key_missing"
    )


async def test_a_key_used_for_another_hold_is_refused(client, token, sale):
    pool, [one, two, _] = sale
    first = (await hold(client, token, pool, one)).json()["id"]
    booked = (await confirm(client, token, first)).json()["id"]
    await client.post(f"/api/v1/bookings/{booked}/cancel", headers=token())
    second = (await hold(client, token, pool, two)).json()["id"]
    problem(await confirm(client, token, second), 422, "idempotency_key_reused")


async def test_unknown_pools_and_units_are_told(client, token, sale):
    pool, _ = sale
    problem(await hold(client, token, 999, 1), 404, "unknown_pool")
    problem(await hold(client, token, pool, 999_999), 404, "unknown_unit")
    problem(await client.get("/api/v1/pools/999/units"), 404, "unknown_pool")
    problem(await client.get("/api/v1/units/999999/availability"), 404, "unknown_unit")


async def test_units_come_in_pages(client, sale):
    pool, units = sale
    first = (await client.get(f"/api/v1/pools/{pool}/units?limit=2")).json()
    second = (await client.get(f"/api/v1/pools/{pool}/units?limit=2&cursor={first['next']}")).json()
    assert [unit["id"] for unit in first["units"] + second["units"]] == units
    assert second["next"] is None


async def test_paths_and_methods_that_do_not_exist_are_problems(client):
    problem(await client.get("/api/v1/nothing"), 404, "not_found")
    problem(await client.put("/api/v1/holds"), 405, "method_not_allowed")


async def test_health_names_its_parts(client):
    assert (await client.get("/health/live")).json() == {"status": "up"}
    answer = await client.get("/health/ready")
    assert answer.json() == {"status": "up", "postgresql": "up", "valkey": "up"}


async def test_the_description_names_every_route(client):
    described = (await client.get("/api/v1/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) >= {
        "/api/v1/holds",
        "/api/v1/holds/{hold_id}",
        "/api/v1/holds/{hold_id}/confirm",
        "/api/v1/bookings",
        "/api/v1/bookings/{booking_id}/cancel",
        "/api/v1/bookings/{booking_id}/reschedule",
        "/api/v1/pools",
        "/api/v1/pools/{pool_id}/units",
        "/api/v1/units/{unit_id}/availability",
    }
