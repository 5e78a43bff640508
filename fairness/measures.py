"""Figures by which a draw or a round is judged, published with it. Pure arithmetic on what is public.

Floats are for showing: nothing is decided by them.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

_STEPS_LIMIT = 10_000
_ENOUGH = 1e-15
FOUR_FIFTHS = Fraction(4, 5)


class Impact(NamedTuple):
    """One group's chance beside the best group's (29 CFR 1607.4(D)): below `FOUR_FIFTHS` is generally adverse impact.

    `p`: how often chance alone parts the two groups this much or more; `ratio` is None where nobody of the best won.
    """

    group: str
    selected: int
    of: int
    ratio: Fraction | None
    p: float


def gini(values: Sequence[int]) -> Fraction:
    """Inequality of whole numbers that are not negative: 0 when all are equal, towards 1 when one has all.

    >>> gini([1, 1, 1]), gini([0, 0, 4])
    (Fraction(0, 1), Fraction(2, 3))

    Raises:
        ValueError: there are none, or one is negative.
    """
    if not values or min(values) < 0:
        raise ValueError("numbers that are not negative are needed")
    total, count = sum(values), len(values)
    if total == 0:
        return Fraction(0)
    weighted = sum(place * value for place, value in enumerate(sorted(values), 1))
    return Fraction(2 * weighted, count * total) - Fraction(count + 1, count)


def jain(values: Sequence[int]) -> Fraction:
    """Jain's index of fairness (1984): 1 when all are equal, 1/n when one has all.

    >>> jain([2, 2]), jain([0, 3])
    (Fraction(1, 1), Fraction(1, 2))

    Raises:
        ValueError: there are none, or all are 0.
    """
    squares = sum(value * value for value in values)
    if not squares:
        raise ValueError("numbers that are not all 0 are needed")
    return Fraction(sum(values) ** 2, len(values) * squares)


def impact(groups: dict[str, tuple[int, int]]) -> list[Impact]:
    """Each group's selection beside that of the group with the highest rate. `groups`: name -> (selected, of how many).

    Raises:
        ValueError: a group is empty, or has more selected than members.
    """
    for name, (selected, of) in groups.items():
        if not 0 <= selected <= of or of < 1:
            raise ValueError(f"{name} has {selected} selected of {of}")
    best = max(groups.values(), key=lambda counts: Fraction(*counts), default=(0, 1))
    rate = Fraction(*best)
    return [
        Impact(
            name, selected, of, Fraction(selected, of) / rate if rate else None, _parted((selected, of), best)
        )
        for name, (selected, of) in sorted(groups.items())
    ]


def chi_square(observed: Sequence[int], expected: Sequence[Fraction]) -> tuple[Fraction, int]:
    """(Pearson's statistic, its degrees of freedom) of counts against what was expected of them.

    Raises:
        ValueError: the two differ in length, or nothing was expected of a cell.
    """
    if len(observed) != len(expected) or any(cell <= 0 for cell in expected):
        raise ValueError("each count needs an expectation above 0")
    return sum(((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True)), Fraction(0)), len(
        observed
    ) - 1


def chi_square_p(statistic: float, degrees: int) -> float:
    """How often chance alone gives this statistic or a larger one: Q(k/2, x/2) (DLMF 8.2.4).

    >>> round(chi_square_p(3.841, 1), 3), round(chi_square_p(18.307, 10), 3)
    (0.05, 0.05)

    Raises:
        ValueError: fewer than 1 degrees of freedom, or a negative statistic.
    """
    if degrees < 1 or statistic < 0:
        raise ValueError("a statistic of 0 or more with 1 or more degrees of freedom is needed")
    shape, x = degrees / 2, statistic / 2
    if x == 0:
        return 1.0
    scale = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    return 1 - scale * _series(shape, x) if x < shape + 1 else scale * _fraction(shape, x)


def _series(shape: float, x: float) -> float:
    """P(a, x) without its scale (DLMF 8.7.1)."""
    term = total = 1 / shape
    for step in range(1, _STEPS_LIMIT):
        term *= x / (shape + step)
        total += term
        if term < total * _ENOUGH:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    """Q(a, x) without its scale, by its continued fraction (DLMF 8.9.2), after Lentz."""
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    value = d
    for step in range(1, _STEPS_LIMIT):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        value *= d * c
        if abs(d * c - 1) < _ENOUGH:
            break
    return value


def _parted(one: tuple[int, int], other: tuple[int, int]) -> float:
    """The two groups' fourfold table by chi-square."""
    selected, of = one[0] + other[0], one[1] + other[1]
    if one == other or selected in {0, of}:
        return 1.0
    observed = [one[0], one[1] - one[0], other[0], other[1] - other[0]]
    expected = [
        Fraction(size * share, of) for size in (one[1], other[1]) for share in (selected, of - selected)
    ]
    return chi_square_p(float(chi_square(observed, expected)[0]), 1)
