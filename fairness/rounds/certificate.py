"""Is a pass the one the rule promises? Checked without solving anything, in the time it takes to read the forms.

The rule: in the public order everyone gets the best line on their own form that can still be honoured without breaking a
promise to anyone ahead (`docs/spec/round.md`, section 7). The certificate is one closing position for each place that
closed, and a witness for each session that a batch was refused while it was open.

Why the closings prove the rule: let a place close at position p. Everybody in it is ahead of p and sits there by a line
whose places had all closed by p, so that moving within their lines leads to closed places only, and each of these is full.
No chain of moves can end in a free seat. Imports `round` and `passed`.
"""

from collections.abc import Mapping, Sequence

from fairness.rounds.passed import BatchPassed, Passed, Witness
from fairness.rounds.round import NEVER, NOBODY, Option, Party, Round


class CertificateRefused(ValueError):
    """The allocation is not the one the rule promises, or the certificate does not show it; the message says where."""


def check_pass(round_: Round, reserved: Mapping[int, int], passed: Passed) -> None:
    """Holds when everybody got what the rule promises them. `reserved`: place -> seats that it keeps.

    Raises:
        CertificateRefused: it does not hold, or is not shown to hold.
    """
    capacities = round_.place_capacities(reserved)
    # (0) The figures speak of this round.
    _check_shape(round_, passed)
    # (1) No place holds more than its seats, and what closed is full.
    _check_loads(round_, capacities, passed)
    # (2) Everybody ahead, line by line: what is better had closed, and where they sit they could not make room.
    line_closed = [max([passed.closed_at[place] for place in line]) for line in round_.lines]
    turns = _Turns(round_, capacities, passed, line_closed)
    if round_.parties or round_.limited:
        turns.check_all()
    else:
        turns.check_forms(range(len(round_.forms)))


def _check_shape(round_: Round, passed: Passed) -> None:
    people = len(round_.forms)
    if (len(passed.line_at), len(passed.place_at)) != (people, people):
        raise CertificateRefused(f"there are {people} applications, and outcomes for another number")
    if len(passed.closed_at) != len(round_.places) or len(passed.batches) != len(round_.parties):
        raise CertificateRefused("the closings or the batches are not the round's")
    for place, position in enumerate(passed.closed_at):
        if position != NEVER and not 0 <= position < people:
            raise CertificateRefused(f"{place_name(round_, place)} closed at {position}, where nobody is")


def _check_loads(round_: Round, capacities: Sequence[int], passed: Passed) -> None:
    loads = [0] * len(capacities)
    for position, place in enumerate(passed.place_at):
        if place != NOBODY:
            if not 0 <= place < len(loads):
                raise CertificateRefused(f"position {position} has a place that is none")
            loads[place] += 1
    for place, (load, seats) in enumerate(zip(loads, capacities, strict=True)):
        if load > seats:
            raise CertificateRefused(f"{place_name(round_, place)} has {load} people on {seats} seats")
        if load < seats and passed.closed_at[place] != NEVER:
            raise CertificateRefused(f"{place_name(round_, place)} closed with {seats - load} seats free")


class _Turns:
    """Everybody's turn in the public order, with what was promised until then."""

    def __init__(
        self, round_: Round, capacities: Sequence[int], passed: Passed, line_closed: Sequence[int]
    ) -> None:
        self._round, self._capacities, self._passed = round_, capacities, passed
        self._line_closed = line_closed
        self._seats_left = list(round_.maxima)
        self._held = [0] * len(round_.lines)
        """By line, how many have it promised until now: counted where there are batches."""
        self._lines_with: list[list[int]] = [[] for _ in round_.places] if round_.parties else []

    def check_all(self) -> None:
        round_ = self._round
        party_at = {party.turn: index for index, party in enumerate(round_.parties)}
        in_party = {member for party in round_.parties for member in party.members}
        for position in range(len(round_.forms)):
            if position in party_at:
                party = round_.parties[party_at[position]]
                self._check_party(party, self._passed.batches[party_at[position]])
            elif position not in in_party:
                self._check_person(position)

    def check_forms(self, positions: Sequence[int]) -> None:
        """The turns of people who are in no batch, and of whose schools none is full."""
        forms, lines, line_closed = self._round.forms, self._round.lines, self._line_closed
        line_at, place_at, closed_at = self._passed.line_at, self._passed.place_at, self._passed.closed_at
        for position in positions:
            form, number, place = forms[position], line_at[position], place_at[position]
            if place != NOBODY:
                if not 0 <= number < len(form) or place not in lines[form[number]]:
                    raise self._refused(position, f"{self._name(place)} is not in their line {number}")
                closed = closed_at[place]
                if closed != NEVER:
                    if position >= closed:
                        raise self._refused(
                            position, f"a seat in {self._name(place)}, which closed at {closed}"
                        )
                    if line_closed[form[number]] > closed:
                        raise self._refused(
                            position, f"{self._name(place)} closed at {closed}, though they could make room"
                        )
            elif number != NOBODY:
                raise self._refused(position, f"line {number}, and no place")
            else:
                number = len(form)
            for better in range(number):
                if line_closed[form[better]] > position:
                    raise self._refused(position, f"line {better} could be honoured: it had not closed")

    def _check_person(self, position: int) -> None:
        form, number = self._round.forms[position], self._passed.line_at[position]
        school = self._round.schools_at[position]
        if form and school != NOBODY and self._seats_left[school] < 1:
            if self._passed.place_at[position] != NOBODY or number != NOBODY:
                raise self._refused(position, "a seat above their school's maximum")
            return
        self.check_forms((position,))
        if number != NOBODY:
            self._promise(form[number], school)

    def _check_party(self, party: Party, got: BatchPassed) -> None:
        schools = [self._round.schools_at[member] for member in party.members]
        self._check_together(party, got)
        if any(
            school != NOBODY and self._seats_left[school] < schools.count(school) for school in set(schools)
        ):
            if got.line != NOBODY:
                raise self._refused(party.turn, f"batch {party.id!r} has seats above its school's maximum")
            return
        number = len(party.lines) if got.line == NOBODY else got.line
        witnesses = {(witness.line, witness.session): witness for witness in got.witnesses}
        for better in range(number):
            for option in party.lines[better]:
                self._check_option(party, option, witnesses.get((better, option.session)))
        if got.line != NOBODY:
            session = self._round.places[self._passed.place_at[party.turn]].session
            option = next(one for one in party.lines[got.line] if one.session == session)
            for line, school in zip(option.member_lines, schools, strict=True):
                self._promise(line, school)

    def _check_together(self, party: Party, got: BatchPassed) -> None:
        """All members in one session of the line, or none anywhere; and where they sit they could not make room."""
        passed = self._passed
        places = [passed.place_at[member] for member in party.members]
        if any(passed.line_at[member] != got.line for member in party.members):
            raise self._refused(party.turn, f"the members of batch {party.id!r} have other lines than it")
        if got.line == NOBODY:
            if any(place != NOBODY for place in places):
                raise self._refused(party.turn, f"batch {party.id!r} has seats and no line")
            return
        options = party.lines[got.line] if 0 <= got.line < len(party.lines) else ()
        for option in options:
            lines = [self._round.lines[line] for line in option.member_lines]
            if all(place in line for place, line in zip(places, lines, strict=True)):
                break
        else:
            raise self._refused(
                party.turn, f"batch {party.id!r} is not in one session of its line {got.line}"
            )
        for place, line in zip(places, option.member_lines, strict=True):
            closed = passed.closed_at[place]
            if party.turn >= closed:
                raise self._refused(party.turn, f"seats in {self._name(place)}, which closed at {closed}")
            if closed != NEVER and self._line_closed[line] > closed:
                raise self._refused(
                    party.turn,
                    f"{self._name(place)} closed at {closed}, though batch {party.id!r} could make room",
                )

    def _check_option(self, party: Party, option: Option, witness: Witness | None) -> None:
        """The session could not take the batch: it had closed, or the witness holds more people than seats."""
        if any(self._line_closed[line] <= party.turn for line in option.member_lines):
            return
        session = self._round.session_ids[option.session]
        if witness is None:
            raise self._refused(
                party.turn, f"batch {party.id!r} could sit in {session}: no witness against it"
            )
        if not all(0 <= place < len(self._capacities) for place in witness.places):
            raise self._refused(
                party.turn, f"the witness of batch {party.id!r} for {session} has a place that is none"
            )
        closed_at = self._passed.closed_at
        within = {place for place in witness.places if closed_at[place] > party.turn}
        people = self._held_within(within, party.turn) + sum(
            self._is_within(line, within, party.turn) for line in option.member_lines
        )
        seats = sum(self._capacities[place] for place in within)
        if people <= seats:
            raise self._refused(
                party.turn,
                f"batch {party.id!r} could sit in {session}: its witness has {people} people on {seats} seats",
            )

    def _held_within(self, within: set[int], turn: int) -> int:
        """How many have promises that these open places and the closed ones must keep, and not the closed ones alone.

        What had closed is full of those whose lines had closed, each counted once: they and their seats cancel out.
        """
        self._index_lines()
        lines = {line for place in within for line in self._lines_with[place] if self._held[line]}
        return sum(self._held[line] for line in lines if self._is_within(line, within, turn))

    def _is_within(self, line: int, within: set[int], turn: int) -> bool:
        closed_at = self._passed.closed_at
        return all(place in within or closed_at[place] <= turn for place in self._round.lines[line])

    def _index_lines(self) -> None:
        if not any(self._lines_with):
            for line, places in enumerate(self._round.lines):
                for place in places:
                    self._lines_with[place].append(line)

    def _promise(self, line: int, school: int) -> None:
        self._held[line] += 1
        if school != NOBODY:
            self._seats_left[school] -= 1

    def _name(self, place: int) -> str:
        return place_name(self._round, place)

    def _refused(self, position: int, reason: str) -> CertificateRefused:
        return CertificateRefused(f"position {position} ({self._round.application_ids[position]}): {reason}")


def place_name(round_: Round, place: int) -> str:
    """A place in words."""
    session, school = round_.places[place]
    name = f"session {round_.session_ids[session]}"
    return name if school is None else f"{name}, reserve of {round_.school_ids[school]}"
