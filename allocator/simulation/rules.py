"""The five rules, each from people, forms and seats to who sits where.

`first_come`   in the order of arrival, everyone takes the best that is left on their form
`timestamp`    the same in the order of the latest applicable timestamp (`allocator.order`)
`seat_most`    as many as possible, then the smallest sum of line numbers (`seat_most`)
`draw`         in an order drawn by lot, everyone gets a seat in their first line if one is left, else nothing
`promise`      the promise pass in the public order (`docs/spec/round.md`)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from allocator.order import first_come_order, timestamp_order
from allocator.promise_pass import promise_pass
from allocator.simulation.demand import Form, Person
from allocator.simulation.seat_most import seat_most
from fairness.rounds.problem import Application, Line, Problem
from fairness.rounds.problem import Session as ProblemSession
from fairness.rounds.round import NOBODY, Round, make_ready, public_order

FIRST_COME, TIMESTAMP, SEAT_MOST, DRAW, PROMISE = "first_come", "timestamp", "seat_most", "draw", "promise"
RULES = (FIRST_COME, TIMESTAMP, SEAT_MOST, DRAW, PROMISE)


class Asked(NamedTuple):
    """Who asks, for what, and what there is. `forms` are what people say, by person; what they want is the person's."""

    people: Sequence[Person]
    forms: Sequence[Form]
    capacities: Sequence[int]
    seed: bytes


Seats: TypeAlias = list[int]
"""By person, the session they get, NOBODY for none."""


def order_of(rule: str, asked: Asked) -> list[int]:
    """The order in which people have their turn under a rule that has one: their indices.

    Raises:
        ValueError: the rule has none.
    """
    people = asked.people
    ids = [one.id for one in people]
    match rule:
        case "first_come":
            return first_come_order(ids, [one.arrival_s for one in people])
        case "timestamp":
            return timestamp_order(ids, [one.history for one in people])
        case "draw":
            return public_order([Application(one, 0, []) for one in ids], asked.seed)
        case "promise":
            return public_order(_applications(people), asked.seed)
        case _:
            raise ValueError(f"{rule} has no order")


def seat(rule: str, asked: Asked) -> Seats:
    """Who gets what under a rule."""
    return _SEATING[rule](asked)


def round_of(asked: Asked) -> Round:
    """The round of these forms in the public order."""
    numbers: dict[Line, int] = {}
    forms = [tuple([numbers.setdefault(line, len(numbers)) for line in form]) for form in asked.forms]
    problem = Problem(
        [ProblemSession(f"{session:06}", capacity) for session, capacity in enumerate(asked.capacities)],
        _applications(asked.people),
        [],
        [],
        list(numbers),
        forms,
        [],
    )
    return make_ready(problem, order_of(PROMISE, asked))


def best_left(form: Form, free: Sequence[int]) -> int:
    """The first session of the form with a free seat, NOBODY where there is none."""
    return next((session for line in form for session in line if free[session]), NOBODY)


def _applications(people: Sequence[Person]) -> list[Application]:
    return [Application(one.id, -one.weeks, []) for one in people]


def _in_turn(rule: str, forms: Sequence[Form], asked: Asked) -> Seats:
    free = list(asked.capacities)
    seats = [NOBODY] * len(forms)
    for person in order_of(rule, asked):
        session = best_left(forms[person], free)
        if session != NOBODY:
            free[session] -= 1
            seats[person] = session
    return seats


def _first_come(asked: Asked) -> Seats:
    return _in_turn(FIRST_COME, asked.forms, asked)


def _timestamp(asked: Asked) -> Seats:
    return _in_turn(TIMESTAMP, asked.forms, asked)


def _draw(asked: Asked) -> Seats:
    return _in_turn(DRAW, [form[:1] for form in asked.forms], asked)


def _seat_most(asked: Asked) -> Seats:
    return seat_most(asked.forms, asked.capacities)


def _promise(asked: Asked) -> Seats:
    round_ = round_of(asked)
    passed = promise_pass(round_, {})
    seats = [NOBODY] * len(asked.people)
    for person, place in zip(order_of(PROMISE, asked), passed.place_at, strict=True):
        seats[person] = place
    return seats


_SEATING: dict[str, Callable[[Asked], Seats]] = {
    FIRST_COME: _first_come,
    TIMESTAMP: _timestamp,
    SEAT_MOST: _seat_most,
    DRAW: _draw,
    PROMISE: _promise,
}
