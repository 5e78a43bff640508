"""What the log says of one draw, put together: does it make one story? Imports the kinds of entries.

Step 3 of `verify`. No signature, proof or time is looked at here.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from fairness.bundle import Header
from fairness.entries import Announced, Contributed, Entry, Finished, Frozen, KeyEntry, Voided, read
from fairness.seed import freeze_hash

One = TypeVar("One", bound=Entry)


class EntriesRefused(ValueError):
    """The entries do not make one draw; the message says which and why."""


class Ceremony(NamedTuple):
    """One draw's entries. Places are those in the header's list; `voided`: how many freezes no longer count."""

    keys_at: tuple[int, ...]
    announced: Announced
    frozen_at: int
    frozen: Frozen
    contributed_at: tuple[int, ...]
    contributed: tuple[Contributed, ...]
    finished: Finished
    voided: int


def read_ceremony(header: Header) -> Ceremony:
    """The draw that the header's entries tell of.

    Raises:
        NotCanonical: one of them is no entry of a draw.
        EntriesRefused: they do not make one draw, or not the header's.
    """
    entries = [read(one.text) for one in header.entries]
    for entry in entries:
        if not isinstance(entry, KeyEntry) and entry.draw != header.draw:
            raise EntriesRefused(f"an entry is of another draw: {entry.draw}")
    freezes = {freeze_hash(one.text): place for place, one in enumerate(header.entries)}
    announced_at, announced = _only(entries, Announced, "announcement")
    frozen_at, frozen, voided = _freeze_that_counts(entries, freezes)
    finished_at, finished = _only(entries, Finished, "result")
    freezes_at = [place for place, entry in enumerate(entries) if isinstance(entry, Frozen)]
    counted = [
        place
        for place, entry in enumerate(entries)
        if isinstance(entry, Contributed) and freezes.get(entry.freeze) == frozen_at
    ]
    ceremony = Ceremony(
        keys_at=_keys(entries, frozen.contributors),
        announced=announced,
        frozen_at=frozen_at,
        frozen=frozen,
        contributed_at=tuple(counted),
        contributed=tuple(
            entry for entry in map(entries.__getitem__, counted) if isinstance(entry, Contributed)
        ),
        finished=finished,
        voided=voided,
    )
    _check_contributions(ceremony, entries, freezes)
    _check_order(ceremony, announced_at, min(freezes_at), finished_at=finished_at, count=len(entries))
    _check_agreement(header, ceremony, [entry for entry in entries if isinstance(entry, Frozen)])
    if freezes.get(finished.freeze) != frozen_at:
        raise EntriesRefused("the result is of another freeze")
    return ceremony


def _only(entries: Sequence[Entry], kind: type[One], what: str) -> tuple[int, One]:
    found = [(place, entry) for place, entry in enumerate(entries) if isinstance(entry, kind)]
    if len(found) != 1:
        raise EntriesRefused(f"there are {len(found)} entries of a draw's {what}, there must be one")
    return found[0]


def _freeze_that_counts(entries: Sequence[Entry], freezes: dict[bytes, int]) -> tuple[int, Frozen, int]:
    """The one freeze of the draw, or the first after voided ones: each voided before the next is frozen."""
    found = [(place, entry) for place, entry in enumerate(entries) if isinstance(entry, Frozen)]
    if not found:
        raise EntriesRefused("there is no freeze")
    voids = {
        freezes.get(entry.freeze, -1): place
        for place, entry in enumerate(entries)
        if isinstance(entry, Voided)
    }
    if not voids.keys() <= {place for place, _ in found}:
        raise EntriesRefused("something is voided that is no freeze here")
    *earlier, (last_at, last) = found
    for (place, _), (next_at, _) in zip(earlier, found[1:], strict=True):
        if not place < voids.get(place, -1) < next_at:
            raise EntriesRefused("there is a second freeze, and the first was not voided before it")
    if last_at in voids:
        raise EntriesRefused("the freeze was voided")
    return last_at, last, len(earlier)


def _keys(entries: Sequence[Entry], contributors: Sequence[bytes]) -> tuple[int, ...]:
    places = {entry.key: place for place, entry in enumerate(entries) if isinstance(entry, KeyEntry)}
    count = sum(isinstance(entry, KeyEntry) for entry in entries)
    if places.keys() != set(contributors) or count != len(contributors):
        raise EntriesRefused("there is not one key entry for each contributor and no other")
    return tuple(places[key] for key in contributors)


def _check_contributions(ceremony: Ceremony, entries: Sequence[Entry], freezes: dict[bytes, int]) -> None:
    """One of each contributor to the freeze that counts. Those to a voided one are history."""
    for place, entry in enumerate(entries):
        if isinstance(entry, Contributed):
            to = freezes.get(entry.freeze)
            if to is None or not isinstance(entries[to], Frozen):
                raise EntriesRefused("a contribution is to a freeze that is not here")
            if place < to:
                raise EntriesRefused("a contribution comes before its freeze")
    keys = [entry.key for entry in ceremony.contributed]
    if sorted(keys) != sorted(ceremony.frozen.contributors):
        raise EntriesRefused("there is not one contribution of each contributor and no other")


def _check_order(
    ceremony: Ceremony, announced_at: int, first_freeze_at: int, *, finished_at: int, count: int
) -> None:
    if max(announced_at, *ceremony.keys_at) > first_freeze_at:
        raise EntriesRefused("keys and announcement do not come before the freeze")
    if finished_at != count - 1:
        raise EntriesRefused("something comes after the result")


def _check_agreement(header: Header, ceremony: Ceremony, freezes: Sequence[Frozen]) -> None:
    announced = ceremony.announced
    for frozen in freezes:
        if (announced.beacon, announced.contributors) != (frozen.beacon, frozen.contributors):
            raise EntriesRefused("a freeze has another beacon or other contributors than were announced")
    if header.round != announced.beacon.round:
        raise EntriesRefused("the round is not the one that was announced")
