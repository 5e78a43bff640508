"""Seat the most: of all ways to seat the largest number, one with the smallest sum of line numbers. Imports OR-Tools."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from allocator.bound import SolverFailed
from allocator.simulation.demand import Form
from fairness.rounds.round import NOBODY


def seat_most(forms: Sequence[Form], capacities: Sequence[int]) -> list[int]:
    """By person, the session they get, NOBODY for none.

    Which of several such ways it is, is the solver's choice: it depends on the order of the forms.

    Raises:
        SolverFailed: the solver gave none.
    """
    people, sessions = len(forms), len(capacities)
    tails: list[int] = []
    heads: list[int] = []
    costs: list[int] = []
    for person, form in enumerate(forms):
        met: set[int] = set()
        for number, line in enumerate(form):
            new = [session for session in line if session not in met]
            met.update(new)
            tails += [person] * len(new)
            heads += [people + session for session in new]
            costs += [number] * len(new)
    asked = len(tails)
    source, sink = people + sessions, people + sessions + 1
    tails += [source] * people + [people + session for session in range(sessions)]
    heads += [*range(people), *[sink] * sessions]
    solver = SimpleMinCostFlow()
    # Its stubs know neither which arrays it takes nor what it gives.
    untyped: Any = solver
    arcs: Any = untyped.add_arcs_with_capacity_and_unit_cost(
        np.array(tails, np.int32),
        np.array(heads, np.int32),
        np.array([1] * (asked + people) + list(capacities), np.int64),
        np.array(costs + [0] * (people + sessions), np.int64),
    )
    solver.set_node_supply(source, people)
    solver.set_node_supply(sink, -people)
    status: Any = untyped.solve_max_flow_with_min_cost()
    if status != solver.OPTIMAL:
        raise SolverFailed(f"seating the most ended with {status}")
    got = [NOBODY] * people
    for arc in np.flatnonzero(untyped.flows(arcs[:asked])).tolist():
        got[tails[arc]] = heads[arc] - people
    return got
