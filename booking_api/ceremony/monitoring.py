"""A look at a log by somebody who remembers the last one: it must only have grown, and tell one story of each draw and matter."""

import json
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec

from booking_api.ceremony.assembling import entries_of
from booking_api.ceremony.errors import CeremonyUnusable
from booking_api.ceremony.folders import LogFolder, LogServer
from booking_api.ceremony.matters import Matters, Noticed, named
from booking_api.ceremony.voids import in_time_by
from fairness.beacon import QUICKNET, Chain
from fairness.canonical import NotCanonical, hex_of
from fairness.entries import read
from fairness.merkle import EMPTY_ROOT, Accumulator, leaf_hash
from fairness.policy import Cosigned, Policy

SEEN = "seen.json"


class _Seen(msgspec.Struct, frozen=True):
    """The checkpoint of the last look: `root` is 32 bytes in hex."""

    origin: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    root: str


class Findings(NamedTuple):
    """What is new, line by line, and what must not be."""

    new: list[str]
    wrong: list[str]


def look_again(
    log: LogFolder | LogServer,
    cosigned: Cosigned,
    memory: LogFolder,
    *,
    policy: Policy,
    chains: Sequence[Chain] = (QUICKNET,),
) -> Findings:
    """Reads the whole log, and compares it with what was seen before. Remembers it when it only grew.

    `chains`: beacons whose rounds' times are known, by which a void is in time.

    Raises:
        CeremonyUnusable: the log or the memory cannot be read.
    """
    checkpoint = cosigned.checkpoint
    seen_size, seen_root = _remembered(memory, checkpoint.origin)
    findings = Findings([], [])
    tree = Accumulator()
    known = {chain.hash: chain for chain in chains}
    matters = Matters(in_time_by(log, policy, size=checkpoint.size, chains=known))
    for index, text in entries_of(log, checkpoint.size):
        if index == seen_size and tree.root() != seen_root:
            findings.wrong.append(f"the first {seen_size} entries are not those that were seen before")
        tree.append(leaf_hash(text))
        what, noticed = _look_at(index, text, matters)
        findings.wrong.extend(noticed.wrong)
        if index >= seen_size:
            findings.new.extend([f"{index} {what}", *noticed.told])
    if checkpoint.size < seen_size or (checkpoint.size == seen_size and tree.root() != seen_root):
        findings.wrong.append(f"the log had {seen_size} entries before, and they are not these")
    if tree.root() != checkpoint.root:
        findings.wrong.append("the entries do not give the checkpoint's root")
    if not findings.wrong:
        told = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
        memory.write(SEEN, json.dumps(told).encode())
    return findings


def _look_at(index: int, text: bytes, matters: Matters) -> tuple[str, Noticed]:
    """What the entry is, in a line, and what there is to say of it."""
    try:
        entry = read(text)
    except NotCanonical:
        return f"{len(text)} bytes", Noticed([], [])
    return named(entry), matters.take(index, text, entry)


def _remembered(memory: LogFolder, origin: str) -> tuple[int, bytes]:
    kept = memory.read(SEEN)
    if kept is None:
        return 0, EMPTY_ROOT
    try:
        seen = msgspec.json.decode(kept, type=_Seen)
        root = hex_of(seen.root, len(EMPTY_ROOT), "root")
    except RecursionError:
        raise CeremonyUnusable(f"--state: {SEEN} cannot be read: it is nested too deep") from None
    except (msgspec.DecodeError, NotCanonical) as error:
        raise CeremonyUnusable(f"--state: {SEEN} cannot be read: {error}") from error
    if seen.origin != origin:
        raise CeremonyUnusable(f"--state: this remembers another log, {seen.origin!r}")
    return seen.size, root
