"""Sessions as a week of days and as totals, whether they are planned, laid out or only read from a file. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from booking_api.clock import SHANGHAI
from booking_api.pages.plots import Bars, bar_plot
from booking_api.plans.draft import PlannedSession
from booking_api.plans.rows import SessionRow
from booking_api.rules import Quota

COLOURS = 4
"""Sites that have a colour of their own in the plot; the others share the last one."""
LABELS = 12
WEEK = timedelta(days=7)


class Slot(NamedTuple):
    """The places of one quota in one session. `id` 0: it is not stored."""

    day: date
    start: str
    end: str
    site: str
    subject: int | None
    vehicle_class: str | None
    priority: bool
    places: int
    id: int = 0
    cancelled: bool = False


class Block(NamedTuple):
    """Sessions of a day that begin and end together, of one subject and class."""

    start: str
    end: str
    subject: int | None
    vehicle_class: str | None
    sites: list[str]
    places: int
    cancelled: bool


class Week(NamedTuple):
    """Seven days with their blocks, and which weeks have sessions."""

    first: date
    days: list[tuple[date, list[Block]]]
    weeks: list[date]
    slots: list[Slot]


class Totals(NamedTuple):
    """Places by day, by site and by class; `plot` shows them by day, `sites` names its colours."""

    sessions: int
    places: int
    days: list[tuple[date, int, int]]
    sites: list[tuple[int, str, int, int]]
    classes: list[tuple[int | None, str | None, int, int]]
    bars: list[tuple[date, list[tuple[int, int]]]]


def slots_of_rows(rows: Iterable[SessionRow]) -> list[Slot]:
    """What rows of a file or schedule would give out."""
    return [
        Slot(row.day, row.start, row.end, row.site, row.subject, row.vehicle_class, priority, places)
        for row in rows
        for priority, places in ((False, row.capacity), (True, row.priority_capacity))
        if places
    ]


def slots_of_sessions(sessions: Iterable[PlannedSession]) -> list[Slot]:
    """What a plan gives out."""
    return [
        Slot(
            one.starts_at.astimezone(SHANGHAI).date(),
            one.starts_at.astimezone(SHANGHAI).strftime("%H:%M"),
            one.ends_at.astimezone(SHANGHAI).strftime("%H:%M"),
            one.site,
            one.subject,
            one.vehicle_class,
            one.quota == Quota.PRIORITY,
            one.capacity,
            one.id,
            one.cancelled_at is not None,
        )
        for one in sessions
    ]


def week_of(slots: Sequence[Slot], wanted: date | None) -> Week:
    """The week of a day, or the first one that has sessions."""
    weeks = sorted({monday(slot.day) for slot in slots})
    first = monday(wanted) if wanted else (weeks or [date.min])[0]
    mine = sorted(
        (slot for slot in slots if monday(slot.day) == first),
        key=lambda slot: (slot.day, slot.start, slot.site),
    )
    days = [first + timedelta(days=number) for number in range(7)]
    return Week(
        first, [(day, _blocks(slot for slot in mine if slot.day == day)) for day in days], weeks, mine
    )


def monday(day: date) -> date:
    """The Monday of a day's week.

    >>> monday(date(2026, 11, 25))
    datetime.date(2026, 11, 23)
    """
    return day - timedelta(days=day.weekday())


def totals_of(slots: Sequence[Slot]) -> Totals:
    """How many sessions and places there are, over all and by day, site and class. What is cancelled gives nothing."""
    slots = [slot for slot in slots if not slot.cancelled]
    sites = Counter[str]()
    for slot in slots:
        sites[slot.site] += slot.places
    ranked = [site for site, _ in sites.most_common()]
    colour = {site: min(number, COLOURS) for number, site in enumerate(ranked, 1)}
    days = sorted({slot.day for slot in slots})
    return Totals(
        sessions=len(slots),
        places=sum(slot.places for slot in slots),
        days=[(day, *_count(slot for slot in slots if slot.day == day)) for day in days],
        sites=[(colour[site], site, *_count(slot for slot in slots if slot.site == site)) for site in ranked],
        classes=[
            (*kind, *_count(slot for slot in slots if (slot.subject, slot.vehicle_class) == kind))
            for kind in sorted({(s.subject, s.vehicle_class) for s in slots}, key=str)
        ],
        bars=[(day, _by_colour(slots, day, colour)) for day in days],
    )


def plot_of(totals: Totals, labels: Sequence[str]) -> Bars:
    """Places by day in the colours of their sites; of many days' labels only as many as there is room for."""
    every = -(-len(labels) // LABELS) if labels else 1
    return bar_plot(
        [
            (label if number % every == 0 else "", [(colour, float(places)) for colour, places in parts])
            for number, (label, (_, parts)) in enumerate(zip(labels, totals.bars, strict=True))
        ]
    )


def _by_colour(slots: Sequence[Slot], day: date, colour: dict[str, int]) -> list[tuple[int, int]]:
    found = Counter[int]()
    for slot in slots:
        if slot.day == day:
            found[colour[slot.site]] += slot.places
    return sorted(found.items())


def _count(slots: Iterable[Slot]) -> tuple[int, int]:
    places = [slot.places for slot in slots]
    return len(places), sum(places)


def _blocks(slots: Iterable[Slot]) -> list[Block]:
    together: dict[tuple[str, str, int | None, str | None, bool], list[Slot]] = {}
    for slot in slots:
        key = (slot.start, slot.end, slot.subject, slot.vehicle_class, slot.cancelled)
        together.setdefault(key, []).append(slot)
    return [
        Block(*key[:4], sorted({slot.site for slot in found}), sum(slot.places for slot in found), key[4])
        for key, found in together.items()
    ]
