"""Many requests at once, under the rules: two devices of one person, two cars of one person. The audit closes each."""

import asyncio
from collections import Counter

import pytest

from booking_api.demo.people import Vehicle
from reservation import audit
from tests.apps import app_of
from tests.booking_api.signing_in.people import open_client
from tests.planning import in_days, inspection_row, person, planned, settle, test_row

PLATES = ("\u6d59A11111", "\u6d59A22222")
ROUNDS = 5


async def post(client, path, headers, body=None, key=None):
    extra = {"Idempotency-Key": key} if key else {}
    return await client.post(f"/api/v1{path}", json=body, headers=headers | extra)


async def book(client, headers, unit, *, pool, key, vehicle=None):
    """Hold and confirm as one device does; gives the booking's id or the code of the refusal."""
    wish = {"pool": pool, "units": [unit]} | ({"vehicle": vehicle} if vehicle else {})
    held = await post(client, "/holds", headers, wish)
    if held.status_code >= 400:
        return held.json()["code"]
    done = await post(client, f"/holds/{held.json()['id']}/confirm", headers, key=key)
    return done.json()["id"] if done.status_code == 201 else done.json()["code"]


@pytest.fixture
async def client(settings, token):
    """A client whose requests really run at once."""
    async with open_client(app_of(settings)) as started:
        yield started


@pytest.fixture
async def bookings(client):
    async def read(headers):
        told = (await client.get("/api/v1/bookings", headers=headers)).json()["bookings"]
        return [one for one in told if one["state"] == "booked"]

    return read


async def test_two_devices_of_one_person_have_one_booking(kernel, client, token, bookings):
    """Whichever device is first, and whichever units they want: one seat, and both are told the truth about it."""
    rows = [test_row(site=f"s{n}", capacity=2) for n in range(2 * ROUNDS)]
    units = await planned(kernel, rows)
    people = [person(f"a{n}", number=n) for n in range(ROUNDS)]
    await settle(kernel, *people)
    for n, one in enumerate(people):
        headers = token(one.account)
        same = n % 2 == 0
        wanted = (units[2 * n], units[2 * n] if same else units[2 * n + 1])
        told = await asyncio.gather(
            *(book(client, headers, unit, pool=1, key=f"device {d}") for d, unit in enumerate(wanted))
        )
        [booked] = await bookings(headers)
        assert booked["id"] in told
        refusals = {answer for answer in told if answer != booked["id"]}
        assert refusals <= {"another_hold", "already_booked", "in_flight", "already_confirmed", "hold_lost"}
    assert await audit(kernel) == []


async def test_two_cars_of_one_person_have_an_appointment_each_and_no_car_two(
    kernel, client, token, bookings
):
    units = await planned(kernel, [inspection_row(site=f"s{n}", capacity=2) for n in range(4)])
    cars = [Vehicle(plate, in_days(30)) for plate in PLATES]
    await settle(kernel, person(vehicles=cars))
    headers = token("a", vehicles=PLATES)
    told = await asyncio.gather(
        *(
            book(client, headers, unit, pool=1, key=f"{unit}", vehicle=PLATES[n % 2])
            for n, unit in enumerate(units)
        )
    )
    booked = {one["id"] for one in await bookings(headers)}
    assert len(booked) == 2
    assert booked <= set(told)
    again = await book(client, headers, units[0], pool=1, key="again", vehicle=PLATES[0])
    assert again in {"already_booked", "another_hold"}
    assert await audit(kernel) == []


async def test_a_crowd_of_eligible_and_not_eligible_people_fills_the_session_with_eligible_ones(
    kernel, client, token
):
    [unit] = await planned(kernel, [test_row(capacity=10)])
    able = [person(f"able{n}", number=n) for n in range(30)]
    not_able = [person(f"not{n}", 1, number=100 + n) for n in range(30)]
    await settle(kernel, *able, *not_able)
    crowd = [one.account for pair in zip(able, not_able, strict=True) for one in pair]
    told = await asyncio.gather(*(book(client, token(who), unit, pool=1, key="k") for who in crowd))
    codes = Counter(answer if answer.count("-") != 4 else "booked" for answer in told)
    assert codes == {"booked": 10, "full": 20, "not_eligible": 30}
    assert all(told[n] == "not_eligible" for n in range(1, 60, 2))
    assert await audit(kernel) == []
