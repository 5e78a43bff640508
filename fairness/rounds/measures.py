"""What a round is judged by, published with its result: whole numbers and fractions of what is public.

`docs/spec/round.md`, section 9. Envy and waste are counted against the seats that somebody could have had: reserves of
others, and seats above a school's maximum, are not among them.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fairness.measures import impact
from fairness.rounds.passed import Passed
from fairness.rounds.round import NEVER, NOBODY, Party, Round


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A count of people outside batches, and one of batches."""

    people: int
    batches: int


class SchoolMeasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a school's people fared; `ratio` to the school with the highest rate, a fraction, null where nobody got any."""

    id: str
    seated: int
    of: int
    ratio: str | None


class Measures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`by_line`: how many got their first line, their second, and so on."""

    applications: int
    seated: int
    by_line: list[int]
    barred: int
    """Refused for their school's maximum."""
    envy: Counted
    waste: Counted
    schools: list[SchoolMeasure]


def measure(round_: Round, reserved: Mapping[int, int], passed: Passed) -> Measures:
    """The measures of a pass that kept so many seats reserved."""
    barred = set(_barred(round_, passed))
    envy, waste = _wanting(round_, round_.place_capacities(reserved), passed, barred)
    by_line = histogram(passed.line_at)
    return Measures(
        len(round_.forms), sum(by_line), by_line, len(barred), envy, waste, _schools(round_, passed)
    )


def histogram(line_at: Sequence[int]) -> list[int]:
    """How many got their first line, their second, and so on, up to the last that anybody got.

    >>> histogram([0, 2, NOBODY, 0])
    [2, 0, 1]
    """
    by_line = [0] * (max(line_at, default=NOBODY) + 1)
    for line in line_at:
        if line != NOBODY:
            by_line[line] += 1
    return by_line


def _barred(round_: Round, passed: Passed) -> Iterator[int]:
    """Positions whose school had no seat left for them when their turn came."""
    if all(most == NEVER for most in round_.maxima):
        return
    left = list(round_.maxima)
    for turn, members in _turns(round_):
        schools = [round_.schools_at[member] for member in members]
        if passed.place_at[turn] == NOBODY:
            if any(school != NOBODY and left[school] < schools.count(school) for school in schools):
                yield from members
            continue
        for school in schools:
            if school != NOBODY:
                left[school] -= 1


def _turns(round_: Round) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(position of the turn, positions of those whose turn it is); nobody with an empty form has one."""
    party_at = {party.turn: party for party in round_.parties}
    for position, form in enumerate(round_.forms):
        if position in party_at:
            yield position, party_at[position].members
        elif form:
            yield position, (position,)


def _wanting(
    round_: Round, capacities: Sequence[int], passed: Passed, barred: set[int]
) -> tuple[Counted, Counted]:
    """(envy, waste): who would rather have a seat that somebody behind them has, or that nobody has."""
    free = list(capacities)
    sitting: list[list[int]] = [[] for _ in capacities]
    turn_of = {member: party.turn for party in round_.parties for member in party.members}
    for position, place in enumerate(passed.place_at):
        if place != NOBODY:
            free[place] -= 1
            sitting[place].append(turn_of.get(position, position))
    last = [max(turns, default=NOBODY) for turns in sitting]
    line_last = [max([last[place] for place in line]) for line in round_.lines]
    free_lines = {number for number, line in enumerate(round_.lines) if any(free[place] for place in line)}
    envy = waste = 0
    for position, form in enumerate(round_.forms):
        got = passed.line_at[position]
        better = form if got == NOBODY else form[:got]
        if better and position not in barred:
            envy += max([line_last[line] for line in better]) > position
            waste += not free_lines.isdisjoint(better)
    parties = [
        _party_wants(round_, party, got.line, free, sitting)
        for party, got in zip(round_.parties, passed.batches, strict=True)
        if party.turn not in barred
    ]
    return (
        Counted(envy, sum(envies for envies, _ in parties)),
        Counted(waste, sum(wastes for _, wastes in parties)),
    )


def _party_wants(
    round_: Round, party: Party, got: int, free: Sequence[int], sitting: Sequence[Sequence[int]]
) -> tuple[bool, bool]:
    """Whether a better session has seats for the batch when those behind it leave, and whether it has without."""
    size = len(party.members)
    envies = wastes = False
    for options in party.lines if got == NOBODY else party.lines[:got]:
        for option in options:
            first, *others = [round_.lines[line] for line in option.member_lines]
            places = set(first).intersection(*others)
            left = sum(free[place] for place in places)
            behind = sum(turn > party.turn for place in places for turn in sitting[place])
            wastes |= left >= size
            envies |= left < size <= left + behind
    return envies, wastes


def _schools(round_: Round, passed: Passed) -> list[SchoolMeasure]:
    """Each school's rate beside the best (29 CFR 1607.4(D)); people without a school are a group of their own."""
    groups: dict[int, list[int]] = {}
    for school, place in zip(round_.schools_at, passed.place_at, strict=True):
        counts = groups.setdefault(school, [0, 0])
        counts[0] += place != NOBODY
        counts[1] += 1
    if groups.keys() <= {NOBODY}:
        return []
    names = {school: "" if school == NOBODY else round_.school_ids[school] for school in groups}
    found = impact({names[school]: (seated, of) for school, (seated, of) in groups.items()})
    return [
        SchoolMeasure(one.group, one.selected, one.of, None if one.ratio is None else str(one.ratio))
        for one in found
    ]
