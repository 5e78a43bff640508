"""The promise pass: in the public order, everyone gets the best line that breaks no promise to anyone ahead.

Serial dictatorship with ties (Krysta, Manlove, Rastegari and Zhang, 10.1007/s00453-019-00584-7), with batches and schools'
maxima: `docs/spec/round.md`, sections 5 and 6. Exact, deterministic, and loads no solver.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from allocator.seating import Seating
from fairness.rounds.passed import BatchPassed, Passed, Witness
from fairness.rounds.round import NOBODY, Option, Party, Round

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called now and then with the stage and how much of it is done, of how much."""
STEP = 1 << 14


def silent(_stage: str, _done: int, _of: int) -> None:
    """No progress."""


def promise_pass(
    round_: Round, reserved: Mapping[int, int], *, progress: Progress = silent, stage: str = "pass"
) -> Passed:
    """Everybody's line and place, what closed, and why batches were refused. `reserved`: place -> seats kept by it."""
    seating = Seating(round_.place_capacities(reserved), round_.lines, len(round_.forms))
    seats = _SchoolSeats(round_)
    numbers = [NOBODY] * len(round_.forms)
    batches = [BatchPassed(NOBODY, ()) for _ in round_.parties]
    party_at = {party.turn: index for index, party in enumerate(round_.parties)}
    limited, shut, promise = round_.limited, seating.shut, seating.promise
    for position, form in enumerate(round_.forms):
        if not position % STEP:
            progress(stage, position, len(round_.forms))
        if position in party_at:
            index = party_at[position]
            batches[index] = _party_turn(seating, seats, round_.parties[index])
            for member in round_.parties[index].members:
                numbers[member] = batches[index].line
        elif form and (not limited or seats.have_room((position,))):
            for number, line in enumerate(form):
                if not shut[line] and promise(position, line):
                    numbers[position] = number
                    if limited:
                        seats.take((position,))
                    break
    progress(stage, len(round_.forms), len(round_.forms))
    return Passed(numbers, seating.place_at, seating.closed_at, batches)


class _SchoolSeats:
    """How many seats each school may still get."""

    def __init__(self, round_: Round) -> None:
        self._schools_at = round_.schools_at
        self._left = list(round_.maxima)

    def have_room(self, positions: Sequence[int]) -> bool:
        needs = Counter(self._schools_at[position] for position in positions)
        return all(school == NOBODY or self._left[school] >= need for school, need in needs.items())

    def take(self, positions: Sequence[int]) -> None:
        for position in positions:
            if self._schools_at[position] != NOBODY:
                self._left[self._schools_at[position]] -= 1


def _party_turn(seating: Seating, seats: _SchoolSeats, party: Party) -> BatchPassed:
    if not seats.have_room(party.members):
        return BatchPassed(NOBODY, ())
    witnesses: list[Witness] = []
    for number, options in enumerate(party.lines):
        for moving in (False, True):
            for option in options:
                met = _seat_members(seating, party, option, moving=moving)
                if met is None:
                    seats.take(party.members)
                    return BatchPassed(number, tuple(witnesses))
                if met:
                    witnesses.append(Witness(number, option.session, tuple(sorted(met))))
    return BatchPassed(NOBODY, tuple(witnesses))


def _seat_members(seating: Seating, party: Party, option: Option, *, moving: bool) -> Iterable[int] | None:
    """Seats all members in the session, and gives None; or nobody, and gives the open places that were met in vain.

    What the first of them cannot get is closed for everybody.
    """
    seating.begin()
    for number, (member, line) in enumerate(zip(party.members, option.member_lines, strict=True)):
        met = seating.try_seat(member, line, moving=moving)
        if met is not None:
            seating.take_back()
            if number == 0:
                seating.close(met, party.turn)
                return ()
            return met
    seating.keep()
    return None
