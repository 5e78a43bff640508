"""What a rush did, counted as it happens: answers, outcomes, latencies, bookings. Imports msgspec only."""

from bisect import insort
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec

UNEXPECTED_KEPT = 20


class Outcome(StrEnum):
    """How a client's rush ended."""

    BOOKED = "booked"
    FULL = "full"
    LEFT = "left"
    GAVE_UP = "gave_up"
    FAILED = "failed"


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Times from the request's first byte to the answer's last, in milliseconds."""

    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Tally:
    """Counts one rush. Owned by its event loop, read by whoever shows it."""

    def __init__(self, *, clients: int, seats: int) -> None:
        self.clients = clients
        self.seats = seats
        self.free: int | None = None
        self.arrived = 0
        self.requests = 0
        self.holding = 0
        self.held = 0
        self.released = 0
        self.repeats = 0
        self.reconnects = 0
        self.refused: Counter[str] = Counter()
        self.outcomes: Counter[Outcome] = Counter()
        self.bookings: set[str] = set()
        self.unexpected: list[str] = []
        self._unexpected_total = 0
        self._times_ms: dict[str, list[float]] = {}

    @property
    def finished(self) -> int:
        """Clients whose rush is over."""
        return self.outcomes.total()

    @property
    def unexpected_total(self) -> int:
        """Answers that no part of a rush explains."""
        return self._unexpected_total

    def answered(self, step: str, ms: float) -> None:
        """One request of this step (hold, confirm, release) was answered."""
        self.requests += 1
        insort(self._times_ms.setdefault(step, []), ms)

    def surprise(self, what: str) -> None:
        """Something that must not happen; the first UNEXPECTED_KEPT are kept in words."""
        self._unexpected_total += 1
        if len(self.unexpected) < UNEXPECTED_KEPT:
            self.unexpected.append(what)

    def latencies(self) -> dict[str, Latency]:
        """Per step, in the order the steps first happened."""
        return {
            step: Latency(
                requests=len(times),
                p50_ms=quantile(times, 0.5),
                p95_ms=quantile(times, 0.95),
                p99_ms=quantile(times, 0.99),
                max_ms=times[-1],
            )
            for step, times in self._times_ms.items()
        }


def quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of sorted values.

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5), quantile([1.0, 2.0, 3.0, 4.0], 0.99)
    (2.0, 4.0)
    """
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]
