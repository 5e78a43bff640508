"""One booking over HTTP, with its calendar entry and its check-in code, for its owner and nobody else."""

import pytest
from icalendar import Calendar
from sqlalchemy import text

from booking_api.identity.tokens import load_key
from booking_api.tickets.check_in import check_in_key, code_svg, parse_code

OWNER = "somebody-who-has-booked"
TICKETS = ("", "/ticket.ics", "/ticket.svg")


@pytest.fixture
async def booking(client, token, kernel, city):
    """A confirmed booking of OWNER for a session of a known time."""
    pool, [unit, _] = await city(capacities=(2, 2))
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE unit SET starts_at = '2026-12-03T00:30:00Z', ends_at = '2026-12-03T03:30:00Z', "
                "site = 'hz-xihu' WHERE id = :unit"
            ),
            {"unit": unit},
        )
    held = await client.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=token(OWNER))
    key = {"Idempotency-Key": "k"}
    path = f"/api/v1/holds/{held.json()['id']}/confirm"
    return (await client.post(path, headers=token(OWNER) | key)).json()["id"]


async def test_the_owner_sees_what_was_booked_where_and_when(client, token, booking, settings):
    answer = await client.get(f"/api/v1/bookings/{booking}", headers=token(OWNER))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["id"], told["state"], told["authority"]) == (booking, "booked", "cn-hz")
    assert (told["title"], told["unit_title"]) == ({"en": "Subject 2"}, {"en": "S2"})
    assert (told["site"], told["starts_at"]) == ("hz-xihu", "2026-12-03T00:30:00Z")
    assert parse_code(told["check_in_code"], key=check_in_key(load_key(settings.key_file))) == booking


async def test_the_calendar_entry_and_the_picture_are_files_of_their_kinds(client, token, booking):
    ics = await client.get(f"/api/v1/bookings/{booking}/ticket.ics?lang=en", headers=token(OWNER))
    assert ics.headers["content-type"] == "text/calendar; charset=utf-8"
    assert ics.headers["content-disposition"] == f'attachment; filename="{booking}.ics"'
    [event] = Calendar.from_ical(ics.content).walk("VEVENT")
    assert (event["UID"], event["SUMMARY"], event["LOCATION"]) == (f"{booking}@cn-hz", "Subject 2", "S2")
    svg = await client.get(f"/api/v1/bookings/{booking}/ticket.svg", headers=token(OWNER))
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in svg.headers["content-security-policy"]
    told = (await client.get(f"/api/v1/bookings/{booking}", headers=token(OWNER))).json()
    assert svg.content == code_svg(told["check_in_code"], title=told["check_in_code"])


async def test_the_person_is_not_in_a_ticket(client, token, booking):
    for ticket in TICKETS:
        answer = await client.get(f"/api/v1/bookings/{booking}{ticket}", headers=token(OWNER))
        assert answer.status_code == 200
        assert OWNER not in answer.text


async def test_somebody_elses_is_as_if_it_were_not_there(client, token, booking):
    unknown = f"{booking[:-1]}{'0' if booking[-1] != '0' else '1'}"
    for ticket in TICKETS:
        theirs = await client.get(f"/api/v1/bookings/{booking}{ticket}", headers=token("b"))
        none = await client.get(f"/api/v1/bookings/{unknown}{ticket}", headers=token("b"))
        assert theirs.status_code == none.status_code == 404
        assert theirs.json() | {"booking": ""} == none.json() | {"booking": ""}
        for odd in ("x", "\u96ea", "0" * 200, booking.upper()):
            answer = await client.get(f"/api/v1/bookings/{odd}{ticket}", headers=token(OWNER))
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_booking")


async def test_a_cancelled_booking_has_no_code_and_an_entry_that_strikes_it_out(client, token, booking):
    await client.post(f"/api/v1/bookings/{booking}/cancel", headers=token(OWNER))
    told = (await client.get(f"/api/v1/bookings/{booking}", headers=token(OWNER))).json()
    assert (told["state"], told["check_in_code"]) == ("cancelled", None)
    ics = await client.get(f"/api/v1/bookings/{booking}/ticket.ics", headers=token(OWNER))
    assert b"STATUS:CANCELLED" in ics.content
    svg = await client.get(f"/api/v1/bookings/{booking}/ticket.svg", headers=token(OWNER))
    assert (svg.status_code, svg.json()["code"]) == (409, "not_active")


async def test_what_has_no_time_has_no_calendar_entry(client, token, booking, kernel):
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE unit SET starts_at = NULL, ends_at = NULL"))
    answer = await client.get(f"/api/v1/bookings/{booking}/ticket.ics", headers=token(OWNER))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_appointment")


async def test_a_language_nobody_speaks_here_is_refused(client, token, booking):
    answer = await client.get(f"/api/v1/bookings/{booking}/ticket.ics?lang=tlh", headers=token(OWNER))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
