"""What a centre has and what is wanted of it, as it stands in STAFF.json. May import msgspec only."""

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

BYTES_LIMIT = 8_000_000
DAY_MINUTES = 1440
WEIGHT_LIMIT = 10_000_000
MINIMUM_LIMIT = 100_000
SENTENCE_LENGTH = 300
FORMAT = "the format is that of STAFF.json in docs/spec/roster.md"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Names = Annotated[list[Name], Meta(max_length=200)]
Minutes = Annotated[int, Meta(ge=1, le=DAY_MINUTES)]
Seats = Annotated[int, Meta(ge=1, le=1_000_000)]
Need = Literal["vehicle", "room", "lane"]


class StaffUnusable(ValueError):
    """The file cannot be used; the message names the field and what would be right."""


class Window(Struct, frozen=True, forbid_unknown_fields=True):
    """From one clock time to a later one, on these days (none named: on every day)."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    days: Annotated[list[str], Meta(max_length=31)] = []


Windows = Annotated[list[Window], Meta(max_length=200)]


class SessionType(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of session: how long, how many seats one examiner handles, what it needs besides an examiner."""

    id: Name
    minutes: Minutes
    seats: Annotated[int, Meta(ge=1, le=10_000)]
    needs: Annotated[list[Need], Meta(max_length=3)] = []
    name: Name | None = None


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """A place with opening hours."""

    id: Name
    open: Windows
    name: Name | None = None


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A room or lane of a site; open as long as the site where it has no hours of its own."""

    id: Name
    site: Name
    kind: Literal["room", "lane"]
    types: Names
    at_once: Annotated[int, Meta(ge=1, le=1_000)] = 1
    hours: Windows | None = None
    name: Name | None = None


class Vehicle(Struct, frozen=True, forbid_unknown_fields=True):
    """A vehicle that stays at its site."""

    id: Name
    site: Name
    types: Names
    hours: Windows | None = None
    name: Name | None = None


class Examiner(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may examine these types in these hours, but for the breaks."""

    id: Name
    types: Names
    hours: Windows
    breaks: Windows = []
    most_minutes: Minutes = DAY_MINUTES
    """At work in one day, travel between sites included."""
    most_minutes_in_all: Annotated[int, Meta(ge=1, le=31 * DAY_MINUTES)] | None = None
    name: Name | None = None


class Travel(Struct, frozen=True, forbid_unknown_fields=True):
    """How long an examiner is on the way between two sites, either way."""

    between: Annotated[list[Name], Meta(min_length=2, max_length=2)]
    minutes: Minutes


class Demand(Struct, frozen=True, forbid_unknown_fields=True):
    """Seats forecast; at one site or day where named. A seat meets one row at most."""

    type: Name
    seats: Seats
    site: Name | None = None
    day: str | None = None
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1


class Minimum(Struct, frozen=True, forbid_unknown_fields=True):
    """Seats there must be, whatever else: rows do not share them out but each counts all that match."""

    type: Name
    seats: Seats
    site: Name | None = None
    day: str | None = None


class Staff(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole input. Clock times and durations are whole slots."""

    version: Literal[1]
    days: Annotated[list[str], Meta(min_length=1, max_length=31)]
    slot_minutes: Literal[5, 10, 15, 20, 30, 60]
    types: Annotated[list[SessionType], Meta(min_length=1, max_length=50)]
    sites: Annotated[list[Site], Meta(min_length=1, max_length=50)]
    examiners: Annotated[list[Examiner], Meta(max_length=500)]
    demand: Annotated[list[Demand], Meta(max_length=2_000)]
    places: Annotated[list[Place], Meta(max_length=500)] = []
    vehicles: Annotated[list[Vehicle], Meta(max_length=500)] = []
    travel: Annotated[list[Travel], Meta(max_length=1_225)] = []
    minimum: Annotated[list[Minimum], Meta(max_length=200)] = []


def read_staff(text: bytes) -> Staff:
    """The staff of a file's bytes, every reference in it followed once.

    Raises:
        StaffUnusable: it is no JSON, has another shape, or names what is not there; one line.
    """
    if len(text) > BYTES_LIMIT:
        raise StaffUnusable(f"larger than {BYTES_LIMIT:,} bytes")
    try:
        staff = msgspec.json.decode(text, type=Staff)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StaffUnusable(_worded(error)) from None
    _check(staff)
    return staff


def minute_of(clock: str) -> int:
    """Minutes since midnight of `HH:MM`; 24:00 is the end of the day.

    Raises:
        ValueError: it is no such time.
    """
    if clock == "24:00":
        return DAY_MINUTES
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise ValueError(f"{clock!r} is no clock time, write 08:30")
    return 60 * int(found[1]) + int(found[2])


def clock_of(minute: int) -> str:
    """`HH:MM` of minutes since midnight.

    >>> clock_of(510)
    '08:30'
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"


def spans(windows: list[Window], day: str) -> list[tuple[int, int]]:
    """(first minute, minute after the last) of each window on a day, in order."""
    return sorted(
        (minute_of(one.start), minute_of(one.end)) for one in windows if not one.days or day in one.days
    )


def _worded(error: Exception) -> str:
    """Its sentence with the field first: `examiners[0].id: expected str, got int`."""
    sentence, at, where = str(error).partition(" - at `")
    if not at:
        where = ""
    if sentence[1:2].islower():
        sentence = sentence[:1].lower() + sentence[1:]
    sentence = sentence.replace("`", "")
    field = where.removesuffix("`").removeprefix("$").removeprefix(".")
    return (
        f"{field}: {sentence}"[:SENTENCE_LENGTH]
        if field
        else f"the file: {sentence[:SENTENCE_LENGTH]}; {FORMAT}"
    )


def _check(staff: Staff) -> None:
    _check_days(staff)
    ids = {
        "types": _unique("types", [one.id for one in staff.types]),
        "sites": _unique("sites", [one.id for one in staff.sites]),
    }
    _unique("examiners", [one.id for one in staff.examiners])
    _unique("places", [one.id for one in staff.places])
    _unique("vehicles", [one.id for one in staff.vehicles])
    _check_kinds(staff)
    _check_windows(staff)
    _check_references(staff, ids)
    _check_travel(staff, ids["sites"])
    _check_totals(staff)


def _check_kinds(staff: Staff) -> None:
    for part in ("types", "sites", "places", "vehicles", "examiners"):
        for at, named in enumerate(getattr(staff, part)):
            if named.name is not None:
                _check_text(f"{part}[{at}].name", named.name)
    for at, kind in enumerate(staff.types):
        _on_grid(f"types[{at}].minutes", kind.minutes, staff.slot_minutes)
        _unique(f"types[{at}].needs", list(kind.needs))


def _check_references(staff: Staff, ids: dict[str, set[str]]) -> None:
    for at, examiner in enumerate(staff.examiners):
        _known(f"examiners[{at}].types", examiner.types, ids["types"], "type")
    for part, things in (("places", staff.places), ("vehicles", staff.vehicles)):
        for at, thing in enumerate(things):
            _known(f"{part}[{at}].site", [thing.site], ids["sites"], "site")
            _known(f"{part}[{at}].types", thing.types, ids["types"], "type")
    for part, rows in (("demand", staff.demand), ("minimum", staff.minimum)):
        for at, row in enumerate(rows):
            _known(f"{part}[{at}].type", [row.type], ids["types"], "type")
            _known(f"{part}[{at}].site", [row.site] if row.site is not None else [], ids["sites"], "site")
            _known(f"{part}[{at}].day", [row.day] if row.day is not None else [], set(staff.days), "day")


def _check_totals(staff: Staff) -> None:
    for part, total, most in (
        ("demand", sum(row.seats * row.weight for row in staff.demand), WEIGHT_LIMIT),
        ("minimum", sum(row.seats for row in staff.minimum), MINIMUM_LIMIT),
    ):
        if total > most:
            raise StaffUnusable(f"{part}: seats (times weights) come to {total:,}, {most:,} are the most")


def _check_days(staff: Staff) -> None:
    for at, day in enumerate(staff.days):
        try:
            good = date.fromisoformat(day).isoformat() == day
        except ValueError:
            good = False
        if not good:
            raise StaffUnusable(f"days[{at}]: {day[:40]!r} is no day, write 2026-12-14")
    if staff.days != sorted(set(staff.days)):
        raise StaffUnusable("days: they must be in order, each once")


def _check_windows(staff: Staff) -> None:
    for part, field, things in (
        ("sites", "open", staff.sites),
        ("places", "hours", staff.places),
        ("vehicles", "hours", staff.vehicles),
        ("examiners", "hours", staff.examiners),
        ("examiners", "breaks", staff.examiners),
    ):
        for at, thing in enumerate(things):
            windows: list[Window] = getattr(thing, field) or []
            _check_windows_of(f"{part}[{at}].{field}", windows, staff)


def _check_windows_of(where: str, windows: list[Window], staff: Staff) -> None:
    for at, window in enumerate(windows):
        for name, clock in (("from", window.start), ("to", window.end)):
            try:
                minute = minute_of(clock)
            except ValueError as error:
                raise StaffUnusable(f"{where}[{at}].{name}: {str(error)[:80]}") from None
            _on_grid(f"{where}[{at}].{name}", minute, staff.slot_minutes, clock)
        if minute_of(window.end) <= minute_of(window.start):
            raise StaffUnusable(f"{where}[{at}]: ends at {window.end}, not after its start at {window.start}")
        _known(f"{where}[{at}].days", window.days, set(staff.days), "day")
    for day in staff.days:
        found = spans(windows, day)
        for (first, end), (start, _) in pairwise(found):
            if start < end:
                raise StaffUnusable(
                    f"{where}: the one from {clock_of(first)} and the one from {clock_of(start)} overlap on {day}"
                )


def _check_travel(staff: Staff, sites: set[str]) -> None:
    seen = set[frozenset[str]]()
    for at, way in enumerate(staff.travel):
        pair = frozenset(way.between)
        if len(pair) != 2:
            raise StaffUnusable(f"travel[{at}].between: two different sites, not {way.between[0]} twice")
        _known(f"travel[{at}].between", way.between, sites, "site")
        if pair in seen:
            raise StaffUnusable(f"travel[{at}].between: {' and '.join(sorted(pair))} are there twice")
        seen.add(pair)


def _on_grid(where: str, minute: int, slot_minutes: int, said: str | None = None) -> None:
    if minute % slot_minutes:
        raise StaffUnusable(
            f"{where}: {said or minute} is not a whole number of slots of {slot_minutes} minutes"
        )


def _unique(where: str, ids: list[str]) -> set[str]:
    seen = set[str]()
    for at, one in enumerate(ids):
        _check_text(f"{where}[{at}]", one)
        if one in seen:
            raise StaffUnusable(f"{where}[{at}]: {one} is there twice")
        seen.add(one)
    return seen


def _check_text(where: str, text: str) -> None:
    if _CONTROL.search(text) or text != text.strip():
        raise StaffUnusable(f"{where}: {text!r} has control characters or blanks at its ends")


def _known(where: str, named: list[str], known: set[str], what: str) -> None:
    for one in named:
        if one not in known:
            raise StaffUnusable(f"{where}: there is no {what} {one[:80]!r}")
    if len(set(named)) != len(named):
        raise StaffUnusable(f"{where}: a {what} is there twice")
