"""A drill: the whole protocol with a real round of drand's quicknet, long past, and made-up keys and clocks.

Everything about it is as in a draw that counts, but its parties, who are made for it and are in nobody's trust file but
the one written beside it. It is how an auditor tries out what they would do with a real one.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from booking_api.ceremony.assembling import write_evidence
from booking_api.ceremony.beacons import Round
from booking_api.ceremony.folders import CHECKPOINT, KEPT, LogFolder
from booking_api.ceremony.secret_files import ContributorKey
from booking_api.ceremony.stages import contribute, finish, freeze
from booking_api.demo.ceremony import AUTHORITY, PERIOD, QUOTA, made_up_entrants, places_of
from fairness.beacon import QUICKNET
from fairness.checkpoint import Checkpoint, format_checkpoint
from fairness.cosignature import cosign
from fairness.entries import Announced, Beacon, Entry, KeyEntry, write
from fairness.log import LogBuilder
from fairness.note import COSIGNATURE, SigningKey, sign_note

DRAW = "drill"
ROUND = Round(
    1_000,
    bytes.fromhex(
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
    ),
)
"""A round of 23 August 2023."""
KEYS_BEFORE_S, FREEZE_BEFORE_S, CONTRIBUTED_BEFORE_S = 3 * 86_400, 86_400, 3_600
_SECRET_BYTES = 32


class Drilled(NamedTuple):
    """The bundle and the trust file that believes its parties."""

    bundle: Path
    trust: Path


class _Parties(NamedTuple):
    log: SigningKey
    witness: SigningKey
    contributors: tuple[ContributorKey, ...]


def drill(folder: Path, *, entrants: int) -> Drilled:
    """Plays it in a new folder.

    Raises:
        CeremonyUnusable: a file cannot be written.
    """
    parties = _Parties(
        SigningKey("drill.example/log", secrets.token_bytes(_SECRET_BYTES)),
        SigningKey("drill.example/witness", secrets.token_bytes(_SECRET_BYTES)),
        tuple(ContributorKey(name, secrets.token_bytes(_SECRET_BYTES)) for name in ("operator", "notary")),
    )
    keys = tuple(one.public for one in parties.contributors)
    listed = sorted(made_up_entrants(entrants))
    log = LogFolder(folder / "log")
    builder = LogBuilder(log)
    due_s = QUICKNET.time_of(ROUND.number)
    announced = Announced(DRAW, AUTHORITY, QUOTA, PERIOD, Beacon(QUICKNET.hash, ROUND.number), keys)
    known: list[Entry] = [KeyEntry(one.public, one.name) for one in parties.contributors]
    _grow(log, builder, parties, known, at_s=due_s - KEYS_BEFORE_S)
    _grow(log, builder, parties, [announced], at_s=due_s - FREEZE_BEFORE_S)
    frozen = freeze(announced, listed, quotas=places_of(entrants), code=bytes(_SECRET_BYTES))
    frozen_text = write(frozen)
    contributions = [contribute(frozen_text, listed, one) for one in parties.contributors]
    _grow(log, builder, parties, [frozen, *contributions], at_s=due_s - CONTRIBUTED_BEFORE_S)
    concluded = finish(frozen_text, listed, contributions, chain=QUICKNET, beacon_round=ROUND)
    _grow(log, builder, parties, [concluded.finished], at_s=due_s + 1)
    bundle = folder / "evidence.bundle"
    write_evidence(
        bundle,
        log,
        draw=DRAW,
        chain=QUICKNET,
        beacon_round=ROUND,
        entrants=iter(listed),
        concluded=concluded,
    )
    LogFolder(folder).write("trust", _trust_text(parties).encode())
    return Drilled(bundle, folder / "trust")


def _grow(
    log: LogFolder, builder: LogBuilder, parties: _Parties, entries: Sequence[Entry], *, at_s: int
) -> None:
    """The log with these entries more, as its witness would have cosigned it at this moment."""
    head = builder.append([write(entry) for entry in entries])
    text = format_checkpoint(Checkpoint(parties.log.name, head.size, head.root))
    note = text + "\n" + sign_note(text, parties.log) + cosign(text, parties.witness, at_s)
    for path in (f"{KEPT}/{head.size}", CHECKPOINT):
        log.write(path, note.encode())


def _trust_text(parties: _Parties) -> str:
    lines = [
        "# The parties of a drill: they exist for it alone, and none of them is to be believed in anything else.",
        f"log {parties.log.verifier()}",
        f"witness {parties.witness.name} {parties.witness.verifier(COSIGNATURE)}",
        f"quorum {parties.witness.name}",
        *(f"contributor {one.name} {one.public.hex()}" for one in parties.contributors),
        f"chain quicknet {QUICKNET.hash.hex()}",
    ]
    return "\n".join(lines) + "\n"
