"""A problem made ready: everybody in the public order, lines as sets of places. Imports hashlib.

`docs/spec/round.md`, sections 3 and 4. A *place* is what somebody can be seated in: a session, or the seats of a session
that are reserved for one school. A school's reserve comes directly before its session, so that it is filled first.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from fairness.draw import score_of
from fairness.rounds.problem import Application, Line, Problem, School
from fairness.seed import category_seed

NEVER = 2**63
NOBODY = -1
CATEGORY = "order"
_CLASS_SHIFT = 2**63


class Place(NamedTuple):
    """Where one can sit: a session by number, for everybody (`school` is None) or for a school by number."""

    session: int
    school: int | None


class Option(NamedTuple):
    """A session in which a batch could sit: for each of its members, the line of places in it that are open to them."""

    session: int
    member_lines: tuple[int, ...]


class Party(NamedTuple):
    """A batch: members by position, ascending; its turn is the last one's. `lines` has the options of each line."""

    id: str
    members: tuple[int, ...]
    lines: tuple[tuple[Option, ...], ...]

    @property
    def turn(self) -> int:
        """The worst position of its members."""
        return self.members[-1]


class Round(NamedTuple):
    """Positions count the public order from 0; sessions, places, schools and lines have numbers from 0.

    `lines`: each a tuple of places, ascending. `forms`: by position, the lines, best first; empty for members of
    batches, whose batch is in `parties` (by turn). `schools_at`: by position, the number of the school, or NOBODY.
    `maxima`: by school, NEVER where there is none.
    """

    session_ids: Sequence[str]
    capacities: Sequence[int]
    application_ids: Sequence[str]
    school_ids: Sequence[str]
    places: Sequence[Place]
    lines: Sequence[Line]
    forms: Sequence[tuple[int, ...]]
    schools_at: Sequence[int]
    parties: Sequence[Party]
    maxima: Sequence[int]
    reserves: Mapping[int, int]
    """Place -> seats reserved."""

    @property
    def limited(self) -> bool:
        """Whether a school has a maximum."""
        return any(most != NEVER for most in self.maxima)

    def place_capacities(self, reserved: Mapping[int, int]) -> list[int]:
        """Seats by place, where so many are reserved: what is not reserved of a session is everybody's."""
        seats = [0] * len(self.places)
        left = list(self.capacities)
        for place, count in reserved.items():
            seats[place] = count
            left[self.places[place].session] -= count
        for number, place in enumerate(self.places):
            if place.school is None:
                seats[number] = left[place.session]
        return seats


def public_order(applications: Sequence[Application], seed: bytes) -> list[int]:
    """The applications' indices by waiting class, then by the draw. `seed` is the round's, 32 bytes."""
    drawn_by = category_seed(seed, CATEGORY)
    keys: list[bytes] = []
    for one in applications:
        id_hash = sha256(one.id.encode()).digest()
        keys.append(
            (one.waiting_class + _CLASS_SHIFT).to_bytes(8, "big") + score_of(drawn_by, id_hash, 1) + id_hash
        )
    return sorted(range(len(keys)), key=keys.__getitem__)


def make_ready(problem: Problem, order: Sequence[int]) -> Round:
    """The round in that order of the problem's applications."""
    rules = {school.id: school for school in problem.schools}
    school_ids = sorted(rules.keys() | {one.school for one in problem.applications if one.school is not None})
    school_numbers = {school: number for number, school in enumerate(school_ids)}
    session_numbers = {session.id: number for number, session in enumerate(problem.sessions)}
    reserved = {
        (session_numbers[reserve.session], school_numbers[school.id]): reserve.seats
        for school in problem.schools
        for reserve in school.reserve
        if reserve.seats
    }
    places = sorted(
        [Place(session, None) for session in range(len(problem.sessions))]
        + [Place(session, school) for session, school in reserved],
        key=lambda place: (place.session, place.school is None, place.school),
    )
    lines = _PlaceLines(places, problem.lines)
    schools_at = [
        NOBODY if (school := problem.applications[index].school) is None else school_numbers[school]
        for index in order
    ]
    forms = [
        lines.form(problem.forms[index], school) for index, school in zip(order, schools_at, strict=True)
    ]
    return Round(
        session_ids=[session.id for session in problem.sessions],
        capacities=[session.capacity for session in problem.sessions],
        application_ids=[problem.applications[index].id for index in order],
        school_ids=school_ids,
        places=places,
        lines=lines.lines,
        forms=forms,
        schools_at=schools_at,
        parties=_parties(problem, order, schools_at, lines),
        maxima=[_most(rules.get(school)) for school in school_ids],
        reserves={
            number: reserved[place.session, place.school]
            for number, place in enumerate(places)
            if place.school is not None
        },
    )


def _most(school: School | None) -> int:
    return NEVER if school is None or school.max is None else school.max


_Numbers: TypeAlias = tuple[int, ...]


class _PlaceLines:
    """Lines of sessions as lines of places, which differ for the members of a school that has a reserve in them."""

    def __init__(self, places: Sequence[Place], lines: Sequence[Line]) -> None:
        self.lines: list[Line] = []
        self._numbers: dict[Line, int] = {}
        self._sessions = lines
        self._open = {place.session: number for number, place in enumerate(places) if place.school is None}
        self._kept: dict[int, dict[int, int]] = {}
        for number, place in enumerate(places):
            if place.school is not None:
                self._kept.setdefault(place.school, {})[place.session] = number
        self._known: dict[int, dict[int, int]] = {}

    def form(self, numbers: _Numbers, school: int) -> _Numbers:
        known = self._known.setdefault(school if school in self._kept else NOBODY, {})
        try:
            return tuple([known[number] for number in numbers])
        except KeyError:
            for number in numbers:
                known[number] = self.of(self._sessions[number], school)
            return tuple([known[number] for number in numbers])

    def of(self, sessions: Line, school: int) -> int:
        kept = self._kept.get(school, {})
        places = [
            place
            for session in sessions
            for place in (kept.get(session), self._open[session])
            if place is not None
        ]
        return self._number(tuple(places))

    def _number(self, line: Line) -> int:
        number = self._numbers.setdefault(line, len(self.lines))
        if number == len(self.lines):
            self.lines.append(line)
        return number

    def sessions_of(self, number: int) -> Line:
        return self._sessions[number]


def _parties(
    problem: Problem, order: Sequence[int], schools_at: Sequence[int], lines: _PlaceLines
) -> list[Party]:
    if not problem.batches:
        return []
    positions = {problem.applications[index].id: position for position, index in enumerate(order)}
    parties: list[Party] = []
    for batch, numbers in zip(problem.batches, problem.batch_lines, strict=True):
        members = tuple(sorted(positions[member] for member in batch.members))
        options = tuple(
            tuple(
                Option(session, tuple(lines.of((session,), schools_at[member]) for member in members))
                for session in lines.sessions_of(number)
            )
            for number in numbers
        )
        parties.append(Party(batch.id, members, options))
    return sorted(parties, key=lambda party: party.turn)
