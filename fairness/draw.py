"""The ranking: exact, in whole numbers, the same whatever the list's order. Imports hashlib only.

Each pick is exactly proportional to the weights that are left (`docs/spec/draw.md`, section 6).
"""

import math
from array import array
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple, TypeAlias

WORST = b"\xff" * 32
_SCALE = 256**32
_SPARE = 6
"""Standard deviations by which the first guess of the cutoff is generous: it is too low once in a billion draws."""

Buffer: TypeAlias = bytes | bytearray
Weights: TypeAlias = "array[int]"


class Scored(NamedTuple):
    """An entrant with what ranks it: tuples of these sort as the specification says."""

    score: bytes
    id_hash: bytes
    weight: int


Scoring: TypeAlias = Callable[[bytes, Buffer, Weights, bytes], list[Scored]]
"""`scored_within`, or something that gives the same with more processes."""


def score_of(seed: bytes, id_hash: bytes, weight: int) -> bytes:
    """The bytewise smallest of an entrant's keys, 32 bytes. `seed` is the category's.

    >>> score_of(bytes(32), bytes(32), 2) <= score_of(bytes(32), bytes(32), 1)
    True
    """
    start = seed + id_hash
    return min(sha256(start + ticket.to_bytes(4, "big")).digest() for ticket in range(weight))


def scored_within(seed: bytes, id_hashes: Buffer, weights: Weights, bound: bytes) -> list[Scored]:
    """The entrants whose score is not above the bound, in the list's order.

    `id_hashes` lie behind each other, 32 bytes each. This loop is the whole cost of a draw: it does little beside
    hashing, and most entrants have one ticket.
    """
    found: list[Scored] = []
    first = bytes(4)
    start = 0
    for weight in weights:
        end = start + 32
        key = seed + id_hashes[start:end]
        start = end
        score = sha256(key + first).digest()
        if weight > 1:
            score = min(
                score, *(sha256(key + ticket.to_bytes(4, "big")).digest() for ticket in range(1, weight))
            )
        if score <= bound:
            found.append(Scored(score, key[32:], weight))
    return found


def rank(
    seed: bytes, id_hashes: Buffer, weights: Weights, *, quota: int, scoring: Scoring = scored_within
) -> list[Scored]:
    """The first `quota` of a category's entrants, in order. `seed` is the category's.

    Only those are kept whose score is below a guess of the cutoff; the guess saves memory and sorting, and cannot
    change the result: when too few are below it, it is raised.
    """
    share = _generous_share(quota, sum(weights))
    while True:
        bound = WORST if share >= 1 else int(share * _SCALE).to_bytes(32, "big")
        found = scoring(seed, id_hashes, weights, bound)
        if len(found) >= min(quota, len(weights)):
            return sorted(found)[:quota]
        share *= 4


def join(entrants: Iterable[tuple[bytes, int]]) -> tuple[bytes, Weights]:
    """(id_hash, weight) pairs as `rank` takes them."""
    hashes, weights = bytearray(), array("I")
    for id_hash, weight in entrants:
        hashes += id_hash
        weights.append(weight)
    return bytes(hashes), weights


def _generous_share(quota: int, tickets: int) -> float:
    """A share of all scores below which there are more than `quota` entrants, most likely.

    For weights of 1. With heavier entrants several tickets below it are one entrant's, so that it may be too low.
    """
    if tickets == 0:
        return 1.0
    return (quota + _SPARE * math.sqrt(quota + _SPARE) + _SPARE) / tickets
