"""The rule of rounds, written from `docs/spec/round.md`, sections 3 to 6, and from nothing else: by trying everything.

Slow, for rounds of a handful of people. It takes the problem as the file has it and imports nothing of the product, so
that it and the product can only be wrong in the same way where the specification is.
"""

import hmac
import itertools
from collections import Counter
from hashlib import sha256
from typing import NamedTuple


class Place(NamedTuple):
    """A session's own seats (`school` is None), or what is reserved in it for a school."""

    session: str
    school: str | None


class Turn(NamedTuple):
    """Whose turn it is: one application, or a batch with its members in the public order."""

    position: int
    batch: str | None
    members: tuple[str, ...]
    lines: list[list[str]]


class Told(NamedTuple):
    """One pass: by application or batch; `closed_at` by place; a witness is (line, session, places)."""

    places: dict[str, Place]
    lines: dict[str, int]
    batch_lines: dict[str, int]
    closed_at: dict[Place, int]
    witnesses: dict[str, list[tuple[int, str, list[Place]]]]
    barred: set[str]


def public_order(problem, seed):
    """The applications' ids in the public order (section 3, and `draw.md`, section 6)."""
    drawn_by = hmac.digest(seed, b"category\norder\x01", "sha256")

    def key(one):
        id_hash = sha256(one["id"].encode()).digest()
        return one["class"], sha256(drawn_by + id_hash + bytes(4)).digest(), id_hash

    return [one["id"] for one in sorted(problem["applications"], key=key)]


def turns_of(problem, order):
    """Everybody's turn; members of batches have theirs with the last of them."""
    position = {one: number for number, one in enumerate(order)}
    batched = {member for batch in problem.get("batches", []) for member in batch["members"]}
    turns = [
        Turn(position[one["id"]], None, (one["id"],), one["lines"])
        for one in problem["applications"]
        if one["id"] not in batched
    ]
    for batch in problem.get("batches", []):
        members = tuple(sorted(batch["members"], key=position.__getitem__))
        turns.append(Turn(position[members[-1]], batch["id"], members, batch["lines"]))
    return sorted(turns, key=lambda turn: turn.position)


def reserves_of(problem):
    """Place -> seats, of what is reserved, in the order of places."""
    reserves = {
        Place(reserve["session"], school["id"]): reserve["seats"]
        for school in problem.get("schools", [])
        for reserve in school.get("reserve", [])
        if reserve["seats"]
    }
    return {place: reserves[place] for place in in_order(reserves)}


def in_order(places):
    """Section 4: by session; in a session its reserves by school, its own seats last."""
    return sorted(
        places,
        key=lambda place: (place.session.encode(), place.school is None, (place.school or "").encode()),
    )


def seats_of(problem, reserved):
    """Place -> seats, in the order of places, where so much is reserved."""
    seats = {Place(one["id"], None): one["capacity"] for one in problem["sessions"]}
    for place, count in reserved.items():
        seats[Place(place.session, None)] -= count
    seats |= reserved
    return {place: seats[place] for place in in_order(seats)}


def maxima_of(problem):
    return {one["id"]: one["max"] for one in problem.get("schools", []) if "max" in one}


def schools_of(problem):
    return {one["id"]: one.get("school") for one in problem["applications"]}


def both_passes(problem, seed):
    """(the first pass, place -> seats that it took of the reserves, the second pass)."""
    reserves = reserves_of(problem)
    first = Pass(problem, seed, reserves).run()
    sitting = Counter(first.places.values())
    kept = {place: sitting[place] for place in reserves}
    return first, kept, Pass(problem, seed, kept).run()


def can_honour(wanted, seats):
    """Whether everybody can sit in one of their places at once: every assignment is tried."""
    if not wanted:
        return True
    return any(
        seats[place] and can_honour(wanted[1:], seats | {place: seats[place] - 1}) for place in wanted[0]
    )


def lines_by_trying_all(problem, seed, reserved, batch_sessions):
    """{application or batch: line} by the sentence of section 1 alone: whether promises can be kept, in any way.

    Which session of its line a batch sits in is given: `batch_sessions`.
    """
    one_pass = Pass(problem, seed, reserved)
    promises, lines, left = [], {}, Counter(maxima_of(problem))
    for turn in one_pass.turns:
        if one_pass.is_barred(turn, left):
            continue
        for number, line in enumerate(turn.lines):
            ways = [line] if turn.batch is None else [[session] for session in line]
            wanted = [[one_pass.line_of(member, way) for member in turn.members] for way in ways]
            if any(can_honour(promises + way, one_pass.seats) for way in wanted):
                if turn.batch is not None:
                    session = batch_sessions[turn.batch]
                    wanted = [[one_pass.line_of(member, [session]) for member in turn.members]]
                    assert session in line
                    assert can_honour(promises + wanted[0], one_pass.seats)
                promises += wanted[0]
                lines |= dict.fromkeys(turn.members, number)
                left.subtract(one_pass.schools[member] for member in turn.members)
                break
    return lines


class Pass:
    """One pass of section 5."""

    def __init__(self, problem, seed, reserved):
        self.turns = turns_of(problem, public_order(problem, seed))
        self.order = public_order(problem, seed)
        self.seats = seats_of(problem, reserved)
        self.number = {place: number for number, place in enumerate(self.seats)}
        self.schools, self.maxima = schools_of(problem), maxima_of(problem)
        self.sits: dict[str, Place] = {}
        self.promised: dict[str, list[Place]] = {}
        self.told = Told(self.sits, {}, {}, {}, {}, set())

    def line_of(self, application, sessions):
        """The places that a line of sessions means for an applicant, in order."""
        school = self.schools[application]
        return [place for place in self.seats if place.session in sessions and place.school in {None, school}]

    def is_barred(self, turn, left):
        needs = Counter(self.schools[member] for member in turn.members)
        return bool(turn.lines) and any(
            school in self.maxima and left[school] < need for school, need in needs.items()
        )

    def run(self):
        left = Counter(self.maxima)
        for turn in self.turns:
            if turn.batch is not None:
                self.told.witnesses[turn.batch] = []
            if self.is_barred(turn, left):
                self.told.barred.update(turn.members)
            elif self._person(turn) if turn.batch is None else self._batch(turn):
                left.subtract(self.schools[member] for member in turn.members)
        return self.told

    def _person(self, turn):
        (application,) = turn.members
        for number, sessions in enumerate(turn.lines):
            line = self.line_of(application, sessions)
            if self._seat(application, line):
                self.told.lines[application] = number
                return True
            self._close(self._reached(line), turn.position)
        return False

    def _batch(self, turn):
        for number, sessions in enumerate(turn.lines):
            ways = [[session] for session in sorted(sessions, key=str.encode)]
            if any(self._without_moving(turn, way) for way in ways) or any(
                self._with_moving(turn, number, way) for way in ways
            ):
                self.told.batch_lines[turn.batch] = number
                self.told.lines.update(dict.fromkeys(turn.members, number))
                return True
        return False

    def _without_moving(self, turn, session):
        before = dict(self.sits), dict(self.promised)
        for member in turn.members:
            free = [place for place in self.line_of(member, session) if self._is_free(place)]
            if not free:
                self._put_back(before)
                return False
            self.sits[member], self.promised[member] = free[0], self.line_of(member, session)
        return True

    def _with_moving(self, turn, number, session):
        before = dict(self.sits), dict(self.promised)
        for member in turn.members:
            line = self.line_of(member, session)
            if self._seat(member, line):
                continue
            met = self._reached(line)
            self._put_back(before)
            if member == turn.members[0]:
                self._close(met, turn.position)
            elif met:
                self.told.witnesses[turn.batch].append((number, session[0], met))
            return False
        return True

    def _put_back(self, before):
        for now, then in zip((self.sits, self.promised), before, strict=True):
            now.clear()
            now.update(then)

    def _seat(self, application, line):
        """By the best of all chains; one of a single place moves nobody."""
        begun = [[place] for place in line if place not in self.told.closed_at]
        found = [chain for start in begun for chain in self._chains(start)]
        if not found:
            return False
        chain = min(found, key=lambda one: (len(one), [self.number[place] for place in one]))
        for origin, target in reversed(list(itertools.pairwise(chain))):
            mover = next(
                one for one in self.order if self.sits.get(one) == origin and target in self.promised[one]
            )
            self.sits[mover] = target
        self.sits[application], self.promised[application] = chain[0], line
        return True

    def _chains(self, begun):
        if self._is_free(begun[-1]):
            yield begun
            return
        for place in self._next(begun[-1]):
            if place not in begun:
                yield from self._chains([*begun, place])

    def _next(self, origin):
        """Open places to which somebody who sits here could move."""
        lines = [self.promised[one] for one, place in self.sits.items() if place == origin]
        return [
            place
            for place in self.seats
            if place not in self.told.closed_at and any(place in line for line in lines)
        ]

    def _reached(self, line):
        reached = {place for place in line if place not in self.told.closed_at}
        while more := {other for place in reached for other in self._next(place)} - reached:
            reached |= more
        return in_order(reached)

    def _close(self, places, position):
        for place in places:
            self.told.closed_at.setdefault(place, position)

    def _is_free(self, place):
        return Counter(self.sits.values())[place] < self.seats[place]
