"""What clients were told, worked out of their journals. Pure: no network, no database.

An answer is either a word (a success, or a refusal that says nothing was changed) or leaves the outcome unknown: no
answer at all, `unavailable`, or a failure of the server. An unknown outcome may be either, until a later word on the
same hold settles it: the booking itself, or `hold_lost`, which promises that nothing was and will be booked.
"""

from collections.abc import Iterable, Sequence

import msgspec

from loadtest.journal import Action, Line

SETTLED_CODES = frozenset({"rebuilding", "busy"})
"""503s whose sentence promises that nothing was changed."""
BOOKED, CANCELLED, MOVED = "booked", "cancelled", "moved"


class Difference(msgspec.Struct, frozen=True):
    """Something a client was told that is not so. `kind` is one word a program can look for."""

    kind: str
    where: str
    told: str
    stored: str


class ToldBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking that its owner was told of, or may have without knowing (`certain` off, `unit` 0).

    `states` are those it may be in now; `moved_to` the ids it may have been moved to.
    """

    id: str
    account: str
    certain: bool
    unit: int = 0
    key: str = ""
    states: frozenset[str] = frozenset({BOOKED})
    moved_to: frozenset[str] = frozenset()


class Told(msgspec.Struct, frozen=True):
    """All clients' words together. `contradictions` need no database to be seen."""

    bookings: dict[str, ToldBooking]
    accounts: frozenset[str]
    pools: frozenset[int]
    unanswered: int
    contradictions: list[Difference]


def read_told(files: Iterable[Sequence[Line]]) -> Told:
    """What became of every hold and booking, as far as clients know. One account's lines are all in one file."""
    memories: dict[str, _Memory] = {}
    pools: set[int] = set()
    for lines in files:
        for line in lines:
            memories.setdefault(line.account, _Memory(line.account)).hear(line)
            pools.add(line.pool)
    bookings: dict[str, ToldBooking] = {}
    contradictions: list[Difference] = []
    for memory in memories.values():
        contradictions += memory.contradictions
        for told in memory.bookings():
            if told.id in bookings:
                other = bookings[told.id].account
                contradictions.append(
                    Difference(
                        "shared", f"booking {told.id}", f"{told.account} and {other} were both told of it", ""
                    )
                )
            bookings[told.id] = told
    unanswered = sum(len(memory.open) for memory in memories.values())
    return Told(bookings, frozenset(memories), frozenset(pools - {0}), unanswered, contradictions)


class _Memory:
    """Owns what one account has heard, line by line."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.open: dict[int, Line] = {}
        self.contradictions: list[Difference] = []
        self._unknown: list[Line] = []
        self._booked: dict[str, tuple[int, str]] = {}
        self._cancelled: set[str] = set()
        self._moved: dict[str, str] = {}
        self._lost: set[str] = set()
        self._keys: dict[str, str] = {}

    def hear(self, line: Line) -> None:
        if line.asked:
            self.open[line.n] = line
            return
        self.open.pop(line.n, None)
        if line.action is Action.HOLD and line.succeeded:
            self._lost.discard(line.became)
        elif line.action in {Action.CONFIRM, Action.RESCHEDULE, Action.CANCEL}:
            self._hear_binding(line)
        elif line.action.startswith("foreign") and line.succeeded:
            self._contradict("foreign", line, f"{line.action} was accepted ({line.status})")

    def _hear_binding(self, line: Line) -> None:
        if line.succeeded:
            self._hear_success(line)
        elif line.code == "hold_lost":
            self._hear_lost(line.hold, line)
        elif outcome_unknown(line):
            self._unknown.append(line)

    def _hear_success(self, line: Line) -> None:
        if line.action is Action.CANCEL:
            if line.booking in self._moved:
                self._contradict(
                    "contradiction", line, f"cancelled, after it was moved to {self._moved[line.booking]}"
                )
            self._cancelled.add(line.booking)
            return
        if line.became != line.hold:
            self._contradict("contradiction", line, f"hold {line.hold} became booking {line.became}")
        if line.hold in self._lost:
            self._contradict("contradiction", line, "booked, after it was told that the hold is lost")
        unit = self._booked.setdefault(line.became, (line.unit, line.key))[0]
        if unit != line.unit:
            self._contradict("contradiction", line, f"unit {unit} at first, then unit {line.unit}")
        if line.key and self._keys.setdefault(line.key, line.became) != line.became:
            self._contradict("key", line, f"key {line.key} gave {self._keys[line.key]} and {line.became}")
        if line.action is Action.RESCHEDULE:
            if line.booking in self._cancelled or self._moved.get(line.booking, line.became) != line.became:
                self._contradict("contradiction", line, "moved, after it was ended in another way")
            self._moved[line.booking] = line.became

    def _hear_lost(self, hold: str, line: Line) -> None:
        if hold in self._booked:
            self._contradict("contradiction", line, "lost and nothing booked, after it was told booked")
        # Nothing asked for before this word can book the hold any more, answered or not.
        self._lost.add(hold)
        self._unknown = [asked for asked in self._unknown if asked.hold != hold]
        self.open = {n: asked for n, asked in self.open.items() if asked.hold != hold}

    def _contradict(self, kind: str, line: Line, told: str) -> None:
        where = f"{self.account}, request {line.n}, {line.action} {line.hold or line.booking}"
        self.contradictions.append(Difference(kind, where, told, ""))

    def bookings(self) -> list[ToldBooking]:
        """Bookings told of, then those that may be without this account knowing."""
        unknown = [*self._unknown, *self.open.values()]
        told = [
            self._told(claim, unknown, certain=True, unit=unit, key=key)
            for claim, (unit, key) in self._booked.items()
        ]
        perhaps = {line.hold for line in unknown if line.action is not Action.CANCEL} - self._booked.keys()
        return told + [self._told(claim, unknown, certain=False) for claim in sorted(perhaps)]

    def _told(
        self, claim: str, unknown: Sequence[Line], *, certain: bool, unit: int = 0, key: str = ""
    ) -> ToldBooking:
        about = [line for line in unknown if line.booking == claim]
        moved_to = {line.hold for line in about if line.action is Action.RESCHEDULE}
        states = {BOOKED}
        if claim in self._cancelled:
            states, moved_to = {CANCELLED}, set[str]()
        elif claim in self._moved:
            states, moved_to = {MOVED}, {self._moved[claim]}
        else:
            states |= {CANCELLED for line in about if line.action is Action.CANCEL} | {
                MOVED for _ in moved_to
            }
        return ToldBooking(
            id=claim,
            account=self.account,
            certain=certain,
            unit=unit,
            key=key,
            states=frozenset(states),
            moved_to=frozenset(moved_to),
        )


def outcome_unknown(line: Line) -> bool:
    """True when the request may have been carried out all the same."""
    return line.status == 0 or (line.status >= 500 and line.code not in SETTLED_CODES)
