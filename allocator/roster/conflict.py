"""Which rules together make the minimums impossible: a smallest set that can be found cheaply. Loads OR-Tools.

Each rule can be lifted from the staff (lanes without number, a site open all day, ...). A set of rules is in conflict when the
staff with only these rules has no roster that keeps the minimums among them. Rules are taken out one by one while the rest
stays in conflict: what is left is in conflict and, where each question was answered, none of its proper subsets is.
"""

from collections.abc import Callable, Collection
from itertools import combinations
from typing import Any, Literal, NamedTuple

import msgspec

from allocator.roster.program import program_of, whole
from allocator.roster.relaxed import Pool, generate
from allocator.roster.rounding import choose
from allocator.roster.rule import Rule
from allocator.roster.search import Limits, every_duty, find
from allocator.roster.staff import Examiner, Minimum, Place, SessionType, Staff, Travel, Vehicle, Window
from allocator.roster.town import town_of

ALL_DAY = [Window("00:00", "24:00")]
EXACT_WORK = 20.0
ATTAIN_ROUNDS = 10
NO_CLOCK_S = 1e6
"""Work alone limits these questions, so that the answers are the same again."""
_KINDS: tuple[Literal["room", "lane"], ...] = ("room", "lane")
_PLENTY = "\x00plenty"
"""An id that no input has."""


class Conflict(NamedTuple):
    """Rules that cannot be kept together."""

    rules: tuple[Rule, ...]
    proved_by: str
    """`prices`: without a solver. `solver`: CP-SAT's word."""
    minimal: bool
    """Every proper subset was shown to have a roster."""


def rules_of(staff: Staff) -> list[Rule]:
    """Every rule that could stand in the way of a minimum, those first that are best kept out of a conflict."""
    types = {row.type for row in staff.minimum}
    needs = {need for kind in staff.types if kind.id in types for need in kind.needs}
    named = [row.site for row in staff.minimum if row.site is not None]
    sites = sorted(set(named) if len(named) == len(staff.minimum) else {one.id for one in staff.sites})
    rules = [Rule("staff"), Rule("travel"), Rule("breaks"), Rule("most"), Rule("hours")]
    rules += [Rule("qualified", kind) for kind in sorted(types)]
    rules += [Rule(need, site) for need in sorted(needs) for site in sites]
    rules += [Rule("open", site) for site in sites]
    return rules + [Rule("minimum", str(at)) for at in range(len(staff.minimum))]


def conflict_of(staff: Staff, told: Callable[[str], None] = lambda _: None) -> Conflict | None:
    """The conflict of a staff's minimums, None where none is proved.

    Three orders of taking rules out are tried, and the smallest set of the three is kept.
    """
    asked: dict[frozenset[Rule], str | None] = {}

    def ask(rules: Collection[Rule]) -> str | None:
        key = frozenset(rules)
        known = [other for other, answer in asked.items() if answer is not None and other <= key]
        if known:
            return asked[min(known, key=len)]
        if any(answer is None and key <= other for other, answer in asked.items()):
            return None
        told(f"conflict: {len(asked) + 1} sets of rules tried")
        asked[key] = impossible(with_only(staff, key))
        return asked[key]

    rules = rules_of(staff)
    if not ask(rules):
        return None
    orders = [
        rules,
        [*rules[::-1]],
        sorted(rules, key=lambda rule: (rule.kind != "minimum", rule.kind == "staff")),
    ]
    kept = min((_shrunk(rules, order, ask) for order in orders), key=len)
    minimal = all(attainable(with_only(staff, set(kept) - {rule})) for rule in kept)
    return Conflict(tuple(kept), impossible(with_only(staff, kept)) or "", minimal)


def _shrunk(
    rules: list[Rule], order: list[Rule], ask: Callable[[Collection[Rule]], str | None]
) -> list[Rule]:
    kept = list(rules)
    for rule in order:
        fewer = [one for one in kept if one != rule]
        if fewer and ask(fewer):
            kept = fewer
    return kept


def with_only(staff: Staff, rules: Collection[Rule]) -> Staff:
    """The staff with every rule lifted but these. What no minimum asks for is left out."""
    rows = [row for at, row in enumerate(staff.minimum) if Rule("minimum", str(at)) in rules]
    types = {row.type for row in rows}
    kinds = [kind for kind in staff.types if kind.id in types] or staff.types[:1]
    ids = [kind.id for kind in kinds]
    wanted = 1 + sum(row.seats for row in rows)
    sites = [
        one if Rule("open", one.id) in rules else msgspec.structs.replace(one, open=ALL_DAY)
        for one in staff.sites
    ]
    places, vehicles = list(staff.places), list(staff.vehicles)
    places += [
        Place(f"{_PLENTY} {kind} {site.id}", site.id, kind, ids, wanted, ALL_DAY)
        for site in staff.sites
        for kind in _KINDS
        if Rule(kind, site.id) not in rules
    ]
    vehicles += [
        Vehicle(f"{_PLENTY} {n} {site.id}", site.id, ids, ALL_DAY)
        for site in staff.sites
        if Rule("vehicle", site.id) not in rules
        for n in range(_sessions(rows, kinds))
    ]
    travel = staff.travel
    if Rule("travel") not in rules:
        names = sorted(one.id for one in staff.sites)
        travel = [Travel(list(pair), 1) for pair in combinations(names, 2)]
    return msgspec.structs.replace(
        staff,
        types=kinds,
        sites=sites,
        places=[msgspec.structs.replace(one, types=[t for t in one.types if t in ids]) for one in places],
        vehicles=[msgspec.structs.replace(one, types=[t for t in one.types if t in ids]) for one in vehicles],
        examiners=_examiners(staff, rules, ids, _sessions(rows, kinds)),
        travel=travel,
        demand=[],
        minimum=rows,
    )


def impossible(staff: Staff) -> str | None:
    """How it is proved that no roster keeps the minimums, None where it is not proved."""
    program = program_of(town_of(staff))
    if not staff.minimum:
        return None
    pool: Pool = {}
    root, _ = generate(program, "short", pool, go_on=lambda value, bound: bound >= 0 and value < -0.000_001)
    if root.bound < 0:
        return "prices"
    every = every_duty(program)
    if every is None:
        return None
    rounded = choose(program, whole(program), every, (), work=EXACT_WORK, seconds=NO_CLOCK_S)
    return "solver" if rounded.short else None


def attainable(staff: Staff) -> bool:
    """Is there a roster that keeps the minimums? True where one was found."""
    town = town_of(staff)
    pool: Pool = {}
    program = program_of(town)
    generate(program, "short", pool, go_on=lambda _, __: True)
    if choose(program, whole(program), pool, (), work=EXACT_WORK, seconds=NO_CLOCK_S).short == 0:
        return True
    return find(town, Limits(ATTAIN_ROUNDS, lambda: NO_CLOCK_S), lambda _: None).worth[0] == 0


def _sessions(rows: list[Minimum], kinds: list[SessionType]) -> int:
    seats = {kind.id: kind.seats for kind in kinds}
    return sum(-(-row.seats // seats[row.type]) for row in rows)


def _examiners(staff: Staff, rules: Collection[Rule], ids: list[str], sessions: int) -> list[Examiner]:
    lifted: dict[str, dict[str, Any]] = {
        "hours": {"hours": ALL_DAY},
        "breaks": {"breaks": []},
        "most": {"most_minutes": 1440, "most_minutes_in_all": None},
    }
    changes = {
        name: value
        for rule, found in lifted.items()
        if Rule(rule) not in rules
        for name, value in found.items()
    }
    examiners = [
        msgspec.structs.replace(
            one,
            types=[kind for kind in ids if kind in one.types or Rule("qualified", kind) not in rules],
            **changes,
        )
        for one in staff.examiners
    ]
    if Rule("staff") not in rules:
        examiners += [Examiner(f"{_PLENTY} {n}", ids, ALL_DAY) for n in range(sessions)]
    return examiners
