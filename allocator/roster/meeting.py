"""Which seats meet which rows of demand: the most weight, exactly, by augmenting paths. May import town."""

from collections import deque
from collections.abc import Mapping

from allocator.roster.town import Town

Supply = Mapping[tuple[int, int], int]
"""(work, day) -> seats."""


def meet(town: Town, supply: Supply) -> tuple[int, ...]:
    """Seats met of each row of demand, weighing the most in sum.

    Rows are served from the heaviest on, each by augmenting paths that take nothing from those before: the sets of seats
    that can be met together are a matroid's, so the greedy order is best.
    """
    rows = {
        at: [key for key in sorted(supply) if supply[key] and row.matches(town.works[key[0]], key[1])]
        for at, row in enumerate(town.demand)
    }
    left = dict(supply)
    given: dict[tuple[int, int], dict[int, int]] = {key: {} for key in supply}
    for at in sorted(rows, key=lambda at: (-town.demand[at].weight, at)):
        missing = town.demand[at].seats
        while missing and (path := _path(rows, left, given, at)):
            amount = min(missing, left[path[-1][1]], *(given[key][row] for row, key in _takings(path)))
            left[path[-1][1]] -= amount
            for row, key in path:
                given[key][row] = given[key].get(row, 0) + amount
            for row, key in _takings(path):
                given[key][row] -= amount
            missing -= amount
    return tuple(sum(shares.get(at, 0) for shares in given.values()) for at in range(len(town.demand)))


def weight_of(town: Town, met: tuple[int, ...]) -> int:
    """Weighted seats."""
    return sum(row.weight * seats for row, seats in zip(town.demand, met, strict=True))


_Path = list[tuple[int, tuple[int, int]]]
"""(row, work and day it takes seats of), from the row that wants seats to the one that finds free ones."""


def _takings(path: _Path) -> _Path:
    """(row, key) where a later row of the path gave its seats up to the one before."""
    return [(path[at + 1][0], path[at][1]) for at in range(len(path) - 1)]


def _path(
    rows: dict[int, list[tuple[int, int]]],
    left: dict[tuple[int, int], int],
    given: dict[tuple[int, int], dict[int, int]],
    wanting: int,
) -> _Path:
    came: dict[int, tuple[int, tuple[int, int]]] = {}
    seen = set[tuple[int, int]]()
    queue = deque([wanting])
    while queue:
        row = queue.popleft()
        for key in rows[row]:
            if key in seen:
                continue
            seen.add(key)
            if left[key]:
                return _unwound(came, wanting, row, key)
            for holder, amount in sorted(given[key].items()):
                if amount and holder not in came and holder != wanting:
                    came[holder] = (row, key)
                    queue.append(holder)
    return []


def _unwound(
    came: dict[int, tuple[int, tuple[int, int]]], wanting: int, row: int, key: tuple[int, int]
) -> _Path:
    path = [(row, key)]
    while row != wanting:
        row, key = came[row]
        path.append((row, key))
    return path[::-1]
