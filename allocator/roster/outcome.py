"""A roster with names in it: what is written to SESSIONS.json. May import staff, town, program, meeting.

The format is in docs/spec/roster.md. `sessions` is what a round's problem takes: ids with capacities, and more.
"""

from typing import Any, Literal

import msgspec

from allocator.roster.meeting import meet, weight_of
from allocator.roster.program import Placed
from allocator.roster.staff import clock_of
from allocator.roster.town import Town, Wanted


class Session(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One session, with everybody and everything it takes."""

    id: str
    capacity: int
    type: str
    site: str
    day: str
    start: str
    end: str
    examiner: str
    vehicle: str | None = None
    room: str | None = None
    lane: str | None = None


class Met(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row of demand and how many of its seats there are."""

    type: str
    seats: int
    met: int
    weight: int
    site: str | None = None
    day: str | None = None


class Unmet(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row of demand that is not met in full, and why no further session fits."""

    type: str
    missing: int
    reasons: list[str]
    site: str | None = None
    day: str | None = None


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole output."""

    version: Literal[1]
    sessions: list[Session]
    seats: int
    """Of all sessions."""
    met: int
    """Weighted seats of demand."""
    bound: int
    """Weighted seats that no roster under these rules can pass."""
    bound_by: Literal["prices", "solver"]
    trips: int
    demand: list[Met]
    unmet: list[Unmet]

    def plain(self) -> dict[str, Any]:
        """For canonical JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def sessions_of(town: Town, chosen: tuple[Placed, ...]) -> list[Session]:
    """The sessions of duties, by day, start, site, type and examiner, each with its own name."""
    found: list[tuple[int, int, str, int, Placed, int]] = []
    for key in sorted({(one.crew, one.day) for one in chosen}):
        duties = sorted(
            (one for one in chosen if (one.crew, one.day) == key), key=lambda one: one.duty.sessions
        )
        for examiner, one in zip(town.crews[key[0]].members, duties, strict=False):
            for at, (work, start) in enumerate(one.duty.sessions):
                found.append((one.day, start, examiner, work, one, at))
    found.sort(key=lambda one: (one[0], one[1], town.works[one[3]].site, town.works[one[3]].type, one[2]))
    busy: dict[tuple[int, int, str, int], int] = {}
    counts: dict[str, int] = {}
    sessions: list[Session] = []
    for day, start, examiner, work, placed, at in found:
        taken = _things(town, (day, work, start), placed.ways[at], busy)
        kind, site = town.types[town.works[work].type], town.sites[town.works[work].site]
        first = start * town.slot_minutes
        stem = f"{town.days[day]}/{clock_of(first)}/{site}/{kind.id}"
        counts[stem] = counts.get(stem, 0) + 1
        sessions.append(
            Session(
                id=f"{stem}/{counts[stem]}",
                capacity=kind.seats,
                type=kind.id,
                site=site,
                day=town.days[day],
                start=clock_of(first),
                end=clock_of(first + kind.minutes),
                examiner=examiner,
                **taken,
            )
        )
    return sessions


def met_of(town: Town, sessions: list[Session]) -> tuple[list[Met], int]:
    """(each row of demand with what is met of it, weighted seats in sum)."""
    index = {(town.types[work.type].id, town.sites[work.site]): at for at, work in enumerate(town.works)}
    supply: dict[tuple[int, int], int] = {}
    for one in sessions:
        key = (index[one.type, one.site], town.days.index(one.day))
        supply[key] = supply.get(key, 0) + one.capacity
    met = meet(town, supply)
    rows = [
        Met(town.types[row.type].id, row.seats, seats, row.weight, site_of(town, row), day_of(town, row))
        for row, seats in zip(town.demand, met, strict=True)
    ]
    return rows, weight_of(town, met)


def site_of(town: Town, row: Wanted) -> str | None:
    """The site a row names."""
    return None if row.site is None else town.sites[row.site]


def day_of(town: Town, row: Wanted) -> str | None:
    """The day a row names."""
    return None if row.day is None else town.days[row.day]


def _things(
    town: Town, session: tuple[int, int, int], way: int, busy: dict[tuple[int, int, str, int], int]
) -> dict[str, str]:
    """The first free of each stock: as sessions come by their start, there is one whenever the numbers are kept."""
    day, work, start = session
    able = dict(town.works[work].starts[day])[start]
    taken: dict[str, str] = {}
    for stock in town.works[work].modes[able[way]]:
        places = ((name, n) for name, at_once in town.stocks[stock].members for n in range(at_once))
        name, n = next(one for one in places if busy.get((day, stock, *one), 0) <= start)
        busy[day, stock, name, n] = start + town.length(town.works[work])
        taken[town.stocks[stock].kind] = name
    return taken
