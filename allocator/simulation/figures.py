"""How an outcome is judged, the same for every rule: by true forms, and by the public order for envy. Pure."""

from collections.abc import Callable, Iterable, Sequence

from allocator.simulation.demand import BOT, HONEST, LIAR, Person
from allocator.simulation.lies import NOTHING, Earned, earned, true_line
from allocator.simulation.report import Fare, Group, Share
from allocator.simulation.rules import Seats
from fairness.measures import impact
from fairness.rounds.round import NOBODY

FREE = "free"


def fare_of(what: Earned) -> Fare:
    """Counts as shares."""
    return Fare(
        what.people,
        Share(what.first, what.people),
        Share(what.seated, what.people),
        what.rank_sum / what.people if what.people else 0.0,
    )


def fare(people: Sequence[Person], seats: Seats, kind: str) -> Fare:
    """How the people of one kind fare."""
    total = NOTHING
    for person, session in zip(people, seats, strict=False):
        if person.kind == kind:
            total += earned(person.form, session)
    return fare_of(total)


def seats_by_kind(people: Sequence[Person], seats: Seats, capacities: Sequence[int]) -> dict[str, int]:
    """How many seats each kind has, and how many are free. `people` includes placeholders, whose seats are bots'."""
    counts: dict[str, int] = dict.fromkeys((HONEST, LIAR, BOT), 0)
    for person, session in zip(people, seats, strict=True):
        counts[person.kind] += session != NOBODY
    return {**counts, FREE: sum(capacities) - sum(counts.values())}


def by_line(people: Sequence[Person], seats: Seats) -> list[int]:
    """How many got each line of their true forms; bots are not counted."""
    lines = [
        true_line(person.form, session)
        for person, session in zip(people, seats, strict=False)
        if person.kind != BOT
    ]
    longest = max((len(person.form) for person in people if person.kind != BOT), default=0)
    return [lines.count(number) for number in range(longest)]


def by_weeks(people: Sequence[Person], seats: Seats, weeks: int) -> list[Share]:
    """Of those who have waited so many weeks, how many have a seat; bots are not counted."""
    return [
        _seated(people, seats, lambda person, waited=waited: person.weeks == waited)
        for waited in range(weeks)
    ]


def by_group(people: Sequence[Person], seats: Seats, name: Callable[[Person], str]) -> list[Group]:
    """Each group's chance beside the best group's (29 CFR 1607.4(D)); bots are not counted."""
    names = sorted({name(person) for person in people if person.kind != BOT})
    shares = {one: _seated(people, seats, lambda person, one=one: name(person) == one) for one in names}
    return [
        Group(
            found.group,
            Share(found.selected, found.of),
            None if found.ratio is None else float(found.ratio),
            found.p,
        )
        for found in impact({one: (share.count, share.of) for one, share in shares.items()})
    ]


def wanting(
    people: Sequence[Person], seats: Seats, order: Sequence[int], capacities: Sequence[int]
) -> tuple[Share, Share]:
    """(envy, waste): who would rather have a session in which somebody behind them in this order sits, or a seat is free.

    `order` is of the people; whoever comes after them in `seats` is a placeholder, and behind everybody.
    """
    free = list(capacities)
    last = [NOBODY] * len(capacities)
    behind = len(order)
    positions = [behind] * len(seats)
    for position, person in enumerate(order):
        positions[person] = position
    for position, session in zip(positions, seats, strict=True):
        if session != NOBODY:
            free[session] -= 1
            last[session] = max(last[session], position)
    envy = waste = count = 0
    for person, position, session in zip(people, positions, seats, strict=False):
        if person.kind == BOT:
            continue
        count += 1
        got = true_line(person.form, session)
        better = [one for line in person.form[:got] for one in line]
        envy += any(last[one] > position for one in better)
        waste += any(free[one] for one in better)
    return Share(envy, count), Share(waste, count)


def _seated(people: Iterable[Person], seats: Seats, belongs: Callable[[Person], bool]) -> Share:
    found = [
        session != NOBODY
        for person, session in zip(people, seats, strict=False)
        if person.kind != BOT and belongs(person)
    ]
    return Share(sum(found), len(found))
