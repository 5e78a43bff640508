"""What a pass over a round gives: who got which line and place, what closed when, and why batches were refused."""

from collections.abc import Sequence
from typing import NamedTuple


class Witness(NamedTuple):
    """Why a batch could not have a session of one of its lines: with it, these places would hold too many.

    Whoever is ahead and has a promise within these places and those that had closed must sit in them; with the batch's
    members they are more than the seats.
    """

    line: int
    session: int
    places: tuple[int, ...]


class BatchPassed(NamedTuple):
    """The line that a batch got, or NOBODY, and a witness for every session of a better line that had not closed."""

    line: int
    witnesses: tuple[Witness, ...]


class Passed(NamedTuple):
    """`line_at` (of their form or their batch's) and `place_at` by position, `closed_at` by place, batches by turn."""

    line_at: Sequence[int]
    place_at: Sequence[int]
    closed_at: Sequence[int]
    batches: Sequence[BatchPassed]
