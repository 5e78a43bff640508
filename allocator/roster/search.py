"""Finds a roster: every duty where they are few, else columns, a dive, and rounds of repair. Loads OR-Tools.

1. Few duties: all of them go to CP-SAT, and its optimum is the roster's.
2. Many: duties are generated until prices prove a bound; a dive fixes them one by one; then each round frees a few
   examiners, generates duties for what they leave, and keeps what is better.
The same input gives the same duties: nothing here looks at a clock but for `seconds`, which only ends the search.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from allocator.roster.duties import all_duties
from allocator.roster.meeting import meet, weight_of
from allocator.roster.program import (
    SCALE,
    Goal,
    Placed,
    Program,
    Rest,
    bound_of,
    fix,
    program_of,
    put,
    whole,
)
from allocator.roster.relaxed import Pool, Relaxed, generate
from allocator.roster.rounding import choose
from allocator.roster.town import Town

EVERY_DUTY_LIMIT = 12_000
EVERY_SESSION_LIMIT = 60
"""Somebody with more to choose from has more duties than that anyway."""
EXACT_WORK = 60.0
ROUND_WORK = 1.0
"""CP-SAT's deterministic time for a round of repair."""
FREED = 8
"""Examiners whose day is found anew in a round, half of them all where they are few."""
FEW = 4
"""So few freed examiners are also offered duties that no relaxation asks for."""
SHAKES = 8
DIVE_ROUNDS = 4
ALMOST = 0.8
"""A duty with so much of an examiner is fixed with the others like it."""

Chosen = Sequence[Placed]
Worth = tuple[int, int, int, int]
"""(sessions short of minimums, below zero; weighted seats met; trips, below zero; sessions, below zero): more is better."""


class Limits(NamedTuple):
    """How long to search: rounds of repair, and a way to ask the clock whether time is left."""

    rounds: int
    seconds_left: Callable[[], float]


class Progress(NamedTuple):
    """How far the search is."""

    stage: str
    best: int | None
    bound: int | None


Tell = Callable[[Progress], None]


class Found(NamedTuple):
    """The best roster found, as duties of crews."""

    chosen: tuple[Placed, ...]
    worth: Worth
    bound: int
    """Weighted seats that no roster with these rules can pass."""
    bound_by: str
    """`prices`: proved without a solver. `solver`: CP-SAT's word."""
    short_proved: str | None
    """Why no roster keeps all minimums (`prices` or `solver`), None where that is not proved."""
    stopped: str | None
    """`seconds` where the clock ended it: another run may find another roster."""


def find(town: Town, limits: Limits, tell: Tell) -> Found:
    """The best roster within the limits.

    Raises:
        SolverWrong: the solver said what cannot be.
    """
    program = program_of(town)
    every = every_duty(program)
    return _find_exactly(program, every, limits, tell) if every is not None else _find(program, limits, tell)


def worth_of_duties(program: Program, chosen: Chosen) -> Worth:
    """What duties come to, counted without a solver."""
    town = program.town
    supply: dict[tuple[int, int], int] = {}
    for one in chosen:
        for work, _ in one.duty.sessions:
            supply[work, one.day] = supply.get((work, one.day), 0) + town.seats(town.works[work])
    short = sum(
        max(
            0,
            town.sessions_for(row)
            - sum(
                sum(row.matches(town.works[work], one.day) for work, _ in one.duty.sessions) for one in chosen
            ),
        )
        for row in town.minimum
    )
    return (
        -short,
        weight_of(town, meet(town, supply)),
        -sum(one.duty.trips for one in chosen),
        -sum(len(one.duty.sessions) for one in chosen),
    )


def every_duty(program: Program) -> Pool | None:
    """Each duty of each crew and day, None where there are more than EVERY_DUTY_LIMIT."""
    town = program.town
    pool: Pool = {}
    if any(len(ground.sessions) > EVERY_SESSION_LIMIT for ground in program.grounds.values()):
        return None
    for crew, found in enumerate(town.crews):
        for day in range(len(town.days)):
            duties = all_duties(town, found, day, EVERY_DUTY_LIMIT - len(pool))
            if duties is None:
                return None
            pool |= {(crew, day, duty.sessions): duty for duty in duties}
    return pool


def _find_exactly(program: Program, pool: Pool, limits: Limits, tell: Tell) -> Found:
    tell(Progress("every duty weighed", None, None))
    proved, short_proved = _proved(program, dict(pool), tell)
    rounded = choose(
        program, whole(program), pool, (), work=EXACT_WORK, seconds=max(1.0, limits.seconds_left())
    )
    worth = worth_of_duties(program, rounded.chosen)
    bound = min(proved, rounded.bound)
    if short_proved is None and rounded.short:
        short_proved = "solver"
    return Found(
        tuple(rounded.chosen),
        worth,
        bound,
        "prices" if bound == proved else "solver",
        short_proved,
        None if limits.seconds_left() > 0 else "seconds",
    )


def _proved(program: Program, pool: Pool, tell: Tell) -> tuple[int, str | None]:
    """(weighted seats that prices allow, `prices` if they prove a minimum out of reach)."""
    root, _ = generate(program, "met", pool, go_on=lambda _, __: True)
    tell(Progress("bound", None, root.bound // SCALE))
    return root.bound // SCALE, _short_proved(program, pool)


def _short_proved(program: Program, pool: Pool) -> str | None:
    if not program.town.minimum:
        return None
    root, _ = generate(program, "short", pool, go_on=lambda value, bound: bound >= 0 and value < -0.000_001)
    return "prices" if root.bound < 0 else None


def _find(program: Program, limits: Limits, tell: Tell) -> Found:
    pool: Pool = {}
    short_proved = _short_proved(program, pool)

    def go_on(value: float, bound: int) -> bool:
        tell(Progress(f"{len(pool)} duties, relaxed {value:.0f}", None, bound // SCALE))
        return limits.seconds_left() > 0

    root, _ = generate(program, "met", pool, go_on=go_on)
    bound = root.bound // SCALE
    best, worth = _dive(program, whole(program), pool, "met", limits)
    tell(Progress("dive", worth[1], bound))
    best, worth = _repair(program, best, pool, bound=bound, limits=limits, tell=tell)
    stopped = None if limits.seconds_left() > 0 else "seconds"
    return Found(tuple(best), worth, bound, "prices", short_proved, stopped)


def _dive(program: Program, rest: Rest, pool: Pool, goal: Goal, limits: Limits) -> tuple[Chosen, Worth]:
    """Fixes the duties the relaxation wants most, generating more between."""
    relaxed = Relaxed(program, goal, rest, pool)
    while any(rest.left.values()):
        relaxed.solve()
        for _ in range(DIVE_ROUNDS):
            if limits.seconds_left() <= 0:
                break
            if not relaxed.add(bound_of(program, goal, relaxed.prices(), rest).duties):
                break
            relaxed.solve()
        shares = [(share, key) for share, key in relaxed.shares() if rest.left[key[0], key[1]]]
        wanted = [key for share, key in shares if share >= ALMOST] or [key for _, key in shares[:1]]
        if not wanted:
            break
        for key in wanted:
            fix(program, rest, key[0], key[1], pool[key])
        relaxed.restrict()
    return rest.chosen, worth_of_duties(program, rest.chosen)


def _repair(
    program: Program, best: Chosen, pool: Pool, *, bound: int, limits: Limits, tell: Tell
) -> tuple[Chosen, Worth]:
    """Frees a few examiners at a time and finds them better duties."""
    worth = worth_of_duties(program, best)
    slots = sorted((crew, day) for (crew, day), n in whole(program).left.items() for _ in range(n))
    for number in range(limits.rounds):
        if (worth[0] == 0 and worth[1] >= bound) or limits.seconds_left() <= 0:
            break
        freed = _freed(slots, number)
        other, other_worth = _reseat(program, best, freed, pool, limits)
        if other_worth > worth:
            best, worth = other, other_worth
        tell(Progress(f"round {number + 1} of {limits.rounds}", worth[1], bound))
    return best, worth


def _freed(slots: list[tuple[int, int]], number: int) -> list[tuple[int, int]]:
    """A few examiners' days, other ones each round: every `stride`-th from an offset, the stride a different one each time."""
    count = len(slots)
    freed_count = min(FREED, -(-count // 2))
    if count <= 2 or (number % 10 == 9 and count <= FREED):
        return slots
    stride = 1 + (number * 7) % (count - 1)
    freed = list(dict.fromkeys((number * 5 + at * stride) % count for at in range(freed_count)))
    extra = [at for at in range(count) if at not in freed]
    return [slots[at] for at in sorted((freed + extra)[:freed_count])]


def _reseat(
    program: Program, best: Chosen, freed: list[tuple[int, int]], pool: Pool, limits: Limits
) -> tuple[Chosen, Worth]:
    """Another roster: the freed ones anew around what stays, first by a dive, then by CP-SAT over what the dive found."""
    leaving = list(freed)
    staying: list[Placed] = []
    taken: list[Placed] = []
    for one in best:
        if (one.crew, one.day) in leaving:
            leaving.remove((one.crew, one.day))
            taken.append(one)
        else:
            staying.append(one)
    rest, dived = _without(program, staying, freed), _without(program, staying, freed)
    near: Pool = {(one.crew, one.day, one.duty.sessions): one.duty for one in taken}
    near |= {key: duty for key, duty in pool.items() if rest.left[key[0], key[1]]}
    if len(freed) <= FEW:
        near |= _shaken(program, rest, len(pool))
    before = len(rest.chosen)
    chosen, worth = _dive(program, dived, near, "met", limits)
    hint = chosen[before:] if worth > worth_of_duties(program, best) else taken
    fitting = {key: duty for key, duty in near.items() if rest.left[key[0], key[1]]}
    rounded = choose(program, rest, fitting, hint, work=ROUND_WORK, seconds=max(0.1, limits.seconds_left()))
    pool |= near if len(freed) <= FEW else {}
    pool |= {(one.crew, one.day, one.duty.sessions): one.duty for one in rounded.chosen}
    other = (*staying, *rounded.chosen)
    return max(((other, worth_of_duties(program, other)), (chosen, worth)), key=lambda pair: pair[1])


def _shaken(program: Program, rest: Rest, number: int) -> Pool:
    """Duties that prices made up call for: the relaxation of a few examiners is content with halves of duties.

    The made-up prices are a counter's digits, other ones for each number.
    """
    found: Pool = {}
    for shake in range(SHAKES):
        prices = {
            row: SCALE * (1 + (at * 7_919 + (number * SHAKES + shake) * 104_729) % 97)
            for at, row in enumerate(program.bounds)
            if row[0] in {"supply", "minimum"}
        }
        priced = bound_of(program, "met", prices, rest)
        found |= {(crew, day, duty.sessions): duty for crew, day, duty in priced.duties}
    return found


def _without(program: Program, staying: Chosen, freed: list[tuple[int, int]]) -> Rest:
    """What is left when these stay; whoever has no duty and is not freed has the day off."""
    rest = whole(program)
    for one in staying:
        put(program, rest, one)
    for key in rest.left:
        rest.left[key] = freed.count(key)
    return rest
