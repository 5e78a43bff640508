"""How a draw is bent: its bytes by anybody who passes it on, or the whole story by an operator who has the log's key."""

import json
from collections.abc import Callable
from typing import Any

from fairness import beacon, vrf
from fairness.bundle import write_bundle
from fairness.canonical import encode
from fairness.entrants import Entrant
from fairness.entries import Beacon, Finished, Voided, read, write
from fairness.note import SigningKey
from fairness.seed import freeze_hash
from tests.fairness.ceremonies import (
    CHAIN,
    ROUND,
    WITNESSES,
    Play,
    entrants_of,
    frozen_of,
    play,
    secret,
)

GOOD = play()
LINES = GOOD.bundle().split(b"\n")
COUNT = len(GOOD.entrants)
FREEZE = freeze_hash(GOOD.entries[3])


def joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines)


def header(change: Callable[[Any], None]) -> Callable[[], bytes]:
    """The header as an object, changed."""

    def make() -> bytes:
        told = json.loads(LINES[0])
        change(told)
        return joined([encode(told), *LINES[1:]])

    return make


def at(*path: Any, to: Any) -> Callable[[], bytes]:
    """One value of the header, replaced; `to` may be a function of what is there."""

    def change(told: Any) -> None:
        *way, last = path
        for part in way:
            told = told[part]
        told[last] = to(told[last]) if callable(to) else to

    return header(change)


def line(number: int, change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: joined([*LINES[:number], change(LINES[number]), *LINES[number + 1 :]])


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[], bytes]:
    return lambda: joined(change(list(LINES)))


def flipped(text: str) -> str:
    """The text with its first hex digit changed."""
    return ("0" if text[0] != "0" else "1") + text[1:]


def swapped(items: list[Any], one: int) -> list[Any]:
    return [*items[:one], items[one + 1], items[one], *items[one + 2 :]]


def operators(change: Callable[[Play], Play]) -> Callable[[], bytes]:
    """The operator's own: the log has what it is said to have, and is signed and witnessed."""
    return lambda: change(GOOD).bundle()


def entry(place: int, change: Callable[[Any], Any]) -> Callable[[], bytes]:
    """One entry of the log another from the beginning."""

    def changed(good: Play) -> Play:
        texts = list(good.entries)
        texts[place] = write(change(read(texts[place])))
        return good._replace(entries=texts)

    return operators(changed)


def without(place: int) -> Callable[[], bytes]:
    def changed(good: Play) -> Play:
        texts = [text for number, text in enumerate(good.entries) if number != place]
        moments = {m.entries - (m.entries > place): m for m in reversed(good.moments)}
        return good._replace(
            entries=texts, moments=[moments[size]._replace(entries=size) for size in sorted(moments)]
        )

    return operators(changed)


def later(place: int, by_s: int) -> Callable[[], bytes]:
    """A checkpoint is witnessed later than it should."""

    def changed(good: Play) -> Play:
        moments = list(good.moments)
        moments[place] = moments[place]._replace(time_s=moments[place].time_s + by_s)
        return good._replace(moments=moments)

    return operators(changed)


def redrawn(**changes: Any) -> Callable[[], bytes]:
    """A whole ceremony about another freeze than was announced."""
    return lambda: play(frozen=frozen_of(entrants_of(30), **changes)).bundle()


def second_freeze(good: Play) -> Play:
    return good.told_at(3, write(frozen_of(entrants_of(30), code=secret("another"))))


def void_after_all(good: Play) -> Play:
    return good.told_at(6, write(Voided("test-draw", FREEZE, "the operator did not like it")))


def announcement_voided(good: Play) -> Play:
    announced = freeze_hash(good.entries[2])
    return good.told_at(3, write(Voided("test-draw", announced, "the list was not ready")))


def other_chain() -> bytes:
    """A chain of the operator's own, whose secret they know, under the announced one's name."""
    own = CHAIN._replace(public_key=beacon.public_key_of(99))
    drawn = play(frozen=frozen_of(entrants_of(30), beacon=Beacon(own.hash, ROUND)))
    return drawn._replace(chain=own, signature=beacon.sign_round(99, ROUND)).bundle()


def other_contributors() -> bytes:
    """Two keys of the operator's, logged in time, but in nobody's trust file."""
    own = [secret("mine"), secret("mine too")]
    keys = tuple(map(vrf.public_key, own))
    return play(frozen=frozen_of(entrants_of(30), contributors=keys), contributors=own).bundle()


def same_list_other_key() -> bytes:
    """The log's key is not the one in the trust file."""
    forged = GOOD.header(log=SigningKey("log.test/gongdao", secret("forged")))
    return joined_bundle(forged)


def few_witnesses() -> bytes:
    return joined_bundle(GOOD.header(witnesses=WITNESSES[:1]))


def unknown_witnesses() -> bytes:
    strangers = [SigningKey(f"witness.test/{name}", secret(f"stranger {name}")) for name in ("w1", "w2")]
    return joined_bundle(GOOD.header(witnesses=strangers))


def forked() -> bytes:
    """The first checkpoint is of a log with another beginning."""
    fork = GOOD._replace(entries=[b"something else", *GOOD.entries[1:]]).header()
    good = GOOD.header()
    first = good.checkpoints[0]._replace(note=fork.checkpoints[0].note)
    return joined_bundle(good._replace(checkpoints=(first, *good.checkpoints[1:])))


def joined_bundle(told: Any) -> bytes:
    return b"".join(write_bundle(told, GOOD.entrants, GOOD.winners))


def with_entrants(change: Callable[[list[Entrant]], list[Entrant]]) -> Callable[[], bytes]:
    return lambda: b"".join(write_bundle(GOOD.header(), change(list(GOOD.entrants)), GOOD.winners))


def outcome(**changes: Any) -> Callable[[Finished], Finished]:
    def change(finished: Finished) -> Finished:
        categories = dict(finished.categories)
        categories["A"] = categories["A"]._replace(**changes)
        return finished._replace(categories=categories)

    return change


FIRST, WINNERS, END = 1, 1 + COUNT, len(LINES) - 2
