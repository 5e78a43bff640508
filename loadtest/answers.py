"""How the server answered: codes that were to be expected and those that were not, and how long it took. Pure."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from loadtest.journal import Action, Line

NOT_NOW = frozenset({"unavailable", "rebuilding", "busy", "rate_limited"})
EXPECTED: Mapping[Action, frozenset[str]] = {
    Action.LOOK: frozenset({"unavailable", "busy"}),
    Action.BOOKINGS: NOT_NOW,
    Action.HOLD: NOT_NOW | {"full", "another_hold"},
    Action.RELEASE: NOT_NOW | {"hold_lost", "in_flight"},
    Action.CONFIRM: NOT_NOW | {"full", "hold_lost", "already_booked", "already_confirmed", "in_flight"},
    Action.CANCEL: NOT_NOW | {"not_active"},
    Action.RESCHEDULE: NOT_NOW | {"full", "hold_lost", "in_flight", "not_active"},
    Action.FOREIGN_RELEASE: NOT_NOW | {"hold_lost"},
    Action.FOREIGN_CONFIRM: NOT_NOW | {"hold_lost"},
    Action.FOREIGN_CANCEL: NOT_NOW | {"unknown_booking"},
    Action.FOREIGN_RESCHEDULE: NOT_NOW | {"unknown_booking", "hold_lost"},
}
"""Refusals that are part of an ordinary life, by what was asked for."""


class AnswerCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often an action was answered so."""

    action: str
    status: int
    code: str
    count: int
    expected: bool


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the client's first byte to the last of the answer."""

    action: str
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def count_answers(
    files: Iterable[Sequence[Line]], *, allowed: frozenset[str] | None = None
) -> list[AnswerCount]:
    """Answers by action, status and code. With `allowed`, only these refusals are expected of any action."""
    counts = Counter(
        (line.action, line.status, line.code) for lines in files for line in lines if not line.asked
    )
    return [
        AnswerCount(
            action=action,
            status=status,
            code=code,
            count=count,
            expected=_expected(action, status, code, allowed),
        )
        for (action, status, code), count in sorted(counts.items())
    ]


def _expected(action: Action, status: int, code: str, allowed: frozenset[str] | None) -> bool:
    if 200 <= status < 300:
        return True
    return code in EXPECTED[action] and (allowed is None or code in allowed)


def measure(files: Iterable[Sequence[Line]]) -> list[Latency]:
    """Percentiles of each action's answers, whatever they were; requests without an answer are left out."""
    took: dict[str, list[float]] = defaultdict(list)
    for lines in files:
        for line in lines:
            if not line.asked and line.status:
                took[line.action].append(line.took_ms)
    return [
        Latency(
            action=action,
            count=len(times),
            p50_ms=percentile(times, 50),
            p95_ms=percentile(times, 95),
            p99_ms=percentile(times, 99),
            max_ms=max(times),
        )
        for action, times in sorted(took.items())
    ]


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest value that so many percent do not exceed.

    >>> percentile([15.0, 20.0, 35.0, 40.0, 50.0], 30)
    20.0
    """
    ranked = sorted(values)
    return ranked[max(0, math.ceil(percent / 100 * len(ranked)) - 1)]


def done_after_ms(files: Iterable[Sequence[Line]], *, wave: str, opened_ms: int) -> int:
    """From the opening to the last booking that a client of this wave was told of; 0 when there was none."""
    told = [
        line.at_ms
        for lines in files
        for line in lines
        if line.action is Action.CONFIRM and line.succeeded and line.account.startswith(f"{wave}-")
    ]
    return max(told, default=opened_ms) - opened_ms


def back_after_ms(files: Iterable[Sequence[Line]], *, since_ms: int) -> int | None:
    """From a crash to the first hold or booking that was asked for after it; None when there was none."""
    told = [
        line.at_ms
        for lines in files
        for line in lines
        if line.action in {Action.HOLD, Action.CONFIRM}
        and line.succeeded
        and line.at_ms - line.took_ms > since_ms
    ]
    return min(told) - since_ms if told else None
