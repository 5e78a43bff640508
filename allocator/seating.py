"""Who sits where while a round is being solved: promises, the moves that keep them, and what has closed.

A promise is a line, not a place: whoever has one may be moved within it as long as the round is being solved. A chain
frees a place for somebody: each on it moves one place on, the last into a free one (`docs/spec/round.md`, section 5).
Imports heapq and bisect only.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from fairness.rounds.problem import Line
from fairness.rounds.round import NEVER, NOBODY


class Step(NamedTuple):
    """What is taken back: somebody went from `origin`, NOBODY where they had no seat before, to `target`."""

    position: int
    origin: int
    target: int


class Seating:
    """Owns the seats of a round.

    `place_at` and `line_at`: by position, where somebody sits and by which promise, NOBODY where they do not. `closed_at`:
    by place, the position from which on nobody can be promised it any more, NEVER while it is open. `shut`: by line, whether
    it was asked for and found closed.

    Seats that are free only become fewer, but for what `take_back` undoes: that is why a line's first free place is
    looked for from where it was found last.
    """

    def __init__(self, capacities: Sequence[int], lines: Sequence[Line], people: int) -> None:
        self.free = list(capacities)
        self.lines = lines
        self.closed_at = [NEVER] * len(capacities)
        self.place_at = [NOBODY] * people
        self.line_at = [NOBODY] * people
        self.shut = bytearray(len(lines))
        self._wide = bytearray([len(line) > 1 for line in lines])
        self._first_free = [0] * len(lines)
        self._movable: list[dict[int, list[int]]] = [{} for _ in capacities]
        """By place and line, the positions of those who sit there by that line and could move: heaps."""
        self._trying = False
        self._steps: list[Step] = []
        self._advances: list[tuple[int, int]] = []

    def promise(self, position: int, line: int) -> bool:
        """Keeps a place of the line for somebody, if that breaks no promise; else the places that were tried close."""
        met = self.try_seat(position, line)
        if met is None:
            return True
        for place in met:
            self.closed_at[place] = position
        self.shut[line] = 1
        return False

    def try_seat(self, position: int, line: int, *, moving: bool = True) -> Collection[int] | None:
        """Seats somebody in their line, `moving` others for it or not, and gives None; or the open places met in vain."""
        place = self._free_place(line)
        if place == NOBODY:
            chain, met = self._chain_from(line) if moving else ([], {})
            if not chain:
                return met
            self._move(chain)
            place = chain[0]
        self.seat(position, line, place)
        return None

    def _free_place(self, line: int) -> int:
        """The line's first place, in order, that has a free seat, or NOBODY."""
        places, free = self.lines[line], self.free
        at = start = self._first_free[line]
        while at < len(places) and not free[places[at]]:
            at += 1
        if at != start:
            self._first_free[line] = at
            if self._trying:
                self._advances.append((line, start))
        return places[at] if at < len(places) else NOBODY

    def _chain_from(self, line: int) -> tuple[list[int], dict[int, int]]:
        """(places of the chain that frees one of the line, empty where there is none; the places that were met).

        The shortest chain, and of these the one whose places, from the first on, come first in order: breadth first,
        what is met from one place in order.
        """
        closed_at, lines = self.closed_at, self.lines
        met = {place: NOBODY for place in lines[line] if closed_at[place] == NEVER}
        queue = list(met)
        expanded = {line}
        for place in queue:
            found: set[int] = set()
            ends: list[int] = []
            for other in self._movable[place].keys() - expanded:
                end = self._free_place(other)
                if end == NOBODY:
                    found.update(lines[other])
                else:
                    ends.append(end)
            if ends:
                return _way_back(met, place, min(ends)), met
            expanded.update(self._movable[place])
            for one in sorted(found.difference(met)):
                if closed_at[one] == NEVER:
                    met[one] = place
                    queue.append(one)
        return [], met

    def _move(self, chain: Sequence[int]) -> None:
        """Moves one person along each step of the chain, so that its first place has a free seat.

        Of those in a place whose line has the next one, the one ahead of all others in the public order goes.
        """
        for origin, target in zip(chain[-2::-1], chain[:0:-1], strict=True):
            movable = self._movable[origin]
            line = min((one for one in movable if self._has(one, target)), key=lambda one: movable[one][0])
            position = movable[line][0]
            self._leave(origin, line, position)
            self._enter(target, line, position)
            self.place_at[position] = target
            if self._trying:
                self._steps.append(Step(position, origin, target))

    def seat(self, position: int, line: int, place: int) -> None:
        """Seats somebody in a free place of their line."""
        self.line_at[position] = line
        self.place_at[position] = place
        self._enter(place, line, position)
        if self._trying:
            self._steps.append(Step(position, NOBODY, place))

    def close(self, places: Iterable[int], position: int) -> None:
        """From this position on nobody can be promised these places."""
        for place in places:
            self.closed_at[place] = position

    def begin(self) -> None:
        """From here on what is done can be taken back."""
        self._trying = True

    def keep(self) -> None:
        """What was done since `begin` stands."""
        self._trying = False
        self._steps.clear()
        self._advances.clear()

    def take_back(self) -> None:
        """Undoes what was done since `begin`, the last first."""
        for position, origin, target in reversed(self._steps):
            line = self.line_at[position]
            self._leave(target, line, position)
            self.place_at[position] = origin
            if origin == NOBODY:
                self.line_at[position] = NOBODY
            else:
                self._enter(origin, line, position)
        for line, start in reversed(self._advances):
            self._first_free[line] = start
        self.keep()

    def _enter(self, place: int, line: int, position: int) -> None:
        self.free[place] -= 1
        if self._wide[line]:
            movable = self._movable[place]
            if line in movable:
                heappush(movable[line], position)
            else:
                movable[line] = [position]

    def _leave(self, place: int, line: int, position: int) -> None:
        self.free[place] += 1
        if self._wide[line]:
            heap = self._movable[place][line]
            if heap[0] == position:
                heappop(heap)
            else:
                heap.remove(position)
                heapify(heap)
            if not heap:
                del self._movable[place][line]

    def _has(self, line: int, place: int) -> bool:
        places = self.lines[line]
        at = bisect_left(places, place)
        return at < len(places) and places[at] == place


def _way_back(met: dict[int, int], place: int, last: int) -> list[int]:
    chain = [last]
    while place != NOBODY:
        chain.append(place)
        place = met[place]
    return chain[::-1]
