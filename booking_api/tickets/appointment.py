"""A booking as a calendar entry (RFC 5545). Pure; imports icalendar.

Times are written in UTC, which every calendar shows in its owner's zone, so that no zone description need be trusted.
Nothing of the person is in it: calendars are shared.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from icalendar import Calendar, Event

from reservation import BookingState

PRODUCT = "-//Gongdao//Gongdao 1//ZH"


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """What a calendar entry tells: which service, where, when, and whether it still stands."""

    booking: str
    authority: str
    state: BookingState
    title: Mapping[str, str]
    place: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    changed_at: datetime


def calendar_entry(appointment: Appointment, *, lang: str) -> bytes:
    """The `.ics` file of an appointment. The same appointment gives the same bytes.

    A booking changes once at most, when it is cancelled or moved: then the entry has the sequence number 1, and
    calendars that have imported number 0 under the same UID strike it out.
    """
    stands = appointment.state is BookingState.BOOKED
    # The library's types do not say what `add` takes.
    entry: Any = Event()
    entry.add("uid", f"{appointment.booking}@{appointment.authority}")
    entry.add("dtstamp", _to_the_second(appointment.changed_at))
    entry.add("dtstart", _to_the_second(appointment.starts_at))
    if appointment.ends_at is not None:
        entry.add("dtend", _to_the_second(appointment.ends_at))
    entry.add("summary", in_language(appointment.title, lang), parameters={"LANGUAGE": lang})
    entry.add("location", in_language(appointment.place, lang), parameters={"LANGUAGE": lang})
    entry.add("status", "CONFIRMED" if stands else "CANCELLED")
    entry.add("sequence", 0 if stands else 1)
    calendar: Any = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add_component(entry)
    return calendar.to_ical()


def in_language(told: Mapping[str, str], lang: str) -> str:
    """A title in this language, else in any it has."""
    return told.get(lang) or next(iter(told.values()), "")


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
