"""The whole simulation: one demand, five rules, everything that the report says. Loads OR-Tools."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from allocator.bound import bound_of
from allocator.simulation import figures
from allocator.simulation.demand import (
    BOT,
    HONEST,
    KINDS,
    LIAR,
    Demand,
    Parameters,
    Person,
    Session,
    make_demand,
)
from allocator.simulation.lies import LIES, TRUTH, lying_alone, with_lies
from allocator.simulation.report import Bots, Lies, Report, RuleReport, Share
from allocator.simulation.rules import (
    FIRST_COME,
    PROMISE,
    RULES,
    Asked,
    Seats,
    order_of,
    round_of,
    seat,
)
from allocator.simulation.waiting import newcomers_by_round, wait

VERSION = 1

Progress: TypeAlias = Callable[[str, str, int, int], None]
"""Called with a rule, what is being done, how much of it is done, of how much."""


def silent(_rule: str, _what: str, _done: int, _of: int) -> None:
    """No progress."""


def simulate(
    parameters: Parameters, sessions: Sequence[Session] | None = None, *, progress: Progress = silent
) -> Report:
    """Everything about these parameters. The sessions are made from them unless they are given.

    Raises:
        SolverFailed: `seat_most` found no way.
    """
    demand = make_demand(parameters, sessions)
    seed = bytes.fromhex(parameters.seed)
    asked = _asked(demand.people, demand, seed)
    bound, _ = bound_of(round_of(asked))
    newcomers = newcomers_by_round(parameters, demand)
    return Report(
        VERSION,
        parameters,
        sum(demand.capacities),
        bound,
        {kind: sum(one.kind == kind for one in demand.people) for kind in KINDS},
        [_of_rule(rule, _Town(parameters, demand, asked, newcomers), progress) for rule in RULES],
    )


class _Town(NamedTuple):
    """What is the same under each rule."""

    parameters: Parameters
    demand: Demand
    asked: Asked
    newcomers: Sequence[Sequence[Person]]


def _asked(people: Sequence[Person], demand: Demand, seed: bytes) -> Asked:
    return Asked(people, [one.form for one in people], demand.capacities, seed)


def _of_rule(rule: str, town: _Town, progress: Progress) -> RuleReport:
    parameters, demand, asked, newcomers = town
    people = demand.people
    # (1) Everybody tells the truth. Only where the first to come is served are identities not checked.
    unchecked = _asked([*people, *demand.placeholders], demand, asked.seed)
    as_it_is = unchecked if rule == FIRST_COME else asked
    seats = seat(rule, as_it_is)
    envy, waste = figures.wanting(people, seats, order_of(PROMISE, asked), asked.capacities)
    # (2) What a lie earns.
    liars = [number for number, one in enumerate(people) if one.kind == LIAR]
    lies, liars_seats = _lies(rule, as_it_is, liars, seats, lambda done, of: progress(rule, "lies", done, of))
    # (3) Several rounds in a row.
    waiting = wait(rule, demand, newcomers, asked.seed, lambda done, of: progress(rule, "rounds", done, of))
    return RuleReport(
        rule=rule,
        seats_by_kind=figures.seats_by_kind(as_it_is.people, liars_seats, asked.capacities),
        seated=Share(sum(session >= 0 for session in seats[: len(people)]), len(people)),
        by_weeks=figures.by_weeks(people, seats, parameters.weeks),
        by_line=figures.by_line(people, seats),
        envy=envy,
        waste=waste,
        moved_by_file_order=_moved(rule, as_it_is, seats),
        channels=figures.by_group(people, seats, lambda one: one.channel),
        districts=figures.by_group(people, seats, lambda one: str(one.district + 1)),
        bots=Bots(
            sum(one.kind == BOT for one in people),
            _bot_seats(asked, seat(rule, asked)),
            _bot_seats(unchecked, seat(rule, unchecked)),
        ),
        lies=lies,
        waiting=waiting,
    )


def _lies(
    rule: str, asked: Asked, liars: Sequence[int], seats: Seats, progress: Callable[[int, int], None]
) -> tuple[Lies, Seats]:
    """(what lies earn, the seats when all who gain by a lie tell it)."""
    alone = lying_alone(rule, asked, liars, progress)
    together = seat(rule, with_lies(asked, alone.chosen)) if alone.better_off else seats
    told = list(alone.chosen.values())
    return Lies(
        figures.fare_of(alone.by_lie[TRUTH]),
        {lie: figures.fare_of(alone.by_lie[lie]) for lie in LIES},
        figures.fare_of(alone.best),
        Share(alone.better_off, len(liars)),
        {lie: told.count(lie) for lie in (TRUTH, *LIES)},
        figures.fare(asked.people, together, LIAR),
        figures.fare(asked.people, seats, HONEST),
        figures.fare(asked.people, together, HONEST),
    ), together


def _moved(rule: str, asked: Asked, seats: Seats) -> int:
    """How many get another session when the file is read from its end."""
    turned = asked._replace(people=asked.people[::-1], forms=asked.forms[::-1])
    return sum(one != other for one, other in zip(seats, seat(rule, turned)[::-1], strict=True))


def _bot_seats(asked: Asked, seats: Seats) -> int:
    return figures.seats_by_kind(asked.people, seats, asked.capacities)[BOT]
