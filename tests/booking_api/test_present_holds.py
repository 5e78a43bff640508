"""What one holds, asked over HTTP: the person's and the vehicles', as they are."""

import asyncio

import pytest

from reservation import ClaimantKind, NewUnit, UnitKind, publish_pool

PLATES = ("浙A00001", "浙A00002")


@pytest.fixture
async def windows(client, kernel, city):
    """((pool, units) that counts persons, (pool, unit) that counts vehicles)."""
    seats = await city(capacities=(1, 2))
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
    return seats, (pool, view["id"])


async def hold(client, headers, pool, unit, **more):
    answer = await client.post("/api/v1/holds", json={"pool": pool, "units": [unit]} | more, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_all_of_ones_holds_are_listed_and_each_is_found(client, token, windows):
    (pool, [unit, _]), (station, window) = windows
    mine = token("a", vehicles=PLATES)
    seat = await hold(client, mine, pool, unit)
    car = await hold(client, mine, station, window, vehicle=PLATES[1])
    listed = (await client.get("/api/v1/holds", headers=mine)).json()["holds"]
    assert [(one["id"], one["service"], one["vehicle"]) for one in listed] == [
        (seat["id"], "driving_test", None),
        (car["id"], "inspection", PLATES[1]),
    ]
    for one, made in zip(listed, (seat, car), strict=True):
        assert one["confirming"] is False
        assert {name: one[name] for name in ("pool", "units", "expires_at_ms")} == {
            name: made[name] for name in ("pool", "units", "expires_at_ms")
        }
        assert (await client.get(f"/api/v1/holds/{one['id']}", headers=mine)).json() == one


async def test_whoever_holds_nothing_is_told_so(client, token, windows):
    answer = await client.get("/api/v1/holds", headers=token("nobody-yet", verified=False))
    assert (answer.status_code, answer.json()) == (200, {"holds": []})


async def test_another_account_is_not_told_of_a_hold(client, token, windows):
    (pool, [unit, _]), (station, window) = windows
    mine, theirs = token("a", vehicles=PLATES[:1]), token("b", vehicles=PLATES[:1])
    held = await hold(client, mine, pool, unit)
    # The same vehicle, in a register that has changed meanwhile: its former owner's hold stays theirs.
    await hold(client, mine, station, window, vehicle=PLATES[0])
    answer = await client.get(f"/api/v1/holds/{held['id']}", headers=theirs)
    assert (answer.status_code, answer.json()["code"]) == (409, "hold_lost")
    assert (await client.get("/api/v1/holds", headers=theirs)).json() == {"holds": []}


async def test_a_released_hold_is_on_no_list(client, token, windows):
    (pool, [unit, _]), _ = windows
    held = (await hold(client, token(), pool, unit))["id"]
    assert (await client.delete(f"/api/v1/holds/{held}", headers=token())).status_code == 204
    assert (await client.get("/api/v1/holds", headers=token())).json() == {"holds": []}
    assert (await client.get(f"/api/v1/holds/{held}", headers=token())).json()["code"] == "hold_lost"


async def test_a_hold_that_is_being_confirmed_says_so(client, token, kernel, windows):
    (pool, [unit, _]), _ = windows
    held = (await hold(client, token(), pool, unit))["id"]
    await kernel.call(pool, "mark", held, "a", "k1", "")
    assert (await client.get(f"/api/v1/holds/{held}", headers=token())).json()["confirming"] is True
    headers = token() | {"Idempotency-Key": "k1"}
    assert (await client.post(f"/api/v1/holds/{held}/confirm", headers=headers)).status_code == 201


async def test_what_cannot_be_a_holds_id_is_unknown(client, token):
    answer = await client.get("/api/v1/holds/x", headers=token())
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_hold")
