"""Calendar entries: read back by the calendar library, and as the standard wants the bytes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from msgspec.structs import replace

from booking_api.clock import SHANGHAI
from booking_api.tickets.appointment import Appointment, calendar_entry
from reservation import BookingState

STARTS = datetime(2026, 12, 3, 8, 30, tzinfo=SHANGHAI)
APPOINTMENT = Appointment(
    booking="0192f3c0-1234-8056-9789-0123456789ab",
    authority="cn-zj-hz",
    state=BookingState.BOOKED,
    title={"zh-CN": "科目三 · 道路驾驶", "en": "Subject 3, Road; driving"},
    place={"zh-CN": "西湖考场 上午场", "en": "Xihu site, morning"},
    starts_at=STARTS,
    ends_at=STARTS + timedelta(hours=3),
    changed_at=datetime(2026, 11, 25, 1, 2, 3, 456_789, tzinfo=UTC),
)


def read(ics: bytes):
    [event] = Calendar.from_ical(ics).walk("VEVENT")
    return event


def test_a_booking_is_a_confirmed_event_at_its_time_and_place():
    event = read(calendar_entry(APPOINTMENT, lang="zh-CN"))
    assert event["UID"] == "0192f3c0-1234-8056-9789-0123456789ab@cn-zj-hz"
    assert event["DTSTART"].dt == STARTS
    assert event["DTEND"].dt == STARTS + timedelta(hours=3)
    assert (event["SUMMARY"], event["LOCATION"]) == ("科目三 · 道路驾驶", "西湖考场 上午场")
    assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 0)
    assert event["DTSTAMP"].dt == datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


def test_it_is_told_in_the_language_asked_for_else_in_any():
    event = read(calendar_entry(APPOINTMENT, lang="en"))
    assert (event["SUMMARY"], event["LOCATION"]) == ("Subject 3, Road; driving", "Xihu site, morning")
    only = replace(APPOINTMENT, title={"zh-CN": "科目三"}, place={})
    event = read(calendar_entry(only, lang="en"))
    assert (event["SUMMARY"], event["LOCATION"]) == ("科目三", "")


@pytest.mark.parametrize("state", [BookingState.CANCELLED, BookingState.MOVED])
def test_what_has_ended_strikes_the_first_entry_out(state):
    first = read(calendar_entry(APPOINTMENT, lang="en"))
    second = read(calendar_entry(replace(APPOINTMENT, state=state), lang="en"))
    assert second["UID"] == first["UID"]
    assert (second["STATUS"], second["SEQUENCE"]) == ("CANCELLED", 1)


def test_an_appointment_without_an_end_has_none():
    assert "DTEND" not in read(calendar_entry(replace(APPOINTMENT, ends_at=None), lang="en"))


def test_the_bytes_are_what_the_standard_wants_and_the_same_each_time():
    ics = calendar_entry(APPOINTMENT, lang="zh-CN")
    assert ics == calendar_entry(APPOINTMENT, lang="zh-CN")
    lines = ics.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert all(len(line) <= 75 for line in lines)
    assert lines[:3] == [b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//Gongdao//Gongdao 1//ZH"]
    assert b"DTSTART:20261203T003000Z" in lines


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_no_title_breaks_out_of_its_line(title):
    ics = calendar_entry(replace(APPOINTMENT, title={"en": title}), lang="en")
    event = read(ics)
    assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 0)
    # A calendar unfolds lines before it reads them; nothing of the title may look like a property of its own.
    names = [line.partition(b":")[0].partition(b";")[0] for line in ics.replace(b"\r\n ", b"").split(b"\r\n")]
    assert names.count(b"SUMMARY") == 1
    assert len(names) == 15


def test_a_title_with_a_line_end_stays_one_property():
    ics = calendar_entry(
        replace(APPOINTMENT, title={"en": "a\r\nATTENDEE:mailto:x@y\nEND:VEVENT"}), lang="en"
    )
    assert b"\r\nATTENDEE" not in ics
    assert "ATTENDEE" not in read(ics)
