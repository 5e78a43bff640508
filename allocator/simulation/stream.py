"""Numbers that look random and are the same for the same seed: SHA-256 of seed, name and counter. Imports hashlib."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate

_BYTES = 8
_WHOLE = 1 << 64
_UNIT = 1 << 53


class Stream:
    """Owns its counter. Streams of other names from the same seed are independent of it.

    >>> Stream(bytes(32), "a").below(1000) == Stream(bytes(32), "a").below(1000)
    True
    """

    def __init__(self, seed: bytes, name: str) -> None:
        self._start = sha256(b"gongdao/simulation/v1\n" + seed + name.encode()).digest()
        self._counter = 0
        self._left: list[int] = []

    def _next(self) -> int:
        if not self._left:
            block = sha256(self._start + self._counter.to_bytes(_BYTES, "big")).digest()
            self._counter += 1
            self._left = [int.from_bytes(block[at : at + _BYTES], "big") for at in range(0, 32, _BYTES)]
        return self._left.pop()

    def below(self, limit: int) -> int:
        """A whole number from 0 to below the limit, each as likely."""
        fair = _WHOLE - _WHOLE % limit
        while True:
            number = self._next()
            if number < fair:
                return number % limit

    def unit(self) -> float:
        """A number from 0 to below 1."""
        return (self._next() >> 11) / _UNIT

    def seed(self) -> bytes:
        """A seed for something else, 32 bytes."""
        return sha256(b"seed\n" + self._start).digest()

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""
        return self.unit() < share

    def normal(self) -> float:
        """A standard normal number (Box and Muller, 10.1214/aoms/1177706645)."""
        return math.sqrt(-2 * math.log(1 - self.unit())) * math.cos(2 * math.pi * self.unit())

    def shuffled(self, count: int) -> list[int]:
        """0 to below `count` in an order each as likely (Fisher and Yates)."""
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


class Weighted:
    """Draws of what has weights above 0."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._sums = list(accumulate(weights))

    def draw(self, stream: Stream, count: int) -> list[int]:
        """`count` different ones, each drawn by the weights of those that are left; `count` is at most how many there are."""
        found: dict[int, None] = {}
        while len(found) < count:
            found[min(bisect_right(self._sums, stream.unit() * self._sums[-1]), len(self._sums) - 1)] = None
        return list(found)
