"""One matter, one finished draw (`docs/spec/draw.md`, section 3): what a log's entries say of each, in their order.

A matter is what an announcement is for: authority, quota and period. An operator who does not like a draw could let it
drop and announce the same matter under another name; the fields tie the two together, and the void must say why.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from fairness.entries import Announced, Beacon, Entry, Finished, Frozen, KeyEntry, Voided
from fairness.seed import freeze_hash

Matter: TypeAlias = tuple[str, str, str]
"""Authority, quota, period."""
InTime: TypeAlias = Callable[[int, Beacon], bool | None]
"""Whether the entry at an index was witnessed before the round was due; None where nobody here can tell."""


class Noticed(NamedTuple):
    """What there is to say of an entry: `told` is as it should be and worth knowing, `wrong` must not be."""

    told: list[str]
    wrong: list[str]


def matter_of(announced: Announced) -> Matter:
    """What a draw is for."""
    return announced.authority, announced.quota, announced.period


class Matters:
    """Owns what the entries so far have said of each draw and each matter."""

    def __init__(self, in_time: InTime) -> None:
        self._in_time = in_time
        self._announced: dict[str, tuple[bytes, Announced]] = {}
        self._current: dict[Matter, str] = {}
        self._freezes: dict[str, list[bytes]] = {}
        self._draws: dict[bytes, str] = {}
        self._voids: dict[bytes, tuple[int, str]] = {}
        self._finished: set[str] = set()

    def take(self, index: int, text: bytes, entry: Entry) -> Noticed:
        """The next entry of the log."""
        noticed = Noticed([], [])
        match entry:
            case Announced():
                self._announce(index, freeze_hash(text), entry, noticed)
            case Frozen():
                self._freeze(index, freeze_hash(text), entry.draw, noticed)
            case Voided():
                self._take_void(index, entry, noticed)
            case Finished():
                self._finish(index, entry.draw, noticed)
            case _:
                # Keys are of no matter, and contributions are held against their freeze by `verify`.
                pass
        return noticed

    def _announce(self, index: int, code: bytes, entry: Announced, noticed: Noticed) -> None:
        matter = matter_of(entry)
        earlier = self._current.get(matter)
        self._draws[code] = entry.draw
        if entry.draw in self._announced:
            noticed.wrong.append(f"entry {index} announces the draw {entry.draw} a second time")
            return
        self._announced[entry.draw] = code, entry
        self._current[matter] = entry.draw
        if earlier is None:
            return
        said = (
            f"entry {index} announces {entry.draw} for the matter of {earlier} ({', '.join(matter)}), which"
        )
        void = self._void(earlier)
        if earlier in self._finished:
            noticed.wrong.append(f"{said} was finished")
        elif void is None:
            noticed.wrong.append(f"{said} was not voided")
        else:
            self._judge(said, earlier, *void, noticed)

    def _judge(self, said: str, draw: str, void_at: int, reason: str, noticed: Noticed) -> None:
        """A void after the round was due could be of a result that somebody did not like."""
        if draw not in self._freezes:
            noticed.told.append(f"{said} was voided before it was frozen: {reason}")
            return
        match self._in_time(void_at, self._announced[draw][1].beacon):
            case True:
                noticed.told.append(f"{said} was voided before its round: {reason}")
            case False:
                noticed.wrong.append(
                    f"{said} was voided, but nothing shows that it was before its round: {reason}"
                )
            case None:
                noticed.told.append(f"{said} was voided, before or after its round is not known: {reason}")

    def _freeze(self, index: int, code: bytes, draw: str, noticed: Noticed) -> None:
        earlier = self._freezes.setdefault(draw, [])
        self._draws[code] = draw
        if earlier and earlier[-1] not in self._voids:
            noticed.wrong.append(f"entry {index} freezes the draw {draw} a second time")
        earlier.append(code)
        self._refuse_left(index, "freezes", draw, noticed)

    def _take_void(self, index: int, entry: Voided, noticed: Noticed) -> None:
        """A void is of a freeze or an announcement of its own draw that stands before it; any other voids nothing."""
        what = f"entry {index} voids the draw {entry.draw}"
        if entry.draw in self._finished:
            noticed.wrong.append(f"{what}, which was finished")
        draw = self._draws.get(entry.freeze)
        if draw == entry.draw:
            self._voids.setdefault(entry.freeze, (index, entry.reason))
        elif draw is None:
            noticed.wrong.append(
                f"{what} by {entry.freeze.hex()}, which is no announcement or freeze before it"
            )
        else:
            noticed.wrong.append(f"{what} by {entry.freeze.hex()}, which is of the draw {draw}")

    def _finish(self, index: int, draw: str, noticed: Noticed) -> None:
        if draw in self._finished:
            noticed.wrong.append(f"entry {index} finishes the draw {draw} a second time")
        self._finished.add(draw)
        self._refuse_left(index, "finishes", draw, noticed)

    def _refuse_left(self, index: int, what: str, draw: str, noticed: Noticed) -> None:
        """Nothing goes on with a draw whose announcement is void, or whose matter has been announced anew."""
        if draw not in self._announced:
            return
        code, announced = self._announced[draw]
        current = self._current[matter_of(announced)]
        if code in self._voids:
            noticed.wrong.append(f"entry {index} {what} {draw}, whose announcement was voided")
        if current != draw:
            noticed.wrong.append(f"entry {index} {what} {draw}, whose matter was announced anew as {current}")

    def _void(self, draw: str) -> tuple[int, str] | None:
        """Where and why a draw became void: its announcement did, or it was frozen and the last of its freezes did."""
        code, _ = self._announced[draw]
        freezes = self._freezes.get(draw, [])
        if code in self._voids:
            return self._voids[code]
        if freezes and all(freeze in self._voids for freeze in freezes):
            return max(self._voids[freeze] for freeze in freezes)
        return None


def named(entry: Entry) -> str:
    """An entry's kind and whose it is, in a line."""
    kind = type(entry).__name__
    if isinstance(entry, KeyEntry):
        return f"{kind} {entry.name}"
    if isinstance(entry, Announced):
        return f"{kind} {entry.draw} for {', '.join(matter_of(entry))}"
    return f"{kind} {entry.draw}"
