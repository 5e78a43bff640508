"""Orders that authorities use today, to compare the public order with: first come, and the latest applicable timestamp.

Pure. The public order itself, waiting class and then draw, is `fairness.rounds.round.public_order`. Times are whole
seconds on any one scale; ties go by the bytes of the id, so that every order is total.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Missed(NamedTuple):
    """A booking that came to nothing: cancelled, or not turned up for. `own_fault`: whether the person caused it."""

    at_s: int
    own_fault: bool


class History(NamedTuple):
    """What a person's place in the timestamp rank hangs on. `last_exam_at_s` is None before the first exam."""

    accepted_at_s: int
    last_exam_at_s: int | None = None
    missed: Sequence[Missed] = ()


def latest_timestamp_s(history: History) -> int:
    """The latest applicable timestamp: of the acceptance or, later, the last exam; a miss of one's own sets it back.

    >>> latest_timestamp_s(History(10)), latest_timestamp_s(History(10, 50))
    (10, 50)
    >>> latest_timestamp_s(History(10, 50, [Missed(70, own_fault=True), Missed(90, own_fault=False)]))
    70
    """
    began = history.accepted_at_s if history.last_exam_at_s is None else history.last_exam_at_s
    return max([began, *(one.at_s for one in history.missed if one.own_fault)])


def timestamp_order(ids: Sequence[str], histories: Sequence[History]) -> list[int]:
    """The indices of people, the earliest of their latest applicable timestamps first."""
    return _by([latest_timestamp_s(one) for one in histories], ids)


def first_come_order(ids: Sequence[str], arrivals_s: Sequence[int]) -> list[int]:
    """The indices of people by when they came."""
    return _by(arrivals_s, ids)


def _by(times_s: Sequence[int], ids: Sequence[str]) -> list[int]:
    keys = [(time_s, one.encode()) for time_s, one in zip(times_s, ids, strict=True)]
    return sorted(range(len(keys)), key=keys.__getitem__)
