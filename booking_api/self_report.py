"""What a worker says of itself once a second: its kernel's tally, its queue, its watchers, its memory. Imports metrics.

The kernel counts in plain numbers on the path of every hold; only here are they carried into the shared counters.
"""

import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client import Counter

from booking_api.availability import Availability
from booking_api.metrics import (
    ACTS,
    COMMIT_ORDERS,
    COMMIT_QUEUE,
    COMMITS,
    JOB_ROUNDS,
    RESIDENT,
    WATCHERS,
)
from reservation import Kernel
from reservation.tally import Tally

REPORT_EVERY_S = 1.0
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

ACT_NAMES = (
    "held",
    "released",
    "expired",
    "booked",
    "abandoned",
    "cancelled",
    "moved",
    "substituted",
    "promised",
    "promises_ended",
    "rebuilt",
    "replayed",
)
"""The numbers of a tally that are acts, as they are named there."""


class SelfReport:
    """Owns what was reported last: counters are told what came since."""

    def __init__(self, kernel: Kernel, availability: Availability) -> None:
        self._kernel = kernel
        self._availability = availability
        self._told = [(counter, read, 0) for counter, read in _readings()]

    async def write(self) -> bool:
        """Reports once; there is never more to be done at once."""
        tally = self._kernel.tally
        told: list[tuple[Counter, Callable[[Tally], int], int]] = []
        for counter, read, before in self._told:
            now = read(tally)
            if now > before:
                counter.inc(now - before)
            told.append((counter, read, now))
        self._told = told
        COMMIT_QUEUE.set(self._kernel.committer.waiting)
        WATCHERS.set(self._availability.watchers)
        RESIDENT.set(resident_bytes())
        return False


def _readings() -> list[tuple[Counter, Callable[[Tally], int]]]:
    def number(name: str) -> Callable[[Tally], int]:
        return lambda tally: getattr(tally, name)

    return [
        *((ACTS.labels(name), number(name)) for name in ACT_NAMES),
        (COMMITS, number("batches")),
        (COMMIT_ORDERS, number("batch_orders")),
        (JOB_ROUNDS.labels("sweep", "done"), number("sweeps")),
        (JOB_ROUNDS.labels("sweep", "failed"), number("sweeps_failed")),
    ]


def resident_bytes() -> int:
    """This process's resident memory (proc(5), `statm`, second field)."""
    return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
