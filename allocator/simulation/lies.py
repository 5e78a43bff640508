"""What misreporting one's form earns: each lie of a menu, told by few while all others tell the truth.

Who lies knows what everybody asks for, as if last month's figures had been published; true lines keep their true worth. The
menu has what people try: name less, or put first what is safe to get.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from allocator.seating import Seating
from allocator.simulation.demand import Form
from allocator.simulation.rules import DRAW, PROMISE, SEAT_MOST, Asked, best_left, order_of, seat
from fairness.rounds.problem import Line
from fairness.rounds.round import NOBODY

TRUTH, FIRST_ONLY, FIRST_TWO, SAFE_FIRST, FIRST_THEN_SAFE = (
    "truth",
    "first_only",
    "first_two",
    "safe_first",
    "first_then_safe",
)
LIES = (FIRST_ONLY, FIRST_TWO, SAFE_FIRST, FIRST_THEN_SAFE)
FEW = 50
"""Under `seat_most` one person in so many lies at a time, all others tell the truth: a run for each would take hours."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many people's lies have been tried, of how many."""
Told: TypeAlias = Mapping[str, Form]
"""Lie -> the form that is handed in; `truth` is among them."""


class Earned(NamedTuple):
    """How those who tell it fare by their true forms, `people` of them. `rank_sum` counts lines from 1, none as one more than there are."""

    people: int
    first: int
    seated: int
    rank_sum: int

    def __add__(self, other: object) -> "Earned":
        """Both together."""
        if not isinstance(other, Earned):
            return NotImplemented
        return Earned(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Earned(0, 0, 0, 0)


def true_line(form: Form, session: int) -> int | None:
    """The number of the true line that a session is in; None for no session, and for one that is in none."""
    return next((number for number, line in enumerate(form) if session in line), None)


def earned(form: Form, session: int) -> Earned:
    """What one person has of a session."""
    number = true_line(form, session)
    rank = len(form) + 1 if number is None else number + 1
    return Earned(1, int(number == 0), int(number is not None), rank)


def forms_told(form: Form, crowding: Sequence[float]) -> Told:
    """Every lie of the menu for somebody with this true form. `crowding`: by session, people that name it for each seat."""

    def crowded(line: Line) -> float:
        return min(crowding[session] for session in line)

    return {
        TRUTH: form,
        FIRST_ONLY: form[:1],
        FIRST_TWO: form[:2],
        SAFE_FIRST: tuple(sorted(form, key=crowded)),
        FIRST_THEN_SAFE: (*form[:1], *sorted(form[1:], key=crowded)),
    }


def crowding_of(asked: Asked) -> list[float]:
    """By session, how many name it on a line of its own for each of its seats."""
    named = [0] * len(asked.capacities)
    for form in asked.forms:
        for line in form:
            if len(line) == 1:
                named[line[0]] += 1
    return [count / max(seats, 1) for count, seats in zip(named, asked.capacities, strict=True)]


class Lying(NamedTuple):
    """What lying earns: `by_lie` when all tell the same, `best` when each tells the one that pays best for them.

    `better_off`: how many a lie gets a better line than the truth. `chosen`: by person the lie that pays best, `truth`
    where none pays.
    """

    by_lie: Mapping[str, Earned]
    best: Earned
    better_off: int
    chosen: Mapping[int, str]


def lying_alone(rule: str, asked: Asked, liars: Sequence[int], progress: Progress) -> Lying:
    """What each lie earns each of these people who lies alone; under `seat_most`, with few others (`FEW`).

    `asked` has everybody's true form. Where people have turns, what somebody finds does not hang on what they say: so it is
    exact, with the state of their turn looked at once for every lie. A promise of several sessions counts by the seat that
    it has at that turn.
    """
    crowding = crowding_of(asked)
    told = {person: forms_told(asked.forms[person], crowding) for person in liars}
    if rule == SEAT_MOST:
        turns = _few_at_a_time(asked, told, progress)
    elif rule == PROMISE:
        turns = _promise_turns(asked, told)
    else:
        turns = _free_turns(rule, asked, told)
    outcomes: dict[int, dict[str, Earned]] = {person: {} for person in liars}
    for person, lie, session in turns:
        outcomes[person][lie] = earned(asked.forms[person], session)
    return _summed(outcomes)


def _summed(outcomes: Mapping[int, Mapping[str, Earned]]) -> Lying:
    by_lie: dict[str, Earned] = dict.fromkeys((TRUTH, *LIES), NOTHING)
    best, better_off, chosen = NOTHING, 0, dict[int, str]()
    for person, of_lies in outcomes.items():
        for lie, what in of_lies.items():
            by_lie[lie] += what
        # Of equals the first counts, and the truth comes first.
        chosen[person] = min((TRUTH, *LIES), key=lambda lie: of_lies[lie].rank_sum)
        best += of_lies[chosen[person]]
        better_off += chosen[person] != TRUTH
    return Lying(by_lie, best, better_off, chosen)


def with_lies(asked: Asked, chosen: Mapping[int, str]) -> Asked:
    """The same where these people tell these lies."""
    crowding = crowding_of(asked)
    forms = list(asked.forms)
    for person, lie in chosen.items():
        forms[person] = forms_told(asked.forms[person], crowding)[lie]
    return asked._replace(forms=forms)


_Turn: TypeAlias = tuple[int, str, int]
"""(person, lie, the session that it gets them)"""


def _free_turns(rule: str, asked: Asked, told: Mapping[int, Told]) -> Iterable[_Turn]:
    free = list(asked.capacities)
    lines = 1 if rule == DRAW else None
    for person in order_of(rule, asked):
        for lie, form in told.get(person, {}).items():
            yield person, lie, best_left(form[:lines], free)
        session = best_left(asked.forms[person][:lines], free)
        if session != NOBODY:
            free[session] -= 1


def _promise_turns(asked: Asked, told: Mapping[int, Told]) -> Iterable[_Turn]:
    """The promise pass, in which every turn of a liar first looks what each lie would be promised."""
    order = order_of(PROMISE, asked)
    numbers: dict[tuple[int, ...], int] = {}
    for forms in (asked.forms, *(lies.values() for lies in told.values())):
        for form in forms:
            for line in form:
                numbers.setdefault(line, len(numbers))
    seating = Seating(asked.capacities, list(numbers), len(order))
    for position, person in enumerate(order):
        for lie, form in told.get(person, {}).items():
            yield person, lie, _would_get(seating, position, [numbers[line] for line in form])
        for line in asked.forms[person]:
            if seating.promise(position, numbers[line]):
                break


def _would_get(seating: Seating, position: int, lines: Sequence[int]) -> int:
    """The session that these lines would get somebody now; nothing changes."""
    got = NOBODY
    for line in lines:
        seating.begin()
        if seating.try_seat(position, line) is None:
            got = seating.place_at[position]
        seating.take_back()
        if got != NOBODY:
            break
    return got


def _few_at_a_time(asked: Asked, told: Mapping[int, Told], progress: Progress) -> Iterable[_Turn]:
    truth = seat(SEAT_MOST, asked)
    yield from ((person, TRUTH, truth[person]) for person in told)
    size = max(len(asked.people) // FEW, 1)
    liars = list(told)
    for start in range(0, len(liars), size):
        group = liars[start : start + size]
        for lie in LIES:
            forms = list(asked.forms)
            for person in group:
                forms[person] = told[person][lie]
            seats = seat(SEAT_MOST, asked._replace(forms=forms))
            yield from ((person, lie, seats[person]) for person in group)
        progress(min(start + size, len(liars)), len(liars))
