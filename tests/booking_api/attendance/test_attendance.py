"""Check-in at the door, and what is left when a session is over."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.attendance.checking_in import check_in
from booking_api.attendance.concluding import conclude
from booking_api.attendance.errors import AnotherSite, CheckInClosed, UnknownCode
from booking_api.demo.people import Vehicle
from booking_api.eligibility import Eligibility
from booking_api.eligibility.errors import NotEligible
from booking_api.organisations.register import NewOrganisation, register_organisation
from reservation import bookings_of, confirm, hold
from reservation.errors import NotActive
from reservation.transaction import transaction
from tests.planning import in_days, inspection_row, person, planned, settle, test_row

STATION = {"roles": ("station:st-1",)}
PLATE = "\u6d59A12345"


async def book(kernel, unit, who="a", claimant=None):
    held = await hold(kernel, pool_id=1, units=[unit], claimant=claimant or f"person:{who}", owner=who)
    return (await confirm(kernel, claim_id=held.id, owner=who, key=held.id)).id


async def bounds(kernel, unit):
    async with kernel.engine.connect() as connection:
        query = text("SELECT starts_at, ends_at FROM plan_session WHERE unit_id = :unit")
        return tuple((await connection.execute(query, {"unit": unit})).one())


async def arrive(kernel, booking, at, *, sites=frozenset({"hz-xihu"}), by="s"):
    async with transaction(kernel.engine) as connection:
        return await check_in(
            connection, booking_id=booking, sites=sites, station="station:st-1", by=by, now=at
        )


async def over(kernel, unit):
    """Concludes what is over two hours after the session's end."""
    _, ends_at = await bounds(kernel, unit)
    while await conclude(kernel, now=lambda: ends_at + timedelta(hours=2)):
        pass


async def rows(kernel, query):
    async with kernel.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


@pytest.fixture
async def scene(kernel):
    [unit] = await planned(kernel, [test_row()])
    await settle(kernel, person("a"), person("b", number=2))
    return unit, await book(kernel, unit)


async def test_a_person_is_checked_in_once_and_told(kernel, scene):
    unit, booking = scene
    starts_at, _ = await bounds(kernel, unit)
    first = await arrive(kernel, booking, starts_at)
    assert (first.repeated, first.name, first.identity_number[:3], first.subject) == (False, "N", "330", 1)
    again = await arrive(kernel, booking, starts_at + timedelta(minutes=5), by="another")
    assert (again.repeated, again.at) == (True, starts_at)
    assert await rows(kernel, "SELECT state, by FROM attendance") == [("checked_in", "s")]
    assert await rows(kernel, "SELECT kind, account FROM notice") == [("booking.checked_in", "a")]


async def test_the_door_is_open_from_a_while_before_the_start_until_the_end(kernel, scene):
    unit, booking = scene
    starts_at, ends_at = await bounds(kernel, unit)
    for at in (starts_at - timedelta(minutes=91), ends_at + timedelta(seconds=1)):
        with pytest.raises(CheckInClosed):
            await arrive(kernel, booking, at)
    await arrive(kernel, booking, starts_at - timedelta(minutes=90))


async def test_another_site_an_ended_booking_and_none_are_refused(kernel, scene):
    unit, booking = scene
    starts_at, _ = await bounds(kernel, unit)
    with pytest.raises(AnotherSite):
        await arrive(kernel, booking, starts_at, sites=frozenset({"elsewhere"}))
    with pytest.raises(UnknownCode):
        await arrive(kernel, "0192f3c0-0000-8000-8000-000000000000", starts_at)
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text("UPDATE booking SET state = 'cancelled', ended_at = now(), ended_by = 'owner'")
        )
    with pytest.raises(NotActive):
        await arrive(kernel, booking, starts_at)
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text("UPDATE booking SET state = 'booked', ended_at = NULL, ended_by = NULL")
        )


async def test_over_a_session_is_concluded_and_who_did_not_come_has_failed(kernel, scene):
    unit, came = scene
    missed = await book(kernel, unit, "b")
    starts_at, ends_at = await bounds(kernel, unit)
    await arrive(kernel, came, starts_at)
    assert await conclude(kernel, now=lambda: ends_at + timedelta(minutes=59)) is False
    assert await rows(kernel, "SELECT count(*) FROM attendance") == [(1,)]
    await over(kernel, unit)
    await over(kernel, unit)
    assert await rows(kernel, "SELECT owner, state FROM attendance ORDER BY owner") == [
        ("a", "checked_in"),
        ("b", "no_show"),
    ]
    assert await rows(kernel, "SELECT account, kind FROM notice ORDER BY id") == [
        ("a", "booking.checked_in"),
        ("b", "booking.no_show"),
    ]
    for owner, booking in (("a", came), ("b", missed)):
        [told] = await bookings_of(kernel, owner=owner, limit=10)
        assert (told.id, told.state) == (booking, "booked")
        assert told.concluded_at is not None
    [later] = await planned(kernel, [test_row(site="later", day=in_days(25))])
    await book(kernel, later)


async def test_a_no_show_is_a_failed_attempt_for_the_rules(kernel):
    unit, again = await planned(kernel, [test_row(subject=2), test_row(subject=2, day=in_days(25))])
    await settle(kernel, person("a", 1))
    await book(kernel, unit)
    await over(kernel, unit)
    with pytest.raises(NotEligible) as refused:
        await Eligibility(kernel).check_hold(account="a", units=[again], vehicle=None, now=clock.now())
    [rule] = refused.value.facts["rules"]
    assert (rule["rule"], rule["first_day"]) == ("retry_wait", in_days(30).isoformat())


async def test_two_missed_inspections_in_a_row_send_the_vehicle_to_a_counter(kernel):
    units = await planned(kernel, [inspection_row(day=in_days(3 + n)) for n in range(3)])
    await settle(kernel, person(vehicles=[Vehicle(PLATE, in_days(30))]))
    for unit in units[:2]:
        await book(kernel, unit, claimant=f"vehicle:{PLATE}")
        await over(kernel, unit)
    with pytest.raises(NotEligible) as refused:
        await Eligibility(kernel).check_hold(account="a", units=[units[2]], vehicle=PLATE, now=clock.now())
    assert [rule["rule"] for rule in refused.value.facts["rules"]] == ["missed_in_a_row"]


async def test_where_sites_do_not_check_in_nobody_is_a_no_show(kernel, scene):
    unit, _ = scene
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO authority_settings (authority, service, settings, reason, set_by) VALUES "
                "('cn-zj', 'driving_test', CAST(:settings AS jsonb), 'test', 'op')"
            ),
            {"settings": '{"plans": {"no_shows": false}}'},
        )
    await over(kernel, unit)
    assert await rows(kernel, "SELECT count(*) FROM attendance") == [(0,)]
    assert await rows(kernel, "SELECT count(*) FROM booking WHERE concluded_at IS NOT NULL") == [(1,)]


async def test_a_sitting_uses_its_fee_up(kernel, scene):
    unit, booking = scene
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO fee (id, account, authority, subject, amount_fen, state, provider, next_at) VALUES "
                "(gen_random_uuid(), 'a', 'cn-zj-hz', 1, 4000, 'settled', 'counter', now())"
            )
        )
    await over(kernel, unit)
    assert await rows(kernel, "SELECT used_by::text FROM fee") == [(booking,)]


async def test_a_station_scans_a_code_over_http(kernel, client, token, monkeypatch, scene):
    unit, booking = scene
    starts_at, _ = await bounds(kernel, unit)
    monkeypatch.setattr(clock, "now", lambda: starts_at)
    async with kernel.engine.begin() as connection:
        new = NewOrganisation(
            id="st-1", kind="station", authority="cn-zj-hz", name={"en": "S"}, sites=["hz-xihu"]
        )
        await register_organisation(connection, new, by="op")
    told = (await client.get(f"/api/v1/bookings/{booking}", headers=token("a"))).json()
    code = told["check_in_code"]
    scanned = await client.post(
        "/api/v1/check-ins", json={"code": code.lower()}, headers=token("s", **STATION)
    )
    assert (scanned.status_code, scanned.json()["booking"]) == (200, booking)
    assert "33010619600102001" not in scanned.text
    forged = code[:-1] + ("A" if code[-1] != "A" else "B")
    refused = await client.post("/api/v1/check-ins", json={"code": forged}, headers=token("s", **STATION))
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_code")
    elsewhere = token("s", roles=("station:st-2",))
    refused = await client.post("/api/v1/check-ins", json={"code": code}, headers=elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (409, "another_site")
