"""Every way to bend a draw that we could think of, and the step at which it must be caught.

The first kind changes a good bundle's bytes, as anybody can who passes it on. The second is done by the operator, who
holds the log's key and has the witnesses cosign whatever grows: there every signature and proof is as it should be.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

from fairness import beacon, vrf
from fairness.canonical import encode
from fairness.entrants import Entrant
from fairness.entries import Beacon, read, write
from fairness.seed import contribution_input
from tests.fairness.bending import (
    END,
    FIRST,
    FREEZE,
    GOOD,
    LINES,
    WINNERS,
    announcement_voided,
    at,
    entry,
    few_witnesses,
    flipped,
    forked,
    header,
    joined,
    later,
    line,
    lines,
    operators,
    other_chain,
    other_contributors,
    outcome,
    redrawn,
    same_list_other_key,
    second_freeze,
    swapped,
    unknown_witnesses,
    void_after_all,
    with_entrants,
    without,
)
from tests.fairness.ceremonies import (
    CHAIN,
    CONTRIBUTORS,
    DUE_S,
    KEYS,
    ROUND,
    Moment,
    secret,
)


class Tampering(NamedTuple):
    """A bent draw. `make` gives the bundle's bytes; `step` is the one that must refuse it."""

    name: str
    step: str
    make: Callable[[], bytes]


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
    Tampering("announcement voided, and drawn all the same", "entries", operators(announcement_voided)),
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
