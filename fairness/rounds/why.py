"""Why this, why not that: what a result says about one application, with the counts that explain it. Imports msgspec.

Nobody else is named. What is explained has been checked before (`check`): here nothing is proved again. Positions count
from 0, as in the files.
"""

from hashlib import sha256
from itertools import chain

import msgspec

from fairness.draw import score_of
from fairness.rounds.outcome import Outcome
from fairness.rounds.problem import Problem
from fairness.rounds.round import CATEGORY, NEVER, NOBODY, Place, Round
from fairness.seed import category_seed

GOT, EQUAL, CLOSED, BARRED, WITNESSED, NOT_REACHED = (
    "got",
    "equal",
    "closed",
    "barred",
    "witnessed",
    "not_reached",
)


class NoApplication(LookupError):
    """The round has no application of this id."""


class Order(msgspec.Struct, frozen=True):
    """Where somebody is in the public order of `people`, and why: class first, then the draw's score (hex).

    `earlier_classes`: how many have a smaller class; `same_class`: how many have theirs, themselves included, of whom
    `drawn_before` drew a better score.
    """

    position: int
    people: int
    waiting_class: int
    earlier_classes: int
    same_class: int
    drawn_before: int
    score: str


class SchoolRule(msgspec.Struct, frozen=True):
    """The applicant's school: its maximum, None where it has none, and how many of its people with earlier turns are seated."""

    id: str
    most: int | None
    seated_before: int


class BatchTurn(msgspec.Struct, frozen=True):
    """The batch of the applicant, and its turn: the position of its last member."""

    id: str
    members: int
    turn: int


class Crowd(msgspec.Struct, frozen=True):
    """Why a batch could not sit in a session that was open: who is ahead and must sit in these, and its own members.

    `held` people with earlier turns and `members` of the batch are together more than the `seats` of `sessions`.
    """

    sessions: list[str]
    held: int
    members: int
    seats: int


class SessionWhy(msgspec.Struct, frozen=True):
    """One session of a line, as it was for this applicant.

    `answer` is `got`; `equal`, in the line that was promised; `closed` at `closed_at`, at or before their turn; `barred` by the
    school's maximum; `witnessed` by `crowd`; or `not_reached`, a worse line. `seats`: open to this applicant, with their
    school's reserve; `reserved_for_others`: seats that are not. Of the seats open to them `earlier_class` are held by
    people of smaller classes, `same_class` by people of their class who drew before them, `behind` by people behind
    them. `asked_before`: how many with earlier turns have the session on a form.
    """

    id: str
    answer: str
    closed_at: int | None
    seats: int
    reserved_for_others: int
    earlier_class: int
    same_class: int
    behind: int
    asked_before: int
    crowd: Crowd | None


class LineWhy(msgspec.Struct, frozen=True):
    """One line of the form, best first."""

    number: int
    sessions: list[SessionWhy]


class Why(msgspec.Struct, frozen=True):
    """`line` and `session` are what they got, None where nothing; `in_reserve`: in a seat of their school's reserve."""

    id: str
    line: int | None
    session: str | None
    in_reserve: bool
    order: Order
    school: SchoolRule | None
    batch: BatchTurn | None
    lines: list[LineWhy]


def explain(problem: Problem, round_: Round, outcome: Outcome, applicant: str) -> Why:
    """Why this applicant got what they got. `round_` is the problem in the result's order.

    Raises:
        NoApplication: nobody has this id.
    """
    try:
        position = list(round_.application_ids).index(applicant)
    except ValueError:
        raise NoApplication(f"there is no application {applicant!r} in this round") from None
    return _Explaining(problem, round_, outcome, position).why()


class _Explaining:
    """One applicant's round; owns what is counted once for all their sessions."""

    def __init__(self, problem: Problem, round_: Round, outcome: Outcome, position: int) -> None:
        self._round, self._passed, self._position = round_, outcome.final, position
        self._seed = outcome.seed
        self._seats = round_.place_capacities(outcome.kept)
        classes = {one.id: one.waiting_class for one in problem.applications}
        self._classes = [classes[one] for one in round_.application_ids]
        self._party = next((party for party in round_.parties if position in party.members), None)
        self._party_index = NOBODY if self._party is None else round_.parties.index(self._party)
        self._turn = position if self._party is None else self._party.turn
        self._turns = list(range(len(round_.forms)))
        for party in round_.parties:
            for member in party.members:
                self._turns[member] = party.turn
        self._school = round_.schools_at[position]
        self._members = (position,) if self._party is None else self._party.members
        self._holders: list[list[int]] = [[] for _ in round_.places]
        for one, place in enumerate(self._passed.place_at):
            if place != NOBODY and one not in self._members:
                self._holders[place].append(one)
        self._places_of: list[list[int]] = [[] for _ in round_.session_ids]
        for number, place in enumerate(round_.places):
            self._places_of[place.session].append(number)

    def why(self) -> Why:
        place = self._passed.place_at[self._position]
        got = self._passed.line_at[self._position]
        return Why(
            self._round.application_ids[self._position],
            None if place == NOBODY else got,
            None if place == NOBODY else self._session_id(self._round.places[place].session),
            place != NOBODY and self._round.places[place].school is not None,
            self._order(),
            self._school_rule(),
            None if self._party is None else BatchTurn(self._party.id, len(self._members), self._turn),
            self._lines(len(self._form()) if place == NOBODY else got, place),
        )

    def _form(self) -> list[list[int]]:
        """The lines as sessions: of the applicant, or of their batch."""
        if self._party is not None:
            return [[option.session for option in options] for options in self._party.lines]
        return [
            sorted({self._round.places[place].session for place in self._round.lines[line]})
            for line in self._round.forms[self._position]
        ]

    def _order(self) -> Order:
        mine = self._classes[self._position]
        applicant = self._round.application_ids[self._position]
        drawn_by = category_seed(self._seed, CATEGORY)
        earlier = sum(one < mine for one in self._classes)
        return Order(
            self._position,
            len(self._classes),
            mine,
            earlier,
            self._classes.count(mine),
            self._position - earlier,
            score_of(drawn_by, sha256(applicant.encode()).digest(), 1).hex(),
        )

    def _school_rule(self) -> SchoolRule | None:
        if self._school == NOBODY:
            return None
        most = self._round.maxima[self._school]
        return SchoolRule(
            self._round.school_ids[self._school],
            None if most == NEVER else most,
            self._seated_before(self._school),
        )

    def _seated_before(self, school: int) -> int:
        return sum(
            one == school and place != NOBODY and turn < self._turn
            for one, place, turn in zip(
                self._round.schools_at, self._passed.place_at, self._turns, strict=True
            )
        )

    def _barred(self) -> bool:
        """Whether a school of theirs had no seat left for them at their turn."""
        schools = [self._round.schools_at[member] for member in self._members]
        return any(
            self._round.maxima[school] - self._seated_before(school) < schools.count(school)
            for school in set(schools) - {NOBODY}
        )

    def _lines(self, got: int, place: int) -> list[LineWhy]:
        form = self._form()
        asked = self._asked_before({session for line in form for session in line})
        mine = NOBODY if place == NOBODY else self._round.places[place].session
        barred = place == NOBODY and self._barred()
        return [
            LineWhy(
                number,
                [
                    self._session(
                        number,
                        session,
                        asked[session],
                        self._answer(number, session, got, mine, barred=barred),
                    )
                    for session in sessions
                ],
            )
            for number, sessions in enumerate(form)
        ]

    def _answer(self, number: int, session: int, got: int, mine: int, *, barred: bool) -> str:
        if barred:
            return BARRED
        if number == got:
            return GOT if session == mine else EQUAL
        if number > got:
            return NOT_REACHED
        closed = self._closed_at(session)
        return CLOSED if closed is not None and closed <= self._turn else WITNESSED

    def _session(self, number: int, session: int, asked: int, answer: str) -> SessionWhy:
        places = self._places(session)
        held = [position for place in places for position in self._holders[place]]
        ahead = [position for position in held if self._turns[position] < self._turn]
        mine = self._classes[self._turn]
        seats = sum(self._seats[place] for place in places)
        return SessionWhy(
            self._session_id(session),
            answer,
            self._closed_at(session),
            seats,
            self._round.capacities[session] - seats,
            sum(self._classes[self._turns[position]] < mine for position in ahead),
            sum(self._classes[self._turns[position]] == mine for position in ahead),
            len(held) - len(ahead),
            asked,
            self._crowd(number, session) if answer == WITNESSED else None,
        )

    def _places(self, session: int) -> set[int]:
        """The session's places that are open to the applicant, or to all of their batch together."""
        schools = {self._round.schools_at[member] for member in self._members}
        return {
            number
            for number in self._places_of[session]
            if self._round.places[number].school is None or self._round.places[number].school in schools
        }

    def _closed_at(self, session: int) -> int | None:
        """Where the last place closed that was open to them; of a batch's members, where this came first."""
        closed_at = self._passed.closed_at
        last = min(
            max(
                closed_at[number]
                for number in self._places_of[session]
                if self._is_open(self._round.places[number], member)
            )
            for member in self._members
        )
        return None if last == NEVER else last

    def _is_open(self, place: Place, member: int) -> bool:
        return place.school is None or place.school == self._round.schools_at[member]

    def _asked_before(self, wanted: set[int]) -> dict[int, int]:
        """Session -> how many with earlier turns have it on a form, of these sessions."""
        of_line = [
            {self._round.places[place].session for place in line} & wanted for line in self._round.lines
        ]
        counts = dict.fromkeys(wanted, 0)
        for turn, form in zip(self._turns, self._round.forms, strict=True):
            if turn < self._turn:
                for session in set(chain.from_iterable(of_line[line] for line in form)):
                    counts[session] += 1
        for party in self._round.parties:
            if party.turn < self._turn:
                for session in {option.session for options in party.lines for option in options} & wanted:
                    counts[session] += len(party.members)
        return counts

    def _crowd(self, number: int, session: int) -> Crowd | None:
        """The witness's counts, over the places that were open at the batch's turn (`certificate`)."""
        if self._party is None:
            return None
        witness = next(
            one
            for one in self._passed.batches[self._party_index].witnesses
            if (one.line, one.session) == (number, session)
        )
        closed = self._closed()
        within = set(witness.places) - closed
        option = next(one for one in self._party.lines[number] if one.session == session)
        return Crowd(
            sorted({self._session_id(self._round.places[place].session) for place in within}),
            sum(places <= within for places in self._promised(closed)),
            sum(set(self._round.lines[line]) - closed <= within for line in option.member_lines),
            sum(self._seats[place] for place in within),
        )

    def _closed(self) -> set[int]:
        return {place for place, closed in enumerate(self._passed.closed_at) if closed <= self._turn}

    def _promised(self, closed: set[int]) -> list[set[int]]:
        """What those with earlier turns are promised, without what had closed: where that is all of it, nothing."""
        promised: list[set[int]] = []
        for position, form in enumerate(self._round.forms):
            if form and self._turns[position] < self._turn and self._passed.place_at[position] != NOBODY:
                promised.append(set(self._round.lines[form[self._passed.line_at[position]]]) - closed)
        for party, got in zip(self._round.parties, self._passed.batches, strict=True):
            if party.turn < self._turn and got.line != NOBODY:
                session = self._round.places[self._passed.place_at[party.turn]].session
                option = next(one for one in party.lines[got.line] if one.session == session)
                promised += [set(self._round.lines[line]) - closed for line in option.member_lines]
        return [places for places in promised if places]

    def _session_id(self, session: int) -> str:
        return self._round.session_ids[session]
