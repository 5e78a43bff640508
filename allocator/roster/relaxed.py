"""The linear relaxation over the duties found so far, growing by those its prices call for. Loads OR-Tools (GLOP).

What it says is a hint, never a proof: `program.bound_of` proves, `check` checks.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from ortools.linear_solver import pywraplp  # pyright: ignore[reportMissingTypeStubs] - has stubs for the module, none for its package

from allocator.roster.duties import Duty
from allocator.roster.program import (
    SCALE,
    Goal,
    Program,
    Rest,
    Row,
    bound_of,
    entries_of,
    fits,
    whole,
    worth_of,
)

_GLOP: Any = cast("Any", pywraplp)  # its stubs say nothing about what comes back
SMOOTHING = 0.6
"""How much of the best prices so far is in the next: the prices of a degenerate program jump about otherwise."""
ROUNDS_LIMIT = 400
Key = tuple[int, int, tuple[tuple[int, int], ...]]
Pool = dict[Key, Duty]
"""(crew, day, sessions) -> duty."""


class Relaxed:
    """The linear program of what is left. Owns GLOP's state."""

    def __init__(self, program: Program, goal: Goal, rest: Rest, pool: Pool) -> None:
        self.program, self.goal, self.rest, self.pool = program, goal, rest, pool
        self._glop: Any = _GLOP.Solver.CreateSolver("GLOP")
        self._infinity: float = self._glop.infinity()
        self._rows = {row: self._glop.Constraint(-self._infinity, most) for row, most in rest.bounds.items()}
        self._objective: Any = self._glop.Objective()
        self._objective.SetMaximization()
        self._columns: dict[Key, Any] = {}
        for column in program.fixed:
            worth = worth_of(column, goal)
            if goal == "met" and column.name[0] == "short":
                worth = -program.penalty
            self._column(worth, column.most, column.entries)
        for key, duty in pool.items():
            self._take(key, duty)

    def add(self, duties: Iterable[tuple[int, int, Duty]]) -> int:
        """Adds duties that are not there yet, here and to the pool; how many."""
        new = 0
        for crew, day, duty in duties:
            key = (crew, day, duty.sessions)
            if key not in self._columns:
                self.pool[key] = duty
                new += self._take(key, duty)
        return new

    def solve(self) -> float:
        """The relaxation's value."""
        self._glop.Solve()
        return float(self._objective.Value())

    def prices(self) -> dict[Row, int]:
        """The rows' prices in whole numbers, none below zero."""
        return {row: max(0, round(SCALE * one.dual_value())) for row, one in self._rows.items()}

    def shares(self) -> list[tuple[float, Key]]:
        """How much of each duty is in it, most first."""
        found = [(round(one.solution_value(), 6), key) for key, one in self._columns.items()]
        return sorted((one for one in found if one[0] > 0), key=lambda one: (-one[0], one[1]))

    def restrict(self) -> None:
        """Takes over what has been fixed in the rest since."""
        for row, one in self._rows.items():
            one.SetBounds(-self._infinity, self.rest.bounds[row])
        for key, one in self._columns.items():
            if one.ub() and not self._possible(key, self.pool[key]):
                one.SetUb(0)

    def _take(self, key: Key, duty: Duty) -> bool:
        if not self._possible(key, duty):
            return False
        self._columns[key] = self._column(0, self._infinity, entries_of(self.program, key[0], key[1], duty))
        return True

    def _possible(self, key: Key, duty: Duty) -> bool:
        if not self.rest.left[key[0], key[1]]:
            return False
        return fits(self.program, self.rest, key[0], key[1], duty) is not None

    def _column(self, worth: int, most: float, entries: Iterable[tuple[Row, int]]) -> Any:
        variable = self._glop.NumVar(0, most, "")
        for row, amount in entries:
            self._rows[row].SetCoefficient(variable, amount)
        if worth:
            self._objective.SetCoefficient(variable, worth)
        return variable


class Root(NamedTuple):
    """What the whole program's relaxation gave."""

    bound: int
    """Proved by its prices, in 1 / SCALE."""
    value: float
    prices: dict[Row, int]


def generate(
    program: Program, goal: Goal, pool: Pool, *, go_on: Callable[[float, int], bool]
) -> tuple[Root, Relaxed]:
    """Adds duties until prices prove that none is missing, or `go_on(value, bound)` says no after a round."""
    relaxed = Relaxed(program, goal, whole(program), pool)
    best: Root | None = None
    for _ in range(ROUNDS_LIMIT):
        value, own = relaxed.solve(), relaxed.prices()
        prices = own if best is None else _between(best.prices, own)
        priced = bound_of(program, goal, prices, relaxed.rest)
        if best is None or priced.bound < best.bound:
            best = Root(priced.bound, value, prices)
        new = relaxed.add(priced.duties)
        if not new and prices is not own:
            priced = bound_of(program, goal, own, relaxed.rest)
            if priced.bound < best.bound:
                best = Root(priced.bound, value, own)
            new = relaxed.add(priced.duties)
        best = best._replace(value=value)
        if not new or best.bound < SCALE * (value + 0.5) or not go_on(value, best.bound):
            break
    if best is None:
        raise AssertionError("no round")
    return best, relaxed


def _between(best: dict[Row, int], own: dict[Row, int]) -> dict[Row, int]:
    return {row: round(SMOOTHING * best[row] + (1 - SMOOTHING) * price) for row, price in own.items()}
