"""A whole ceremony in memory: keys, list, log, witnesses and beacon, whose every part a test may change."""

import io
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from fairness import beacon, vrf
from fairness.beacon import Chain
from fairness.bundle import Header, LoggedCheckpoint, LoggedEntry, write_bundle
from fairness.checkpoint import Checkpoint, format_checkpoint
from fairness.conclude import conclude, empty_lists
from fairness.cosignature import cosign
from fairness.entrants import Entrant, hash_id, root_of_list
from fairness.entries import Announced, Beacon, Contributed, Entry, Frozen, KeyEntry, write
from fairness.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from fairness.note import COSIGNATURE, SigningKey, sign_note
from fairness.seed import contribution_input, freeze_hash

SECRET = 0x00C0_FFEE_1234
GENESIS_S = 1_000_000
PERIOD_S = 3
ROUND = 40_000
DAY_S = 86_400
NOISE = [b"another entry %d" % number for number in range(3)]
QUOTAS = {"A": 3, "B": 2, "新": 1}


def secret(name: str) -> bytes:
    return sha256(name.encode()).digest()


CHAIN = Chain("demo", beacon.public_key_of(SECRET), PERIOD_S, GENESIS_S, secret("genesis"))
DUE_S = CHAIN.time_of(ROUND)
LOG = SigningKey("log.test/gongdao", secret("log"))
WITNESSES = [SigningKey(f"witness.test/{name}", secret(name)) for name in ("w1", "w2", "w3")]
CONTRIBUTORS = [secret("operator"), secret("notary")]
KEYS = tuple(map(vrf.public_key, CONTRIBUTORS))


class Moment(NamedTuple):
    """A checkpoint: after how many entries of the ceremony, and when each witness cosigned."""

    entries: int
    time_s: int


class Play(NamedTuple):
    """What a ceremony is made of: its entries' texts in order, when the log was witnessed, and the lists."""

    entries: list[bytes]
    moments: list[Moment]
    entrants: list[Entrant]
    winners: list[tuple[str, list]]
    chain: Chain = CHAIN
    round: int = ROUND
    signature: bytes = b""
    draw: str = "test-draw"

    def header(self, log: SigningKey = LOG, witnesses: Sequence[SigningKey] = WITNESSES) -> Header:
        """The header, with every proof as it should be."""
        leaves = [leaf_hash(text) for text in NOISE + self.entries]
        last = len(leaves)
        return Header(
            draw=self.draw,
            chain=self.chain,
            round=self.round,
            signature=self.signature,
            checkpoints=tuple(
                LoggedCheckpoint(
                    note_of(leaves[: len(NOISE) + moment.entries], moment.time_s, log, witnesses),
                    tuple(
                        consistency_proof(len(NOISE) + moment.entries, last, hashes_of(leaves))
                        if moment.entries < len(self.entries)
                        else ()
                    ),
                )
                for moment in self.moments
            ),
            entries=tuple(
                LoggedEntry(text, place, tuple(inclusion_proof(place, last, hashes_of(leaves))))
                for place, text in enumerate(self.entries, len(NOISE))
            ),
        )

    def told_at(self, place: int, text: bytes) -> "Play":
        """The same with an entry more, logged at this place; the log is witnessed at the same moments."""
        moments = [
            moment._replace(entries=moment.entries + (moment.entries > place)) for moment in self.moments
        ]
        moments[-1] = moments[-1]._replace(entries=len(self.entries) + 1)
        return self._replace(entries=[*self.entries[:place], text, *self.entries[place:]], moments=moments)

    def bundle(self) -> bytes:
        """The bundle's bytes."""
        return b"".join(write_bundle(self.header(), self.entrants, self.winners))


def hashes_of(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """What proofs are made of, worked out anew each time: these trees are small."""
    return lambda level, place: root_of(leaves[place << level : (place + 1) << level])


def note_of(leaves: Sequence[bytes], time_s: int, log: SigningKey, witnesses: Sequence[SigningKey]) -> str:
    """A checkpoint over these leaves, signed and cosigned."""
    text = format_checkpoint(Checkpoint(log.name, len(leaves), root_of(leaves)))
    return (
        text + "\n" + sign_note(text, log) + "".join(cosign(text, witness, time_s) for witness in witnesses)
    )


def entrants_of(count: int) -> list[Entrant]:
    """So many, in order; the categories and weights go round."""
    names = list(QUOTAS)
    return sorted(
        Entrant(
            hash_id(salt=secret(f"salt {number}"), entrant_id=f"person {number}"),
            1 + number % 3,
            names[number % len(names)],
        )
        for number in range(count)
    )


def trust_text(*, lead_s: int = DAY_S, margin_s: int = 600, chain: Chain = CHAIN) -> str:
    """The trust file of somebody who believes this ceremony's parties: two of three witnesses are enough."""
    lines = [f"log {LOG.verifier()!s}"]
    lines += [
        f"witness {name} {key.verifier(COSIGNATURE)!s}"
        for name, key in zip(("w1", "w2", "w3"), WITNESSES, strict=True)
    ]
    lines += ["group two 2 w1 w2 w3", "quorum two"]
    lines += [
        f"contributor {name} {key.hex()}" for name, key in zip(("operator", "notary"), KEYS, strict=True)
    ]
    lines += [f"chain demo {chain.hash.hex()}", f"lead {lead_s}", f"margin {margin_s}"]
    return "\n".join(lines) + "\n"


def frozen_of(listed: Sequence[Entrant], **changes: object) -> Frozen:
    """The freeze of a list."""
    frozen = Frozen(
        draw="test-draw",
        root=root_of_list(listed),
        entrants=len(listed),
        tickets=sum(one.weight for one in listed),
        quotas=QUOTAS,
        beacon=Beacon(CHAIN.hash, ROUND),
        contributors=KEYS,
        code=secret("code"),
    )
    return frozen._replace(**changes)


def play(
    count: int = 30,
    *,
    before: Sequence[Entry] = (),
    frozen: Frozen | None = None,
    contributors: Sequence[bytes] = CONTRIBUTORS,
) -> Play:
    """A ceremony that went as it should. `before`: more entries of the draw, between announcement and freeze."""
    entrants = entrants_of(count)
    frozen = frozen_of(entrants) if frozen is None else frozen
    announced = Announced("test-draw", "cn-zj-hz", "subject-2", "2026-12", frozen.beacon, frozen.contributors)
    names = ("operator", "notary")
    keys: list[Entry] = [KeyEntry(key, name) for key, name in zip(frozen.contributors, names, strict=True)]
    early = [*keys, announced, *before]
    freeze = freeze_hash(write(frozen))
    proofs = {vrf.public_key(one): vrf.prove(one, contribution_input(freeze)) for one in contributors}
    signature = beacon.sign_round(SECRET, frozen.beacon.round)
    lists = empty_lists(frozen.quotas)
    for entrant in entrants:
        lists[entrant.category].append(entrant)
    finished, winners = conclude(frozen, lists, freeze=freeze, signature=signature, proofs=proofs)
    contributed = [Contributed("test-draw", freeze, key, proof) for key, proof in proofs.items()]
    entries = [write(entry) for entry in (*early, frozen, *contributed, finished)]
    moments = [
        Moment(2, DUE_S - 2 * DAY_S),
        Moment(len(early), DUE_S - DAY_S + 1),
        Moment(len(entries) - 1, DUE_S - 3_600),
        Moment(len(entries), DUE_S + 60),
    ]
    return Play(entries, moments, entrants, winners, round=frozen.beacon.round, signature=signature)


def reading(bundle: bytes) -> io.BytesIO:
    """A bundle as a file."""
    return io.BytesIO(bundle)
