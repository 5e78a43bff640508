"""Lists in pages with filters: everything once, whatever the page's size, and cursors that are what they were given as."""

import asyncio
import doctest
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_api import paging
from booking_api.errors import InvalidRequest
from booking_api.paging import read_cursor, write_cursor
from reservation import NewUnit, UnitKind, publish_pool
from reservation.keys import fence_key
from reservation.rebuild import rebuild

# 15:59 and 16:00 UTC are the last minute of 1 December and the first of 2 December in China.
UNITS = [
    ("hz-xihu", datetime(2026, 12, 1, 1, 0, tzinfo=UTC), "C1", 1),
    ("hz-xihu", datetime(2026, 12, 1, 15, 59, tzinfo=UTC), "C2", 2),
    ("hz-xiaoshan", datetime(2026, 12, 1, 16, 0, tzinfo=UTC), "C1", 1),
    ("hz-xihu", datetime(2026, 12, 3, 1, 0, tzinfo=UTC), "C1", 0),
    ("hz-xihu", None, "C1", 3),
]


def test_examples_are_true():
    assert doctest.testmod(paging).failed == 0


@given(
    key=st.integers(0, 2**53) | st.text(st.characters(exclude_characters="\0"), max_size=40),
    name=st.text(max_size=5),
)
def test_a_cursor_gives_its_key_back(key, name):
    cursor = write_cursor(key, of=(name, 1))
    assert read_cursor(cursor, of=(name, 1), kind=type(key)) == key
    assert cursor.isascii()
    assert "=" not in cursor


@given(key=st.integers(0, 2**53), place=st.integers(0), letter=st.sampled_from("aZ0-_=. é\x00"))
def test_a_changed_cursor_is_refused(key, place, letter):
    cursor = write_cursor(key, of=("units", 1))
    at = place % len(cursor)
    changed = cursor[:at] + letter + cursor[at + 1 :]
    for text in {changed, cursor[:at], cursor + letter} - {cursor}:
        with pytest.raises(InvalidRequest) as refused:
            read_cursor(text, of=("units", 1), kind=int)
        assert refused.value.facts["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize("key", [2**53 + 1, -(2**70), "s\0"])
def test_a_cursor_of_somebodys_own_making_asks_nothing_that_the_database_cannot_be_asked(key):
    with pytest.raises(InvalidRequest):
        read_cursor(write_cursor(key, of=("units", 1)), of=("units", 1), kind=type(key))


@pytest.fixture
async def pool(kernel, city):
    """A pool with UNITS, beside another one."""
    await city()
    pool = await publish_pool(
        kernel,
        authority="cn-hz",
        service="driving_test",
        rule="subject-3",
        title={"en": "Subject 3"},
        hold_ttl_s=300,
        units=[
            NewUnit(
                kind=UnitKind.SESSION,
                title={"en": "S"},
                capacity=capacity,
                site=site,
                starts_at=at,
                attributes={"class": name, "subject": "3"},
            )
            for site, at, name, capacity in UNITS
        ],
    )
    await asyncio.gather(*kernel._background)
    while await rebuild(kernel, pool_id=pool) is None:
        await asyncio.sleep(0.01)
    return pool


@pytest.fixture
def walk(client):
    """Every item of a list, page by page, and how many pages it took."""

    async def follow(path, name, **asked):
        items, pages, cursor = [], 0, None
        while cursor is not None or not pages:
            given = {"cursor": cursor} if cursor else {}
            answer = await client.get(path, params=asked.pop("params", {}) | asked | given)
            assert answer.status_code == 200, answer.text
            items += answer.json()[name]
            cursor = answer.json()["next"]
            pages += 1
        return items, pages

    return follow


@pytest.mark.parametrize(("limit", "pages"), [(1, 5), (2, 3), (5, 1), (500, 1)])
async def test_units_come_once_each_whatever_the_pages_size(client, walk, pool, limit, pages):
    units, seen = await walk(f"/api/v1/pools/{pool}/units", "units", limit=limit)
    assert [unit["site"] for unit in units] == [site for site, *_ in UNITS]
    assert seen == pages
    assert (await client.get(f"/api/v1/units/{units[2]['id']}")).json() == units[2]


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({"site": "hz-xihu"}, [0, 1, 3, 4]),
        ({"class": "C1"}, [0, 2, 3, 4]),
        ({"subject": "2"}, []),
        ({"class": "C1", "subject": "3", "site": "hz-xihu"}, [0, 3, 4]),
        ({"from": "2026-12-02"}, [2, 3]),
        ({"until": "2026-12-01"}, [0, 1]),
        ({"from": "2026-12-02", "until": "2026-12-02"}, [2]),
        ({"free": "true"}, [0, 1, 2, 4]),
    ],
)
async def test_units_are_found_by_what_is_asked_for(walk, pool, asked, places):
    everything, _ = await walk(f"/api/v1/pools/{pool}/units", "units")
    found, _ = await walk(f"/api/v1/pools/{pool}/units", "units", limit=1, **asked)
    assert found == [everything[place] for place in places]


async def test_free_ones_are_those_nobody_holds_and_unknown_ones_stay(client, token, kernel, pool, walk):
    path = f"/api/v1/pools/{pool}/units"
    first = (await walk(path, "units"))[0][0]["id"]
    held = await client.post("/api/v1/holds", json={"pool": pool, "units": [first]}, headers=token())
    assert held.status_code == 201
    free, _ = await walk(path, "units", free="true")
    assert first not in {unit["id"] for unit in free}
    assert all(unit["free"] > 0 for unit in free)
    # Without the pool's counts in Valkey nobody knows, and nothing is claimed.
    await kernel.valkey.lane(fence_key(pool)).command("FLUSHALL")
    unknown, _ = await walk(path, "units", free="true")
    assert [unit["free"] for unit in unknown] == [None] * 4
    assert first in {unit["id"] for unit in unknown}


async def test_pools_are_found_by_what_is_asked_for(walk, pool):
    assert len((await walk("/api/v1/pools", "pools", limit=1))[0]) == 2
    found, _ = await walk("/api/v1/pools", "pools", authority="cn-hz", rule="subject-3", state="open")
    assert [each["id"] for each in found] == [pool]
    assert await walk("/api/v1/pools", "pools", service="inspection") == ([], 1)


async def test_bookings_are_found_by_state_service_and_the_sessions_day(client, token, walk, pool):
    headers = token()
    units, _ = await walk(f"/api/v1/pools/{pool}/units", "units")
    made = []
    for unit in (units[0], units[1], units[2]):
        held = await client.post("/api/v1/holds", json={"pool": pool, "units": [unit["id"]]}, headers=headers)
        key = {"Idempotency-Key": str(unit["id"])}
        booked = await client.post(f"/api/v1/holds/{held.json()['id']}/confirm", headers=headers | key)
        made.append(booked.json()["id"])
        if unit is not units[2]:
            await client.post(f"/api/v1/bookings/{made[-1]}/cancel", headers=headers)

    async def ids(**asked):
        items, cursor = [], None
        while cursor is not None or not items:
            given = asked | ({"cursor": cursor} if cursor else {}) | {"limit": 1}
            answer = (await client.get("/api/v1/bookings", params=given, headers=headers)).json()
            items, cursor = items + answer["bookings"], answer["next"]
            if not answer["bookings"]:
                break
        return [item["id"] for item in items]

    assert await ids() == made[::-1]
    assert await ids(state="cancelled") == [made[1], made[0]]
    assert await ids(service="driving_test", state="booked") == [made[2]]
    assert await ids(service="inspection") == []
    assert await ids(**{"from": "2026-12-02"}) == [made[2]]
    assert await ids(until="2026-12-01") == [made[1], made[0]]


BAD = [
    ({"cursor": "x"}, "cursor"),
    ({"cursor": ""}, "cursor"),
    ({"cursor": "x" * 201}, "cursor"),
    ({"limit": "0"}, "limit"),
    ({"limit": "501"}, "limit"),
    ({"from": "yesterday"}, "from"),
    ({"from": "0001-01-01"}, "from"),
    ({"until": "9999-12-31"}, "until"),
    ({"from": "2026-12-02", "until": "2026-12-01"}, "until"),
    ({"site": "a\x00"}, "site"),
    ({"site": ""}, "site"),
    ({"class": "x" * 9}, "class"),
    ({"free": "perhaps"}, "free"),
]


@pytest.mark.parametrize(("asked", "field"), BAD, ids=[str(asked)[:30] for asked, _ in BAD])
async def test_what_cannot_be_asked_for_is_told_by_field(client, pool, asked, field):
    answer = await client.get(f"/api/v1/pools/{pool}/units", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert {error["field"] for error in answer.json()["errors"]} == {field}


async def test_a_cursor_of_other_filters_or_another_list_is_refused(client, pool):
    path = f"/api/v1/pools/{pool}/units"
    cursor = (await client.get(path, params={"limit": 1})).json()["next"]
    raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = urlsafe_b64encode(raw[:-1] + b"9").rstrip(b"=").decode()
    for url, asked in [
        (path, {"cursor": cursor, "site": "hz-xihu"}),
        (path, {"cursor": forged}),
        ("/api/v1/pools", {"cursor": cursor}),
        (f"/api/v1/pools/{pool - 1}/units", {"cursor": cursor}),
    ]:
        answer = await client.get(url, params=asked)
        assert answer.json()["errors"][0]["field"] == "cursor", answer.text


@pytest.mark.parametrize("path", ["/pools/0/units", "/pools/99999999999/units", "/units/0", "/units/1e3"])
async def test_an_id_that_cannot_be_one_is_refused(client, path):
    assert (await client.get(f"/api/v1{path}")).status_code in {400, 404}
