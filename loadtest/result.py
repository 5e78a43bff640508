"""What an aftermath found, as values. Imports msgspec only."""

import msgspec

from loadtest.answers import AnswerCount, Latency
from loadtest.comparison import UnitCount
from loadtest.told import Difference


class Broken(msgspec.Struct, frozen=True):
    """A finding of the audit: which invariant, where, what was seen."""

    invariant: str
    where: str
    seen: str


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """What the load left behind. `unknown` bookings may or may not be: their clients never got a word.

    `told_on_pages`: bookings of those told that were made by a page's form.
    """

    clients: int
    requests: int
    unanswered: int
    told_booked: int
    told_on_pages: int
    told_ended: int
    unknown: int
    stored_booked: int
    stored_ended: int
    capacity: int
    units: list[UnitCount]
    answers: list[AnswerCount]
    latencies: list[Latency]
    differences: list[Difference]
    audit: list[Broken]

    @property
    def unexpected(self) -> list[AnswerCount]:
        """Answers nobody should have been given."""
        return [answer for answer in self.answers if not answer.expected]

    @property
    def clean(self) -> bool:
        """True when nothing differs, no answer was unexpected and the invariants hold."""
        return not self.differences and not self.unexpected and not self.audit
