"""Whole duties out of a pool. Loads OR-Tools (CP-SAT): one worker, a fixed seed, deterministic time.

The model always has a solution, as a session short of a minimum costs and forbids nothing: the empty roster. So an answer
"infeasible" is the solver's mistake and is never passed on.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from ortools.sat.python import cp_model

from allocator.roster.duties import Duty
from allocator.roster.program import Placed, Program, Rest, Row, entries_of
from allocator.roster.relaxed import Key, Pool

SEED = 20_261_201
WORTH_LIMIT = 2**52
"""What the solver and its bound, a double, hold exactly."""


_Terms = list[tuple[cp_model.IntVar, int]]
_Uses = dict[Row, _Terms]


class SolverWrong(RuntimeError):
    """The solver said what cannot be."""


class Rounded(NamedTuple):
    """The duties chosen."""

    chosen: list[Placed]
    bound: int
    """No choice out of this pool meets more weighted seats, short of no minimum, says the solver."""
    short: int
    """Sessions below the minimums that no choice avoids, says the solver."""
    optimal: bool


def choose(
    program: Program,
    rest: Rest,
    pool: Pool,
    hint: Sequence[Placed],
    *,
    work: float,
    seconds: float,
) -> Rounded:
    """The best choice of duties for what is left: fewest sessions short, most met, fewest trips, fewest sessions.

    The four are one whole number, each weighing more than all that come after it together. `work` is CP-SAT's
    deterministic time, `seconds` the clock's.
    """
    model = cp_model.CpModel()
    uses: _Uses = {row: [] for row in rest.bounds}
    duties = {key: model.new_int_var(0, rest.left[key[0], key[1]], "") for key in sorted(pool)}
    counts = _counts(hint)
    for key, variable in duties.items():
        model.add_hint(variable, counts.get(key, 0))
        for row, amount in entries_of(program, key[0], key[1], pool[key]):
            uses[row].append((variable, amount))
    sessions, trips = _tails(pool, rest)
    met_worth = sessions * trips
    goal = [(variable, -(sessions * pool[key].trips + len(key[2]))) for key, variable in duties.items()]
    shortest = sum(map(program.town.sessions_for, program.town.minimum))
    if met_worth * program.penalty * (1 + shortest) > WORTH_LIMIT:
        met_worth, goal = 1, []  # a country's month: the tail would not fit the solver's numbers
    modes = _add_fixed(model, program, uses, goal, met_worth)
    for row, used in uses.items():
        if used or rest.bounds[row] < 0:
            model.add(_sum(used) <= rest.bounds[row])
    model.maximize(_sum(goal))
    solver = _solver(work, seconds)
    status = solver.solve(model)
    if status == cp_model.UNKNOWN:
        return Rounded([], program.penalty, 0, optimal=False)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        raise SolverWrong(f"CP-SAT answers {solver.status_name(status)} where the empty roster is a solution")
    ways = {
        link: [at for at, column in enumerate(columns) for _ in range(solver.value(column))]
        for link, columns in modes.items()
    }
    chosen = [_placed(key, pool[key], ways) for key, one in duties.items() for _ in range(solver.value(one))]
    return _rounded(
        program, chosen, solver.best_objective_bound, met_worth, optimal=status == cp_model.OPTIMAL
    )


def _add_fixed(
    model: cp_model.CpModel, program: Program, uses: _Uses, goal: _Terms, met_worth: int
) -> dict[Row, list[cp_model.IntVar]]:
    """Adds the columns that are no duties; returns those that choose a way, by the row that asks for one."""
    modes: dict[Row, list[cp_model.IntVar]] = {}
    for column in program.fixed:
        variable = model.new_int_var(0, column.most, "")
        worth = -program.penalty if column.name[0] == "short" else column.worth
        goal.append((variable, worth * met_worth))
        if column.name[0] == "mode":
            modes.setdefault(column.entries[0][0], []).append(variable)
        for row, amount in column.entries:
            uses[row].append((variable, amount))
    return modes


def _sum(terms: _Terms) -> Any:
    """The stubs of `weighted_sum` name no types."""
    weighted: Any = cast("Any", cp_model.LinearExpr).weighted_sum
    return weighted([variable for variable, _ in terms], [amount for _, amount in terms])


def _placed(key: Key, duty: Duty, ways: dict[Row, list[int]]) -> Placed:
    crew, day, sessions = key
    links: list[Row] = [("way", work, day, start) for work, start in sessions]
    return Placed(crew, day, duty, tuple(ways[link].pop(0) if link in ways else 0 for link in links))


def _rounded(
    program: Program, chosen: list[Placed], bound: float, met_worth: int, *, optimal: bool
) -> Rounded:
    """Reads the four parts back: the last two together are below `met_worth`, what is met below the penalty."""
    most = -(-round(bound) // met_worth)
    short = -(min(0, most) // program.penalty)
    return Rounded(chosen, most + short * program.penalty, short, optimal)


def _solver(work: float, seconds: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = work
    solver.parameters.max_time_in_seconds = seconds
    return solver


def _tails(pool: Pool, rest: Rest) -> tuple[int, int]:
    """(more than all sessions there can be, more than all trips)."""
    sessions, trips = dict.fromkeys(rest.left, 0), dict.fromkeys(rest.left, 0)
    for (crew, day, found), duty in pool.items():
        sessions[crew, day] = max(sessions[crew, day], len(found))
        trips[crew, day] = max(trips[crew, day], duty.trips)
    count = {key: min(left, 10_000) for key, left in rest.left.items()}
    return (
        1 + sum(count[key] * most for key, most in sessions.items()),
        1 + sum(count[key] * most for key, most in trips.items()),
    )


def _counts(hint: Sequence[Placed]) -> dict[Key, int]:
    counts: dict[Key, int] = {}
    for one in hint:
        key = (one.crew, one.day, one.duty.sessions)
        counts[key] = counts.get(key, 0) + 1
    return counts
