"""Receipts of one good draw, and every way to bend one that we could think of, with the step at which it is caught."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from fairness.canonical import encode
from fairness.entrants import hash_id
from fairness.entries import read
from fairness.receipt import Receipt, prove_line, write_receipt
from fairness.tlog_proof import TlogProof, format_tlog_proof
from tests.fairness.bending import flipped
from tests.fairness.ceremonies import LOG, Play, entrants_of, frozen_of, play, secret

FREEZE_AT = 3
GOOD = play(12)
WINNER = GOOD.winners[0][1][0].id_hash


def receipt_of(played: Play, *, entrant_id: str, salt: bytes, id_hash: bytes | None = None) -> bytes:
    """A receipt's file. With an id_hash it tells no id."""
    header = played.header()
    frozen_entry = header.entries[FREEZE_AT]
    log = TlogProof(frozen_entry.place, frozen_entry.proof, header.checkpoints[-1].note)
    who = hash_id(salt=salt, entrant_id=entrant_id) if id_hash is None else id_hash
    receipt = Receipt(
        freeze=frozen_entry.text,
        frozen=read(frozen_entry.text),
        id_hash=who,
        entrant_id=entrant_id if id_hash is None else "",
        salt=salt if id_hash is None else b"",
        lines=prove_line(played.entrants, who),
        log=format_tlog_proof(log),
    )
    return write_receipt(receipt) + b"\n"


def of_person(number: int, played: Play = GOOD) -> bytes:
    return receipt_of(played, entrant_id=f"person {number}", salt=secret(f"salt {number}"))


def of_hash(id_hash: bytes, played: Play = GOOD) -> bytes:
    return receipt_of(played, entrant_id="", salt=b"", id_hash=id_hash)


RECEIPTS: dict[str, Callable[[], bytes]] = {
    **{f"person {number}": lambda number=number: of_person(number) for number in range(12)},
    "a winner without a name": lambda: of_hash(WINNER),
    "a stranger": lambda: of_person(91),
    "before the first": lambda: of_hash(bytes(32)),
    "after the last": lambda: of_hash(b"\xff" * 32),
}
LISTED, ABSENT = RECEIPTS["person 0"](), RECEIPTS["a stranger"]()


class Tampering(NamedTuple):
    """A bent receipt. `make` gives its file; `step` is the one that must refuse it."""

    name: str
    step: str
    make: Callable[[], bytes]


def at(*path: Any, to: Any, of: bytes = LISTED) -> Callable[[], bytes]:
    """One value of the receipt, replaced; `to` may be a function of what is there."""

    def make() -> bytes:
        told = json.loads(of)
        place = told
        *way, last = path
        for part in way:
            place = place[part]
        place[last] = to(place[last]) if callable(to) else to
        return encode(told) + b"\n"

    return make


def frozen(**changes: Any) -> Callable[[str], str]:
    """The freeze's text with other members."""
    return lambda text: encode({**json.loads(text), **changes}).decode()


def log(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def log_line(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        lines = text.split("\n")
        lines[number] = change(lines[number])
        return "\n".join(lines)

    return changed


def other_hash(text: str) -> str:
    return ("A" if text[0] != "A" else "B") + text[1:]


def of_another_draw() -> bytes:
    """The same people, in a freeze that the bundle's log does not have: another list of rules."""
    return of_person(0, play(12, frozen=frozen_of(entrants_of(12), code=secret("other rules"))))


def surplus() -> bytes:
    return encode({**json.loads(LISTED), "x": 1}) + b"\n"


def missing() -> bytes:
    told = json.loads(LISTED)
    del told["log"]
    return encode(told) + b"\n"


RECEIPT_TAMPERINGS = [
    Tampering("format of another version", "read", at("format", to="gongdao/draw-receipt/v2")),
    Tampering("a member more", "read", surplus),
    Tampering("a member fewer", "read", missing),
    Tampering("a space", "read", lambda: LISTED.replace(b":", b": ", 1)),
    Tampering("no line feed", "read", lambda: LISTED[:-1]),
    Tampering("a second line", "read", lambda: LISTED + b"{}\n"),
    Tampering("empty", "read", lambda: b""),
    Tampering("freeze: no entry", "read", at("freeze", to="{}")),
    Tampering("freeze: an entry of another kind", "read", at("freeze", to=GOOD.entries[2].decode())),
    Tampering("freeze: another draw", "log", at("freeze", to=frozen(draw="other-draw"))),
    Tampering("freeze: another root", "list", at("freeze", to=frozen(root=secret("root").hex()))),
    Tampering("freeze: an entrant more", "list", at("freeze", to=frozen(entrants=99, tickets=999))),
    Tampering("freeze: more places", "log", at("freeze", to=frozen(quotas={"A": 12, "B": 12, "新": 12}))),
    Tampering("freeze: fewer categories", "list", at("freeze", to=frozen(quotas={"X": 1}))),
    Tampering("id: another's", "id", at("id", to="person 1")),
    Tampering("id: left out, its salt not", "read", at("id", to="")),
    Tampering("salt: flipped", "id", at("salt", to=flipped)),
    Tampering("salt: left out, its id not", "read", at("salt", to="")),
    Tampering("salt: in capitals", "read", at("salt", to=str.upper)),
    Tampering("id_hash: another's", "id", at("id_hash", to=WINNER.hex())),
    Tampering("id_hash: too short", "read", at("id_hash", to=lambda text: text[2:])),
    Tampering("line: another's id_hash", "list", at("lines", 0, "id_hash", to=flipped)),
    Tampering("line: heavier", "list", at("lines", 0, "weight", to=9)),
    Tampering("line: without weight", "read", at("lines", 0, "weight", to=0)),
    Tampering("line: another category", "list", at("lines", 0, "category", to="B")),
    Tampering("line: a category without quota", "list", at("lines", 0, "category", to="X")),
    Tampering("line: another index", "list", at("lines", 0, "index", to=lambda index: index ^ 1)),
    Tampering("line: an index beyond the list", "list", at("lines", 0, "index", to=12)),
    Tampering("line: a proof shorter", "list", at("lines", 0, "proof", to=lambda proof: proof[:-1])),
    Tampering("line: a proof longer", "list", at("lines", 0, "proof", to=lambda proof: [*proof, proof[0]])),
    Tampering("line: a hash changed", "list", at("lines", 0, "proof", 0, to=other_hash)),
    Tampering("line: a hash cut", "read", at("lines", 0, "proof", 0, to="AAAA")),
    Tampering("lines: none", "read", at("lines", to=[])),
    Tampering("lines: the same twice", "list", at("lines", to=lambda lines: lines * 2)),
    Tampering("lines: three", "read", at("lines", to=lambda lines: lines * 3)),
    Tampering("absent: one neighbour left out", "list", at("lines", to=lambda lines: lines[:1], of=ABSENT)),
    Tampering("absent: the other left out", "list", at("lines", to=lambda lines: lines[1:], of=ABSENT)),
    Tampering("absent: a neighbour's index", "list", at("lines", 0, "index", to=0, of=ABSENT)),
    Tampering("absent: a neighbour heavier", "list", at("lines", 1, "weight", to=9, of=ABSENT)),
    Tampering(
        "absent: of somebody who is listed",
        "list",
        at("lines", to=json.loads(RECEIPTS["before the first"]())["lines"]),
    ),
    Tampering("log: empty", "log", at("log", to="")),
    Tampering("log: of another form", "log", at("log", to=log("@v1", "@v2"))),
    Tampering("log: another index", "log", at("log", to=log("index 6", "index 5"))),
    Tampering("log: no index", "log", at("log", to=log("index 6\n", ""))),
    Tampering("log: a hash changed", "log", at("log", to=log_line(2, other_hash))),
    Tampering(
        "log: a hash fewer", "log", at("log", to=lambda text: text.replace(text.split("\n")[2] + "\n", "", 1))
    ),
    Tampering("log: another origin", "log", at("log", to=log(f"\n\n{LOG.name}\n", "\n\nlog.test/other\n"))),
    Tampering(
        "log: cosigned by too few", "log", at("log", to=lambda text: "\n".join(text.split("\n")[:-3]) + "\n")
    ),
    Tampering("of a freeze that the bundle does not have", "bundle", of_another_draw),
]
