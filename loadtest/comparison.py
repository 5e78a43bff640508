"""Told against stored. Pure: takes both as values and gives what differs."""

from collections import Counter

import msgspec

from loadtest.stored import Stored, StoredBooking
from loadtest.told import BOOKED, MOVED, Difference, Told, ToldBooking


class UnitCount(msgspec.Struct, frozen=True, kw_only=True):
    """One unit: active bookings told for certain, at most told, stored as rows and in the unit's own counter."""

    unit: int
    capacity: int
    told: int
    told_at_most: int
    stored: int
    counter: int

    @property
    def agrees(self) -> bool:
        """True when the rows lie within what was told, and nothing is oversold."""
        return self.told <= self.stored <= self.told_at_most and self.stored == self.counter <= self.capacity


def compare(told: Told, stored: Stored) -> list[Difference]:
    """Everything that differs, each once by its most telling kind."""
    differences = list(told.contradictions)
    for booking in told.bookings.values():
        differences += _check_told(booking, stored)
    for row in stored.bookings.values():
        if row.id not in told.bookings:
            about = (
                "no client of this journal"
                if row.owner not in told.accounts
                else f"{row.owner} was told nothing"
            )
            differences.append(Difference("untold", f"booking {row.id} in unit {row.unit}", about, _row(row)))
    for count in count_units(told, stored):
        if not count.agrees:
            at_most = f"{count.told} to {count.told_at_most} active"
            rows = f"{count.stored} rows, counter {count.counter}, capacity {count.capacity}"
            differences.append(Difference("count", f"unit {count.unit}", at_most, rows))
    return differences


def count_units(told: Told, stored: Stored) -> list[UnitCount]:
    """Per unit, in id order. A booking whose state is not certain counts only in what was told at most."""
    certain: Counter[int] = Counter()
    perhaps: Counter[int] = Counter()
    for booking in told.bookings.values():
        if booking.certain and booking.states == {BOOKED}:
            certain[booking.unit] += 1
        elif BOOKED in booking.states:
            row = stored.bookings.get(booking.id)
            perhaps[booking.unit or (row.unit if row else 0)] += 1
    rows = Counter(row.unit for row in stored.bookings.values() if row.state == BOOKED)
    return [
        UnitCount(
            unit=unit.id,
            capacity=unit.capacity,
            told=certain[unit.id],
            told_at_most=certain[unit.id] + perhaps[unit.id],
            stored=rows[unit.id],
            counter=unit.booked,
        )
        for unit in stored.units.values()
    ]


def _check_told(told: ToldBooking, stored: Stored) -> list[Difference]:
    where = f"booking {told.id}"
    row = stored.bookings.get(told.id)
    if row is None:
        said = f"{told.account} was told unit {told.unit}"
        return [Difference("lost", where, said, "no row")] if told.certain else []
    found: list[Difference] = []
    if row.owner != told.account:
        found.append(Difference("owner", where, f"of {told.account}", f"of {row.owner}"))
    if told.certain and row.unit != told.unit:
        found.append(Difference("unit", where, f"unit {told.unit}", f"unit {row.unit}"))
    if row.state not in told.states or (row.state == MOVED and row.moved_to not in told.moved_to):
        said = " or ".join(sorted(told.states)) + "".join(f" to {claim}" for claim in sorted(told.moved_to))
        found.append(Difference("state", where, said, _row(row)))
    if told.key and (kept := stored.keys.get((told.account, told.key))) != told.id:
        found.append(Difference("key", where, f"under key {told.key}", f"that key gave {kept or 'nothing'}"))
    return found


def _row(row: StoredBooking) -> str:
    return f"{row.state} by {row.owner} in unit {row.unit}" + (
        f", moved to {row.moved_to}" if row.moved_to else ""
    )
