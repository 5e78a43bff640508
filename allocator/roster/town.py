"""The staff on a grid of slots, in one order whatever the input's: what pricing, search and reasons count with.

May import staff. Examiners who may do the same at the same times are one crew, vehicles and places that serve the same at
the same times one stock: the numbers say how many, names come back at the end.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from math import gcd
from typing import NamedTuple

from allocator.roster.staff import (
    DAY_MINUTES,
    Demand,
    Examiner,
    Minimum,
    SessionType,
    Staff,
    Window,
    spans,
)

Mask = tuple[bool, ...]
"""One truth for each slot of a day."""


class Stock(NamedTuple):
    """Vehicles, rooms or lanes of a site that serve the same types in the same hours."""

    kind: str
    site: int
    types: frozenset[str]
    open: tuple[Mask, ...]
    """For each day."""
    members: tuple[tuple[str, int], ...]
    """(id, how many sessions at once)."""

    @property
    def units(self) -> int:
        """Sessions at once, of all members."""
        return sum(at_once for _, at_once in self.members)


class Work(NamedTuple):
    """One type of session at one site."""

    type: int
    site: int
    modes: tuple[tuple[int, ...], ...]
    """Each way to have what it needs: indexes of stocks."""
    starts: tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]
    """For each day: (first slot, the modes that are open throughout)."""


class Crew(NamedTuple):
    """Examiners with the same qualifications, hours, breaks and limits."""

    members: tuple[str, ...]
    types: frozenset[str]
    free: tuple[Mask, ...]
    """For each day: within the hours, outside the breaks."""
    most_minutes: int
    most_minutes_in_all: int | None

    def may_start(self, day: int, start: int, slots: int) -> bool:
        """Are these slots free one after the other?"""
        return all(self.free[day][start : start + slots])


class Wanted(NamedTuple):
    """A row of demand or a minimum."""

    type: int
    site: int | None
    day: int | None
    seats: int
    weight: int

    def matches(self, work: Work, day: int) -> bool:
        """Would a seat of this work on this day count?"""
        return (
            self.type == work.type
            and self.site in {None, work.site}
            and (self.day is None or self.day == day)
        )


class Town(NamedTuple):
    """Everything a roster is made of."""

    days: tuple[str, ...]
    slot_minutes: int
    types: tuple[SessionType, ...]
    sites: tuple[str, ...]
    stocks: tuple[Stock, ...]
    works: tuple[Work, ...]
    crews: tuple[Crew, ...]
    travel: tuple[tuple[int | None, ...], ...]
    """Minutes between sites on the shortest way, None where there is none."""
    demand: tuple[Wanted, ...]
    minimum: tuple[Wanted, ...]

    @property
    def slots(self) -> int:
        """Slots of a day."""
        return DAY_MINUTES // self.slot_minutes

    @property
    def unit(self) -> int:
        """Minutes that every stretch of work is a multiple of."""
        ways = [minutes for row in self.travel for minutes in row if minutes]
        return gcd(*(kind.minutes for kind in self.types), *ways)

    def length(self, work: Work) -> int:
        """Slots of one session."""
        return self.types[work.type].minutes // self.slot_minutes

    def sessions_for(self, row: Wanted) -> int:
        """Whole sessions that have as many seats."""
        return -(-row.seats // self.types[row.type].seats)

    def seats(self, work: Work) -> int:
        """Seats of one session."""
        return self.types[work.type].seats


def town_of(staff: Staff) -> Town:
    """The staff on its grid."""
    types = tuple(sorted(staff.types, key=lambda one: one.id))
    sites = tuple(sorted(one.id for one in staff.sites))
    opened = {one.id: one.open for one in staff.sites}
    stocks = _stocks(staff, sites, opened)
    slots = DAY_MINUTES // staff.slot_minutes
    open_sites = [[mask_of(opened[site], day, slots) for day in staff.days] for site in sites]
    return Town(
        days=tuple(staff.days),
        slot_minutes=staff.slot_minutes,
        types=types,
        sites=sites,
        stocks=stocks,
        works=works_of(types, stocks, open_sites, staff.slot_minutes),
        crews=_crews(staff),
        travel=shortest_ways(sites, {tuple(one.between): one.minutes for one in staff.travel}),
        demand=_wanted(staff, [(*_row(one), one.weight) for one in staff.demand]),
        minimum=_wanted(staff, [(*_row(one), 1) for one in staff.minimum]),
    )


def mask_of(windows: Iterable[Window], day: str, slots: int) -> Mask:
    """Which slots of the day lie within the windows."""
    slot_minutes = DAY_MINUTES // slots
    open_slots = {
        slot
        for start, end in spans(list(windows), day)
        for slot in range(start // slot_minutes, end // slot_minutes)
    }
    return tuple(slot in open_slots for slot in range(slots))


def works_of(
    types: Sequence[SessionType],
    stocks: Sequence[Stock],
    open_sites: Sequence[Sequence[Mask]],
    slot_minutes: int,
) -> tuple[Work, ...]:
    """Each type at each site that has what it needs, with its possible starts."""
    found: list[Work] = []
    for (at, kind), site in product(enumerate(types), range(len(open_sites))):
        serving = [
            [
                index
                for index, stock in enumerate(stocks)
                if stock.kind == need and stock.site == site and kind.id in stock.types
            ]
            for need in sorted(kind.needs)
        ]
        modes = tuple(product(*serving))
        starts = tuple(
            _starts(modes, stocks, day, mask, kind.minutes // slot_minutes)
            for day, mask in enumerate(open_sites[site])
        )
        if any(starts):
            found.append(Work(at, site, modes, starts))
    return tuple(found)


def shortest_ways(
    sites: Sequence[str], ways: dict[tuple[str, ...], int]
) -> tuple[tuple[int | None, ...], ...]:
    """Minutes from each site to each, over others where that is shorter."""
    far = 10**9
    index = {site: at for at, site in enumerate(sites)}
    minutes = [[0 if a == b else far for b in range(len(sites))] for a in range(len(sites))]
    for (a, b), length in ways.items():
        minutes[index[a]][index[b]] = minutes[index[b]][index[a]] = length
    for over, a, b in product(range(len(sites)), repeat=3):
        minutes[a][b] = min(minutes[a][b], minutes[a][over] + minutes[over][b])
    return tuple(tuple(None if length >= far else length for length in row) for row in minutes)


def _starts(
    modes: tuple[tuple[int, ...], ...], stocks: Sequence[Stock], day: int, site: Mask, length: int
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    found: list[tuple[int, tuple[int, ...]]] = []
    for start in range(len(site) - length + 1):
        if not all(site[start : start + length]):
            continue
        able = tuple(
            index
            for index, mode in enumerate(modes)
            if all(all(stocks[stock].open[day][start : start + length]) for stock in mode)
        )
        if able:
            found.append((start, able))
    return tuple(found)


def _stocks(staff: Staff, sites: Sequence[str], opened: dict[str, list[Window]]) -> tuple[Stock, ...]:
    slots = DAY_MINUTES // staff.slot_minutes
    things = [(one.kind, one.site, one.types, one.hours, one.id, one.at_once) for one in staff.places] + [
        ("vehicle", one.site, one.types, one.hours, one.id, 1) for one in staff.vehicles
    ]
    grouped: dict[tuple[str, int, tuple[str, ...], tuple[Mask, ...]], list[tuple[str, int]]] = {}
    for kind, site, types, hours, name, at_once in things:
        windows = opened[site] if hours is None else hours
        masks = tuple(mask_of(windows, day, slots) for day in staff.days)
        key = (kind, sites.index(site), tuple(sorted(types)), masks)
        grouped.setdefault(key, []).append((name, at_once))
    return tuple(
        Stock(kind, site, frozenset(types), masks, tuple(sorted(members)))
        for (kind, site, types, masks), members in sorted(grouped.items())
    )


def _crews(staff: Staff) -> tuple[Crew, ...]:
    grouped: dict[tuple[tuple[str, ...], tuple[Mask, ...], int, int | None, str], list[str]] = {}
    for one in staff.examiners:
        key = (
            tuple(sorted(one.types)),
            free_of(one, staff),
            one.most_minutes,
            one.most_minutes_in_all,
            one.id if one.most_minutes_in_all is not None else "",  # a limit over days is a person's own
        )
        grouped.setdefault(key, []).append(one.id)
    crews = [
        Crew(tuple(sorted(members)), frozenset(types), free, most, in_all)
        for (types, free, most, in_all, _), members in grouped.items()
    ]
    return tuple(sorted(crews, key=lambda crew: crew.members))


def free_of(examiner: Examiner, staff: Staff) -> tuple[Mask, ...]:
    """For each day: the slots within the hours and outside the breaks."""
    slots = DAY_MINUTES // staff.slot_minutes
    return tuple(
        tuple(
            working and not resting
            for working, resting in zip(
                mask_of(examiner.hours, day, slots), mask_of(examiner.breaks, day, slots), strict=True
            )
        )
        for day in staff.days
    )


def _row(one: Demand | Minimum) -> tuple[str, str | None, str | None, int]:
    return one.type, one.site, one.day, one.seats


def _wanted(staff: Staff, rows: list[tuple[str, str | None, str | None, int, int]]) -> tuple[Wanted, ...]:
    types, sites = sorted(one.id for one in staff.types), sorted(one.id for one in staff.sites)
    ordered = sorted(rows, key=lambda row: (row[0], row[1] or "", row[2] or "", row[3], row[4]))
    return tuple(
        Wanted(
            types.index(kind),
            None if site is None else sites.index(site),
            None if day is None else staff.days.index(day),
            seats,
            weight,
        )
        for kind, site, day, seats, weight in ordered
    )
