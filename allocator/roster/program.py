"""What examiners share, as one linear program over duties: rows of the form "sum of uses <= bound", in whole numbers.

Columns are duties (added as they are found) and a few fixed ones: seats that meet a demand, the choice among several ways
to have what a session needs, and seats short of a minimum. `bound_of` turns any prices of the rows into a proof: no roster
is worth more. It needs no solver, so no solver has to be believed. May import town and duties.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from allocator.roster.duties import Duty, Ground, best_duty, duty_of, ground_of
from allocator.roster.town import Town, Work

Row = tuple[str | int, ...]
Entries = tuple[tuple[Row, int], ...]
Goal = Literal["short", "met"]
"""`short`: as few sessions below the minimums as can be. `met`: the most weighted seats of demand, minimums kept."""
SCALE = 2**20
"""Prices are whole numbers of this part of one weighted seat."""
Prices = Mapping[Row, int]


class Fixed(NamedTuple):
    """A column that is no duty."""

    name: Row
    worth: int
    """In the goal `met`."""
    most: int
    entries: Entries


class Program(NamedTuple):
    """Rows with their bounds, fixed columns, and what a session uses."""

    town: Town
    bounds: dict[Row, int]
    fixed: tuple[Fixed, ...]
    sessions: tuple[dict[tuple[int, int], Entries], ...]
    """For each day: (work, first slot) -> rows used."""
    grounds: dict[tuple[int, int], Ground]
    """(crew, day) -> what it could do."""
    ways: dict[Row, tuple[tuple[Row, ...], ...]]
    """The rows that each of several ways of a session takes."""
    penalty: int
    """A session short of a minimum weighs as much in the search: more than all demand."""


class Placed(NamedTuple):
    """A duty that somebody of a crew has, with the way each of its sessions gets what it needs."""

    crew: int
    day: int
    duty: Duty
    ways: tuple[int, ...]
    """Indexes into the modes that are open at the session's start."""


class Rest(NamedTuple):
    """What is left when some duties are fixed. The dictionaries are its owner's."""

    bounds: dict[Row, int]
    left: dict[tuple[int, int], int]
    """(crew, day) -> examiners without a duty that day."""
    chosen: list[Placed]
    """One for each examiner and day that has a duty."""


class Priced(NamedTuple):
    """What prices prove, and the duties they call for."""

    bound: int
    """No roster's goal is above it, in 1 / SCALE."""
    duties: tuple[tuple[int, int, Duty], ...]
    """(crew, day, duty) of the most value."""


def program_of(town: Town) -> Program:
    """The rows that a town's rosters keep."""
    bounds = _own_bounds(town)
    fixed = [
        Fixed(("short", at), 0, town.sessions_for(row), ((("minimum", at), -1),))
        for at, row in enumerate(town.minimum)
    ]
    fixed += _meeting(town, bounds)
    sessions: list[dict[tuple[int, int], Entries]] = []
    grounds: dict[tuple[int, int], Ground] = {}
    for day in range(len(town.days)):
        grounds |= {(at, day): ground_of(town, crew, day) for at, crew in enumerate(town.crews)}
        wanted = {one for at in range(len(town.crews)) for one in grounds[at, day].sessions}
        sessions.append({})
        for one in sorted(wanted):
            sessions[day][one], columns = _session(town, day, *one)
            fixed += columns
    uses = [column.entries for column in fixed] + [used for found in sessions for used in found.values()]
    for row in dict.fromkeys(row for used in uses for row, _ in used if row not in bounds):
        bounds[row] = town.stocks[int(row[1])].units if row[0] == "stock" else 0
    penalty = 1 + sum(row.weight * row.seats for row in town.demand)
    return Program(town, bounds, tuple(fixed), tuple(sessions), grounds, _ways(fixed), penalty)


def _own_bounds(town: Town) -> dict[Row, int]:
    """The rows of examiners, demand and minimums."""
    bounds: dict[Row, int] = {}
    for index, crew in enumerate(town.crews):
        bounds |= {("crew", index, day): len(crew.members) for day in range(len(town.days))}
        if crew.most_minutes_in_all is not None:
            bounds["in all", index] = crew.most_minutes_in_all
    for at, row in enumerate(town.demand):
        bounds["demand", at] = row.seats
        seats = town.types[row.type].seats
        if row.seats % seats:
            bounds["last", at] = (seats - row.seats % seats) * (row.seats // seats)
    return bounds | {("minimum", at): -town.sessions_for(row) for at, row in enumerate(town.minimum)}


def _ways(fixed: list[Fixed]) -> dict[Row, tuple[tuple[Row, ...], ...]]:
    ways: dict[Row, tuple[tuple[Row, ...], ...]] = {}
    for column in fixed:
        if column.name[0] == "mode":
            link = column.entries[0][0]
            ways[link] = (*ways.get(link, ()), tuple(row for row, _ in column.entries if row != link))
    return ways


def entries_of(program: Program, crew: int, day: int, duty: Duty) -> Entries:
    """The rows a duty uses."""
    used: dict[Row, int] = {("crew", crew, day): 1}
    if ("in all", crew) in program.bounds:
        used["in all", crew] = duty.minutes
    for one in duty.sessions:
        for row, amount in program.sessions[day][one]:
            used[row] = used.get(row, 0) + amount
    return tuple(used.items())


def worth_of(column: Fixed, goal: Goal) -> int:
    """What one of a fixed column adds to the goal."""
    if goal == "met":
        return column.worth
    return -1 if column.name[0] == "short" else 0


def most_of(column: Fixed, goal: Goal) -> int:
    """How many of a fixed column there may be: nothing is short of a minimum while demand is met."""
    return 0 if goal == "met" and column.name[0] == "short" else column.most


def whole(program: Program) -> Rest:
    """Nothing fixed yet."""
    days = range(len(program.town.days))
    left = {(at, day): len(crew.members) for at, crew in enumerate(program.town.crews) for day in days}
    return Rest(dict(program.bounds), left, [])


def fits(
    program: Program, rest: Rest, crew: int, day: int, duty: Duty
) -> tuple[dict[Row, int], tuple[int, ...]] | None:
    """(what a duty takes of the rest, its ways, those with the most room); None where it is not there."""
    taken: dict[Row, int] = {}
    for row, amount in entries_of(program, crew, day, duty):
        if row[0] != "way":
            taken[row] = taken.get(row, 0) + amount
    if any(amount > max(0, rest.bounds[row]) for row, amount in taken.items() if amount > 0):
        return None
    ways: list[int] = []
    for work, start in duty.sessions:
        able = program.ways.get(("way", work, day, start))
        if able is None:
            ways.append(0)
            continue
        room = [min(rest.bounds[row] - taken.get(row, 0) for row in way) for way in able]
        best = max(range(len(able)), key=lambda at: (room[at], -at))
        if room[best] < 1:
            return None
        ways.append(best)
        for row in able[best]:
            taken[row] = taken.get(row, 0) + 1
    return taken, tuple(ways)


def fix(program: Program, rest: Rest, crew: int, day: int, duty: Duty) -> bool:
    """Takes a duty out of the rest; False, and nothing taken, where it does not fit."""
    found = fits(program, rest, crew, day, duty)
    if found is None or not rest.left[crew, day]:
        return False
    _take(rest, Placed(crew, day, duty, found[1]), found[0])
    return True


def put(program: Program, rest: Rest, placed: Placed) -> None:
    """Takes a duty out of the rest with the ways it has; it is known to fit."""
    taken: dict[Row, int] = {}
    for row, amount in entries_of(program, placed.crew, placed.day, placed.duty):
        if row[0] != "way":
            taken[row] = taken.get(row, 0) + amount
    for (work, start), way in zip(placed.duty.sessions, placed.ways, strict=True):
        for row in program.ways.get(("way", work, placed.day, start), [()] * (way + 1))[way]:
            taken[row] = taken.get(row, 0) + 1
    _take(rest, placed, taken)


def _take(rest: Rest, placed: Placed, taken: dict[Row, int]) -> None:
    for row, amount in taken.items():
        rest.bounds[row] -= amount
    rest.left[placed.crew, placed.day] -= 1
    rest.chosen.append(placed)


def room_for(program: Program, rest: Rest, day: int, one: tuple[int, int]) -> bool:
    """Is there a way for one more session?"""
    link: Row = ("way", one[0], day, one[1])
    own = all(rest.bounds[row] >= amount for row, amount in program.sessions[day][one] if row[0] == "stock")
    ways = program.ways.get(link, ((),))
    return own and any(all(rest.bounds[row] >= 1 for row in way) for way in ways)


def bound_of(program: Program, goal: Goal, prices: Prices, rest: Rest) -> Priced:
    """What these prices prove, by weak duality: any prices >= 0 do, good ones prove more.

    Every use of a row is paid for, so no roster is worth more than all rows at full use, plus what the best duty of each
    examiner and the best number of each fixed column are worth above their price. All in whole numbers.
    """
    town = program.town
    bound = sum(prices.get(row, 0) * most for row, most in rest.bounds.items())
    for column in program.fixed:
        paid = sum(prices.get(row, 0) * amount for row, amount in column.entries)
        bound += most_of(column, goal) * max(0, SCALE * worth_of(column, goal) - paid)
    duties: list[tuple[int, int, Duty]] = []
    for day in range(len(town.days)):
        if not any(left for (_, of), left in rest.left.items() if of == day):
            continue
        values = {
            one: -sum(prices.get(row, 0) * amount for row, amount in entries)
            for one, entries in program.sessions[day].items()
            if not rest.chosen or room_for(program, rest, day, one)
        }
        for index in range(len(town.crews)):
            if not rest.left[index, day]:
                continue
            minute = prices.get(("in all", index), 0)
            value, sessions = best_duty(program.grounds[index, day], values, minute)
            above = value - prices.get(("crew", index, day), 0)
            bound += rest.left[index, day] * max(0, above)
            if sessions and above > 0:
                duties.append((index, day, duty_of(town, sessions)))
    return Priced(bound, tuple(duties))


def _meeting(town: Town, bounds: dict[Row, int]) -> list[Fixed]:
    """Seats of a work on a day that meet a row of demand, each seat one row."""
    columns: list[Fixed] = []
    for at, row in enumerate(town.demand):
        for index, work in enumerate(town.works):
            for day in range(len(town.days)):
                if row.matches(work, day) and work.starts[day]:
                    bounds["supply", index, day] = 0
                    entries: Entries = ((("supply", index, day), 1), (("demand", at), 1))
                    if ("last", at) in bounds:
                        entries = (*entries, (("last", at), 1))
                    columns.append(Fixed(("meets", at, index, day), row.weight, row.seats, entries))
    return columns


def _session(town: Town, day: int, index: int, start: int) -> tuple[Entries, list[Fixed]]:
    """(the rows one session uses, a column for each way to have what it needs where there are several)."""
    work = town.works[index]
    able = dict(work.starts[day])[start]
    used: list[tuple[Row, int]] = []
    if any(row.matches(work, day) for row in town.demand):
        used.append((("supply", index, day), -town.seats(work)))
    used += [(("last", at), -last) for at, last in _last_ones(town, work, day)]
    used += [(("minimum", at), -1) for at, row in enumerate(town.minimum) if row.matches(work, day)]
    if len(able) == 1:
        return (*used, *_taken(town, day, index, start, able[0])), []
    link: Row = ("way", index, day, start)
    ways = [
        Fixed(
            ("mode", index, day, start, mode),
            0,
            min(town.stocks[stock].units for stock in work.modes[mode]),
            ((link, -1), *_taken(town, day, index, start, mode)),
        )
        for mode in able
    ]
    return (*used, (link, 1)), ways


def _last_ones(town: Town, work: Work, day: int) -> list[tuple[int, int]]:
    """(row of demand, seats that its last session meets) where that is not a whole session.

    n sessions of s seats meet at most D seats, q = D // s of them whole and r = D % s in the last one; as n is whole, what
    is met is at most q s + r (n - q). Without this row the relaxation would buy an r / s of a session.
    """
    seats = town.seats(work)
    return [
        (at, row.seats % seats)
        for at, row in enumerate(town.demand)
        if row.matches(work, day) and row.seats % seats
    ]


def _taken(town: Town, day: int, index: int, start: int, mode: int) -> Entries:
    work = town.works[index]
    return tuple(
        (("stock", stock, day, slot), 1)
        for stock in work.modes[mode]
        for slot in range(start, start + town.length(work))
    )
