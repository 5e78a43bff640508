"""How many could be seated at most for the same forms, whatever the order: maximum flow, and its minimum cut.

People -> lines -> sessions, with a node before the people of each school that has a maximum. Batches count as so many
people, and reserves as everybody's seats: without these two more could only be seated, so that the bound holds
(`docs/spec/round.md`, section 8). Imports OR-Tools: only job processes and commands load this.
"""

from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow

from fairness.rounds.cut import Cut, cut_value
from fairness.rounds.round import NEVER, NOBODY, Round


class SolverFailed(RuntimeError):
    """The solver gave no optimal flow, or one whose cut does not show it."""


def bound_of(round_: Round) -> tuple[int, Cut]:
    """(the largest number that can be seated, the cut that shows it). The cut is the one nearest to the people.

    Raises:
        SolverFailed: flow and cut do not agree.
    """
    network = network_of(round_)
    solver = SimpleMaxFlow()
    # The stubs have another idea of what an array of NumPy is, and none of what `solve` gives.
    untyped: Any = solver
    untyped.add_arcs_with_capacity(
        np.frombuffer(network.tails, np.int32),
        np.frombuffer(network.heads, np.int32),
        np.frombuffer(network.capacities, np.int64),
    )
    status: Any = untyped.solve(network.source, network.sink)
    if status != solver.OPTIMAL:
        raise SolverFailed(f"maximum flow ended with {status}")
    near = set(solver.get_source_side_min_cut())
    cut = Cut(
        frozenset(session for session in range(len(round_.capacities)) if network.sessions + session in near),
        frozenset(
            school
            for school, most in enumerate(round_.maxima)
            if most != NEVER and network.schools + school not in near
        ),
    )
    flow = solver.optimal_flow()
    if cut_value(round_, cut) != flow:
        raise SolverFailed(f"a flow of {flow}, and a cut of {cut_value(round_, cut)}")
    return flow, cut


class Network(NamedTuple):
    """Arcs, and where the nodes of sessions and schools begin."""

    tails: "array[int]"
    heads: "array[int]"
    capacities: "array[int]"
    source: int
    sink: int
    sessions: int
    schools: int


def network_of(round_: Round) -> Network:
    """The network: an arc to each person first, then an arc for each line of each form, in the public order.

    People who name a session alone lead to it at once; lines of several are nodes that many share.
    """
    people, sessions = len(round_.forms), len(round_.capacities)
    lines = people + sessions
    schools = lines + len(round_.lines)
    source = schools + len(round_.maxima)
    sink = source + 1
    session_of = [place.session for place in round_.places]
    line_sessions = [sorted({session_of[place] for place in line}) for line in round_.lines]
    head_of = [
        people + named[0] if len(named) == 1 else lines + line for line, named in enumerate(line_sessions)
    ]
    tails, heads, capacities = array("i"), array("i"), array("q")

    def add(tail: Iterable[int], head: Iterable[int], capacity: Iterable[int]) -> None:
        tails.extend(tail)
        heads.extend(head)
        capacities.extend(capacity)

    limited = [most != NEVER for most in round_.maxima]
    starts = [
        schools + school if school != NOBODY and limited[school] else source for school in round_.schools_at
    ]
    add(starts, range(people), [1] * people)
    for school, most in enumerate(round_.maxima):
        if limited[school]:
            add([source], [schools + school], [most])
    forms = list(round_.forms)
    for party in round_.parties:
        for place, member in enumerate(party.members):
            forms[member] = tuple(option.member_lines[place] for options in party.lines for option in options)
    for person, form in enumerate(forms):
        tails.extend([person] * len(form))
        heads.extend([head_of[line] for line in form])
    capacities.extend([1] * (len(tails) - len(capacities)))
    for line, named in enumerate(line_sessions):
        if len(named) > 1:
            add([lines + line] * len(named), [people + session for session in named], [people] * len(named))
    add(range(people, people + sessions), [sink] * sessions, round_.capacities)
    return Network(tails, heads, capacities, source, sink, people, schools)
