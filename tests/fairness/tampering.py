"""Every way to bend a draw that we could think of, and the step at which it must be caught.

The first kind changes a good bundle's bytes, as anybody can who passes it on. The second is done by the operator, who
holds the log's key and has the witnesses cosign whatever grows: there every signature and proof is as it should be.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from fairness import beacon, vrf
from fairness.bundle import write_bundle
from fairness.canonical import encode
from fairness.entrants import Entrant
from fairness.entries import Beacon, Finished, Voided, read, write
from fairness.note import SigningKey
from fairness.seed import contribution_input, freeze_hash
from tests.fairness.ceremonies import (
    CHAIN,
    CONTRIBUTORS,
    DUE_S,
    KEYS,
    ROUND,
    WITNESSES,
    Moment,
    Play,
    entrants_of,
    frozen_of,
    play,
    secret,
)


class Tampering(NamedTuple):
    """A bent draw. `make` gives the bundle's bytes; `step` is the one that must refuse it."""

    name: str
    step: str
    make: Callable[[], bytes]


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
_HEADER = [
    Tampering("format of another version", "read", at("format", to="gongdao/draw-bundle/v2")),
    Tampering("a member more in the header", "read", header(lambda told: told.update(x=1))),
    Tampering("a member fewer in the header", "read", header(lambda told: told.pop("beacon"))),
    Tampering("draw of another name", "entries", at("draw", to="other-draw")),
    Tampering("chain: beacon id", "trust", at("beacon", "chain", "beacon_id", to="quicknet")),
    Tampering("chain: genesis seed", "trust", at("beacon", "chain", "genesis_seed", to=flipped)),
    Tampering("chain: genesis time", "trust", at("beacon", "chain", "genesis_time", to=lambda t: t + 1)),
    Tampering("chain: period", "trust", at("beacon", "chain", "period", to=30)),
    Tampering("chain: public key", "trust", at("beacon", "chain", "public_key", to=flipped)),
    Tampering("chain: scheme", "read", at("beacon", "chain", "scheme", to="pedersen-bls-chained")),
    Tampering("round number", "entries", at("beacon", "round", to=ROUND + 1)),
    Tampering(
        "round's signature flipped", "beacon", at("beacon", "signature", to=lambda t: t[:-1] + flipped(t[-1]))
    ),
    Tampering("round's signature the identity", "beacon", at("beacon", "signature", to="c0" + "00" * 47)),
    Tampering(
        "round's signature of the next round",
        "beacon",
        at("beacon", "signature", to=beacon.sign_round(0x00C0_FFEE_1234, ROUND + 1).hex()),
    ),
    Tampering(
        "checkpoint: size",
        "witnesses",
        at("checkpoints", 0, "note", to=lambda t: t.replace("\n5\n", "\n6\n")),
    ),
    Tampering(
        "checkpoint: no cosignature",
        "witnesses",
        at("checkpoints", 1, "note", to=lambda t: t.split("— witness")[0]),
    ),
    Tampering(
        "checkpoint: text flipped", "witnesses", at("checkpoints", 3, "note", to=lambda t: "m" + t[1:])
    ),
    Tampering(
        "checkpoint: consistency proof flipped",
        "log",
        at("checkpoints", 0, "proof", 0, to=lambda t: ("A" if t[0] != "A" else "B") + t[1:]),
    ),
    Tampering("checkpoint: consistency proof dropped", "log", at("checkpoints", 0, "proof", to=[])),
    Tampering("checkpoint: proof beside the last", "log", at("checkpoints", 3, "proof", to=["A" * 43 + "="])),
    Tampering("checkpoints swapped", "log", at("checkpoints", to=lambda t: swapped(t, 0))),
    Tampering("checkpoint twice", "log", at("checkpoints", to=lambda t: [t[0], *t])),
    Tampering("checkpoints dropped but the last", "times", at("checkpoints", to=lambda t: t[-1:])),
    Tampering("checkpoint before the round dropped", "times", at("checkpoints", to=lambda t: [*t[:2], t[3]])),
    Tampering(
        "checkpoint before the freeze dropped", "times", at("checkpoints", to=lambda t: [t[0], *t[2:]])
    ),
    Tampering("entry: index", "log", at("entries", 0, "index", to=2)),
    Tampering("entry: text", "log", at("entries", 2, "entry", to=lambda t: t.replace("2026-12", "2026-11"))),
    Tampering(
        "entry: inclusion proof flipped",
        "log",
        at("entries", 4, "proof", 1, to=lambda t: ("A" if t[0] != "A" else "B") + t[1:]),
    ),
    Tampering("entry: inclusion proof longer", "log", at("entries", 4, "proof", to=lambda t: [*t, t[0]])),
    Tampering("entries swapped", "log", at("entries", to=lambda t: swapped(t, 0))),
    Tampering("entry twice", "log", at("entries", to=lambda t: [t[0], *t])),
    Tampering("entry dropped: a key", "entries", at("entries", to=lambda t: t[1:])),
    Tampering("entry dropped: the announcement", "entries", at("entries", to=lambda t: t[:2] + t[3:])),
    Tampering("entry dropped: the freeze", "entries", at("entries", to=lambda t: t[:3] + t[4:])),
    Tampering("entry dropped: a contribution", "entries", at("entries", to=lambda t: t[:4] + t[5:])),
    Tampering("entry dropped: the result", "entries", at("entries", to=lambda t: t[:-1])),
    Tampering(
        "a hash in base64 with other spare bits",
        "read",
        at("checkpoints", 0, "proof", 0, to=lambda t: t[:-2] + chr(ord(t[-2]) + 1) + "="),
    ),
]
_BYTES = [
    Tampering("space in the header", "read", line(0, lambda t: t.replace(b":", b": ", 1))),
    Tampering(
        "members of the header in another order",
        "read",
        lines(
            lambda t: [
                json.dumps(
                    dict(reversed(json.loads(t[0]).items())), separators=(",", ":"), ensure_ascii=False
                ).encode(),
                *t[1:],
            ]
        ),
    ),
    Tampering("nothing at all", "read", lambda: b""),
    Tampering("not UTF-8", "read", line(0, lambda t: t.replace(b"test-draw", b"test\xff"))),
    Tampering("carriage returns", "read", lambda: joined(LINES).replace(b"\n", b"\r\n")),
    Tampering("an empty line between the entrants", "entrants", lines(lambda t: [*t[:5], b"", *t[5:]])),
    Tampering("cut off in the middle of the entrants", "entrants", lambda: joined(LINES[:9])),
    Tampering("cut off after the entrants", "ranking", lines(lambda t: [*t[:WINNERS], b""])),
    Tampering("no end line", "ranking", lines(lambda t: [*t[:END], b""])),
    Tampering("no last line feed", "ranking", lambda: joined(LINES)[:-1]),
    Tampering("something after the end", "ranking", lambda: joined(LINES) + b"x"),
    Tampering("end line with other numbers", "ranking", line(END, lambda t: t.replace(b"30", b"31"))),
]
_LISTS = [
    Tampering("entrant: id_hash flipped", "entrants", line(9, lambda t: t.replace(t[60:66], b"000000"))),
    Tampering("entrant: id_hash in capitals", "entrants", line(9, lambda t: t[:66].upper() + t[66:])),
    Tampering(
        "entrant: weight",
        "entrants",
        with_entrants(lambda t: [t[0]._replace(weight=t[0].weight + 1), *t[1:]]),
    ),
    Tampering(
        "entrant: two weights exchanged",
        "entrants",
        with_entrants(
            lambda t: (
                [t[0]._replace(weight=t[1].weight), t[1]._replace(weight=t[0].weight), *t[2:]]
                if t[0].weight != t[1].weight
                else [t[0]._replace(weight=9), *t[1:]]
            )
        ),
    ),
    Tampering(
        "entrant: weight 0",
        "entrants",
        line(FIRST, lambda t: t.replace(b'",%d,' % GOOD.entrants[0].weight, b'",0,')),
    ),
    Tampering(
        "entrant: weight with a zero before it",
        "entrants",
        line(FIRST, lambda t: t.replace(b'",', b'",0', 1)),
    ),
    Tampering(
        "entrant: category of another",
        "entrants",
        with_entrants(lambda t: [t[0]._replace(category="A" if t[0].category != "A" else "B"), *t[1:]]),
    ),
    Tampering(
        "entrant: category without a quota",
        "entrants",
        line(FIRST, lambda t: t.rpartition(b",")[0] + b',"Z"]'),
    ),
    Tampering(
        "entrant: category escaped", "entrants", line(FIRST, lambda t: t.rpartition(b",")[0] + b',"\\u0041"]')
    ),
    Tampering("entrant: space in the line", "entrants", line(FIRST, lambda t: t.replace(b",", b", ", 1))),
    Tampering("entrants: one dropped", "entrants", lines(lambda t: t[:5] + t[6:])),
    Tampering("entrants: one twice", "entrants", lines(lambda t: [*t[:5], t[5], *t[5:]])),
    Tampering("entrants: two swapped", "entrants", lines(lambda t: swapped(t, 5))),
    Tampering(
        "entrants: in reverse", "entrants", lines(lambda t: [t[0], *t[WINNERS - 1 : 0 : -1], *t[WINNERS:]])
    ),
    Tampering(
        "entrants: one more",
        "entrants",
        with_entrants(lambda t: sorted([*t, Entrant(secret("ghost"), 1, "A")])),
    ),
    Tampering("winners: one more", "ranking", lines(lambda t: [*t[:WINNERS], t[WINNERS], *t[WINNERS:]])),
    Tampering("winners: one dropped", "ranking", lines(lambda t: t[:WINNERS] + t[WINNERS + 1 :])),
    Tampering("winners: two swapped", "ranking", lines(lambda t: swapped(t, WINNERS))),
    Tampering("winners: rank", "ranking", line(WINNERS, lambda t: t.replace(b",1,", b",2,", 1))),
    Tampering(
        "winners: another in the place of one",
        "ranking",
        line(
            WINNERS,
            lambda t: t.replace(
                GOOD.winners[0][1][0].id_hash.hex().encode(), secret("friend").hex().encode()
            ),
        ),
    ),
    Tampering(
        "winners: score flipped",
        "ranking",
        line(WINNERS, lambda t: t[:-3] + (b"0" if t[-3:-2] != b"0" else b"1") + t[-2:]),
    ),
    Tampering(
        "winners: weight",
        "ranking",
        line(WINNERS, lambda t: t.replace(b'",%d,"' % GOOD.winners[0][1][0].weight, b'",7,"')),
    ),
    Tampering("winners: category", "ranking", line(WINNERS, lambda t: t.replace(b'["A"', b'["B"'))),
]
_OPERATORS = [
    Tampering("operator: another log's key", "witnesses", same_list_other_key),
    Tampering("operator: one witness of three", "witnesses", few_witnesses),
    Tampering("operator: witnesses nobody knows", "witnesses", unknown_witnesses),
    Tampering("operator: a log with two beginnings", "log", forked),
    Tampering("operator: a second freeze under one name", "entries", operators(second_freeze)),
    Tampering("operator: the freeze voided after the contributions", "entries", operators(void_after_all)),
    Tampering("operator: no contribution of the notary", "entries", without(5)),
    Tampering("operator: no announcement", "entries", without(2)),
    Tampering(
        "operator: announced for another round",
        "entries",
        entry(2, lambda e: e._replace(beacon=Beacon(CHAIN.hash, ROUND - 9))),
    ),
    Tampering(
        "operator: announced with one contributor",
        "entries",
        entry(2, lambda e: e._replace(contributors=KEYS[:1])),
    ),
    Tampering(
        "operator: announced under another name", "entries", entry(2, lambda e: e._replace(draw="other"))
    ),
    Tampering(
        "operator: frozen with contributors in another order",
        "entries",
        entry(3, lambda e: e._replace(contributors=KEYS[::-1])),
    ),
    Tampering(
        "operator: frozen again with one place more",
        "entries",
        entry(3, lambda e: e._replace(quotas={**e.quotas, "A": 4})),
    ),
    Tampering(
        "operator: a contribution to another freeze",
        "entries",
        entry(4, lambda e: e._replace(freeze=secret("other"))),
    ),
    Tampering(
        "operator: a result of another freeze",
        "entries",
        entry(6, lambda e: e._replace(freeze=secret("other"))),
    ),
    Tampering(
        "operator: an entry of no known kind",
        "entries",
        operators(
            lambda good: good._replace(
                entries=[*good.entries[:2], encode({"kind": "draw.odd", "version": 1}), *good.entries[3:]]
            )
        ),
    ),
    Tampering(
        "operator: an entry that is not canonical",
        "entries",
        operators(
            lambda good: good._replace(entries=[good.entries[0].replace(b":", b": "), *good.entries[1:]])
        ),
    ),
    Tampering("operator: an own chain under the announced name", "trust", other_chain),
    Tampering("operator: own contributors", "trust", other_contributors),
    Tampering("operator: keys known an hour too late", "times", later(0, 2 * 86_400)),
    Tampering("operator: the log before the freeze seen too early", "times", later(1, -3_600)),
    Tampering(
        "operator: frozen and contributed a second late",
        "times",
        operators(
            lambda good: good._replace(moments=[*good.moments[:2], Moment(6, DUE_S - 599), good.moments[3]])
        ),
    ),
    Tampering(
        "operator: a contribution after the deadline",
        "times",
        operators(
            lambda good: good._replace(
                moments=[*good.moments[:2], Moment(5, DUE_S - 3_600), Moment(6, DUE_S - 599), good.moments[3]]
            )
        ),
    ),
    Tampering("operator: another list than was frozen", "entrants", redrawn(root=secret("other"))),
    Tampering("operator: other tickets than were frozen", "entrants", redrawn(tickets=1_000)),
    Tampering("operator: more entrants frozen than there are", "entrants", redrawn(entrants=31)),
    Tampering(
        "operator: a contribution made up",
        "contributions",
        entry(4, lambda e: e._replace(proof=e.proof[:-1] + bytes([e.proof[-1] ^ 1]))),
    ),
    Tampering(
        "operator: a proof of another's key",
        "contributions",
        operators(
            lambda good: good._replace(
                entries=[
                    *good.entries[:4],
                    write(
                        read(good.entries[4])._replace(
                            proof=vrf.prove(CONTRIBUTORS[1], contribution_input(FREEZE))
                        )
                    ),
                    *good.entries[5:],
                ]
            )
        ),
    ),
    Tampering(
        "operator: other randomness in the result",
        "beacon",
        entry(6, lambda e: e._replace(randomness=secret("other"))),
    ),
    Tampering(
        "operator: another seed in the result", "seed", entry(6, lambda e: e._replace(seed=secret("other")))
    ),
    Tampering("operator: another cutoff in the result", "ranking", entry(6, outcome(cutoff=secret("other")))),
    Tampering("operator: other figures in the result", "ranking", entry(6, outcome(winners=2))),
    Tampering(
        "operator: a category fewer in the result",
        "ranking",
        entry(6, lambda e: e._replace(categories={"A": e.categories["A"]})),
    ),
]
TAMPERINGS = _HEADER + _BYTES + _LISTS + _OPERATORS
