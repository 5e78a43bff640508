"""Why no further session fits where demand is left: counted over every start, on the finished roster, without a solver.

May import outcome, program, town.
"""

from collections import Counter

from allocator.roster.outcome import Met, Unmet
from allocator.roster.program import Placed
from allocator.roster.town import Town

_KINDS = ("room", "lane", "vehicle")
_TIRED = "the qualified examiners who are there have no minutes left, or are examining or on their way"
_AT_WORK = "the qualified examiners who are there are examining or on their way"
_OFF = "every qualified examiner is off or has a break"


def unmet_of(town: Town, chosen: tuple[Placed, ...], rows: list[Met]) -> list[Unmet]:
    """Rows of demand that are not met in full, with what is in the way."""
    return [
        Unmet(row.type, row.seats - row.met, _reasons(town, chosen, row), row.site, row.day)
        for row in rows
        if row.met < row.seats
    ]


def _reasons(town: Town, chosen: tuple[Placed, ...], row: Met) -> list[str]:
    works = [
        (index, day)
        for index, work in enumerate(town.works)
        for day in range(len(town.days))
        if town.types[work.type].id == row.type
        and row.site in {None, town.sites[work.site]}
        and row.day in {None, town.days[day]}
        and work.starts[day]
    ]
    where = (f" at {row.site}" if row.site else "") + (f" on {row.day}" if row.day else "")
    if not works:
        return [f"{row.type} cannot be held{where}: nothing it needs is there while the site is open"]
    if not any(row.type in crew.types for crew in town.crews):
        return [f"no examiner may examine {row.type}"]
    blocked = Counter[str]()
    starts = 0
    for index, day in works:
        used = _used(town, chosen, day)
        for start, able in town.works[index].starts[day]:
            starts += 1
            blocked[_blocking(town, chosen, (index, day, start), able, used)] += 1
    return [
        f"of {starts} possible starts of one more session, at {count} {what}"
        for what, count in sorted(blocked.items(), key=lambda one: (-one[1], one[0]))
    ]


def _blocking(
    town: Town,
    chosen: tuple[Placed, ...],
    at: tuple[int, int, int],
    able: tuple[int, ...],
    used: Counter[tuple[int, int]],
) -> str:
    """The first thing that is not free for one more session."""
    index, _, start = at
    slots = range(start, start + town.length(town.works[index]))
    full = set[str]()
    for mode in able:
        taken = {
            town.stocks[stock].kind
            for stock in town.works[index].modes[mode]
            if any(used[stock, slot] >= town.stocks[stock].units for slot in slots)
        }
        if not taken:
            return _examiners(town, chosen, at)
        full |= taken
    what = next(kind for kind in _KINDS if kind in full)
    return f"every {what} that serves it is taken"


def _examiners(town: Town, chosen: tuple[Placed, ...], at: tuple[int, int, int]) -> str:
    index, day, start = at
    kind = town.types[town.works[index].type]
    slots = town.length(town.works[index])
    found = set[str]()
    for number, crew in enumerate(town.crews):
        if kind.id not in crew.types or not crew.may_start(day, start, slots):
            continue
        for one in chosen:
            if (one.crew, one.day) == (number, day):
                tired = one.duty.minutes + kind.minutes > crew.most_minutes
                found.add(_TIRED if tired else _AT_WORK)
    return _TIRED if _TIRED in found else _AT_WORK if found else _OFF


def _used(town: Town, chosen: tuple[Placed, ...], day: int) -> Counter[tuple[int, int]]:
    """(stock, slot) -> how many of it are taken."""
    used = Counter[tuple[int, int]]()
    for one in chosen:
        if one.day != day:
            continue
        for (work, start), way in zip(one.duty.sessions, one.ways, strict=True):
            able = dict(town.works[work].starts[day])[start]
            for stock in town.works[work].modes[able[way]]:
                for slot in range(start, start + town.length(town.works[work])):
                    used[stock, slot] += 1
    return used
