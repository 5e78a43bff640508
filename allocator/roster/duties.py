"""Duties: what one examiner does in one day, a chain of sessions with the ways between them. Imports numpy.

`best_duty` finds the most valuable one for given values of sessions, `all_duties` lists them while they are few. Both know
every rule that concerns one examiner alone; what examiners share is in `master`.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allocator.roster.town import Crew, Town

Values = Mapping[tuple[int, int], int]
"""(work, first slot) -> value of one session; what is missing cannot be done."""
_NONE = -(2**61)
_NEVER = -(2**60)
_Table = npt.NDArray[np.int64]


class Duty(NamedTuple):
    """One examiner's day."""

    sessions: tuple[tuple[int, int], ...]
    """(work, first slot), in time."""
    minutes: int
    """At work: sessions and ways."""
    trips: int


class _Way(NamedTuple):
    """From one site to another, in slots and in units of work."""

    origin: int
    goal: int
    slots: int
    used: int


class _Shape(NamedTuple):
    """A session of a work."""

    type: int
    site: int
    slots: int
    used: int


class Ground(NamedTuple):
    """What somebody of a crew could do on a day."""

    slots: int
    sites: int
    limit: int
    """Units of work in the day."""
    unit: int
    """Minutes."""
    sessions: frozenset[tuple[int, int]]
    shapes: tuple[_Shape, ...]
    """Of each work."""
    ways: list[list[_Way]]
    """For each slot."""


def duty_of(town: Town, sessions: tuple[tuple[int, int], ...]) -> Duty:
    """The sessions with their minutes at work and trips counted."""
    sites = [town.works[work].site for work, _ in sessions]
    minutes = sum(town.types[town.works[work].type].minutes for work, _ in sessions)
    trips = 0
    for here, there in pairwise(sites):
        if here != there:
            minutes += town.travel[here][there] or 0
            trips += 1
    return Duty(sessions, minutes, trips)


def ground_of(town: Town, crew: Crew, day: int) -> Ground:
    """What stays the same however sessions are valued."""
    unit = town.unit
    sessions = possible(town, crew, day)
    ways: list[list[_Way]] = [[] for _ in range(town.slots)]
    useful = sorted({town.works[work].site for work, _ in sessions})
    first = min((start for _, start in sessions), default=0)
    last = max((start for _, start in sessions), default=0)
    for here in useful:
        for there in useful:
            minutes = town.travel[here][there]
            if here == there or minutes is None:
                continue
            slots = -(-minutes // town.slot_minutes)
            for slot in range(first, last - slots + 1):
                if crew.may_start(day, slot, slots):
                    ways[slot].append(_Way(here, there, slots, minutes // unit))
    shapes = tuple(
        _Shape(work.type, work.site, town.length(work), town.types[work.type].minutes // unit)
        for work in town.works
    )
    return Ground(
        town.slots, len(town.sites), crew.most_minutes // unit, unit, frozenset(sessions), shapes, ways
    )


def best_duty(ground: Ground, values: Values, minute: int = 0) -> tuple[int, tuple[tuple[int, int], ...]]:
    """(value, sessions) of a duty worth the most, at least 0: one may have the day off. A `minute` at work costs.

    Dynamic programming over (slot, site, minutes at work), exact in whole numbers. Among equals the choice is fixed by the
    order of steps alone.
    """
    limit, price = ground.limit, minute * ground.unit
    table = np.full((ground.slots + 1, ground.sites, limit + 1), _NONE, dtype=np.int64)
    table[0, :, 0] = 0
    steps = _steps(ground, values, price)
    for slot in range(ground.slots):
        here = table[slot]
        np.maximum(table[slot + 1], here, out=table[slot + 1])
        for (slots, used), (worths, _) in steps[slot].items():
            target = table[slot + slots, :, used:]
            np.maximum(target, here[:, : limit + 1 - used] + worths, out=target)
        for origin, goal, slots, used in ground.ways[slot]:
            if used <= limit:
                target = table[slot + slots, goal, used:]
                np.maximum(target, here[origin, : limit + 1 - used] - used * price, out=target)
    return _walk_back(table, ground, steps, price)


def all_duties(town: Town, crew: Crew, day: int, limit: int) -> list[Duty] | None:
    """Every duty there is but the empty one, or None where there are more than `limit`."""
    found: list[Duty] = []
    options = [
        (work, start, start + town.length(town.works[work]))
        for work, start in sorted(possible(town, crew, day), key=lambda one: (one[1], one[0]))
    ]
    stack: list[tuple[tuple[int, int], ...]] = [()]
    while stack:
        sessions = stack.pop()
        for work, start, _ in options:
            if sessions and not _follows(town, crew, day, sessions[-1], (work, start)):
                continue
            duty = duty_of(town, (*sessions, (work, start)))
            if duty.minutes <= crew.most_minutes:
                found.append(duty)
                stack.append(duty.sessions)
            if len(found) > limit:
                return None
    return found


def possible(town: Town, crew: Crew, day: int) -> list[tuple[int, int]]:
    """(work, first slot) of each session that somebody of the crew could hold that day."""
    return [
        (index, start)
        for index, work in enumerate(town.works)
        if town.types[work.type].id in crew.types
        for start, _ in work.starts[day]
        if crew.may_start(day, start, town.length(work))
    ]


def _follows(town: Town, crew: Crew, day: int, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Is there time for the way between them, in one piece?"""
    here, there = town.works[one[0]], town.works[other[0]]
    end, start = one[1] + town.length(here), other[1]
    way = town.travel[here.site][there.site]
    if way is None or start < end:
        return False
    slots = -(-way // town.slot_minutes)
    return any(crew.may_start(day, at, slots) for at in range(end, start - slots + 1))


_Steps = list[dict[tuple[int, int], tuple[_Table, dict[int, int]]]]
"""For each slot: (slots, units of work) -> (worth at each site, site -> work)."""


def _steps(ground: Ground, values: Values, price: int) -> _Steps:
    """The sessions, those of one length at one time side by side for all sites."""
    steps: _Steps = [{} for _ in range(ground.slots)]
    for index, start in sorted(ground.sessions):
        value = values.get((index, start))
        if value is None:
            continue
        shape = ground.shapes[index]
        if shape.used > ground.limit:
            continue
        empty = np.full((ground.sites, 1), _NEVER, dtype=np.int64)
        worths, works = steps[start].setdefault((shape.slots, shape.used), (empty, {}))
        worth = value - price * shape.used
        if shape.site not in works or worth > worths[shape.site, 0]:
            worths[shape.site, 0] = worth
            works[shape.site] = index
    return steps


def _walk_back(
    table: _Table, ground: Ground, steps: _Steps, price: int
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The sessions that make the best value: from the end, the first step that explains each value."""
    slot = ground.slots
    site, used = divmod(int(table[slot].argmax()), ground.limit + 1)
    best = int(table[slot, site, used])
    lengths = sorted({(shape.slots, shape.used) for shape in ground.shapes})
    arriving: dict[tuple[int, int], list[tuple[int, _Way]]] = {}
    for at, ways in enumerate(ground.ways):
        for way in ways:
            arriving.setdefault((at + way.slots, way.goal), []).append((at, way))
    sessions: list[tuple[int, int]] = []
    while slot:
        value = table[slot, site, used]
        if table[slot - 1, site, used] == value:
            slot -= 1
            continue
        for slots, spent in lengths:
            found = steps[slot - slots].get((slots, spent)) if slot >= slots and used >= spent else None
            if (
                found
                and site in found[1]
                and table[slot - slots, site, used - spent] + found[0][site, 0] == value
            ):
                sessions.append((found[1][site], slot - slots))
                slot, used = slot - slots, used - spent
                break
        else:
            slot, site, used = next(
                (at, way.origin, used - way.used)
                for at, way in arriving[slot, site]
                if way.used <= used and table[at, way.origin, used - way.used] - way.used * price == value
            )
    return best, tuple(reversed(sessions))
