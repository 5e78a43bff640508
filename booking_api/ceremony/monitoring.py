"""A look at a log by somebody who remembers the last one: it must only have grown, and tell one story of each draw."""

import json
from typing import Any, NamedTuple

from booking_api.ceremony.assembling import entries_of
from booking_api.ceremony.errors import CeremonyUnusable
from booking_api.ceremony.folders import LogFolder, LogServer
from fairness.canonical import NotCanonical
from fairness.entries import Frozen, KeyEntry, Voided, read
from fairness.merkle import EMPTY_ROOT, Accumulator, leaf_hash
from fairness.policy import Cosigned
from fairness.seed import freeze_hash

SEEN = "seen.json"


class Findings(NamedTuple):
    """What is new, line by line, and what must not be."""

    new: list[str]
    wrong: list[str]


def look_again(log: LogFolder | LogServer, cosigned: Cosigned, memory: LogFolder) -> Findings:
    """Reads the whole log, and compares it with what was seen before. Remembers it when it only grew.

    Raises:
        CeremonyUnusable: the log or the memory cannot be read.
    """
    checkpoint = cosigned.checkpoint
    seen_size, seen_root = _remembered(memory, checkpoint.origin)
    findings = Findings([], [])
    tree = Accumulator()
    freezes: dict[str, bytes] = {}
    voided: set[bytes] = set()
    for index, text in entries_of(log, checkpoint.size):
        if index == seen_size and tree.root() != seen_root:
            findings.wrong.append(f"the first {seen_size} entries are not those that were seen before")
        tree.append(leaf_hash(text))
        _note_freeze(index, text, freezes, voided, findings)
        if index >= seen_size:
            findings.new.append(f"{index} {_kind(text)}")
    if checkpoint.size < seen_size or (checkpoint.size == seen_size and tree.root() != seen_root):
        findings.wrong.append(f"the log had {seen_size} entries before, and they are not these")
    if tree.root() != checkpoint.root:
        findings.wrong.append("the entries do not give the checkpoint's root")
    if not findings.wrong:
        told = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
        memory.write(SEEN, json.dumps(told).encode())
    return findings


def _note_freeze(
    index: int, text: bytes, freezes: dict[str, bytes], voided: set[bytes], findings: Findings
) -> None:
    try:
        entry = read(text)
    except NotCanonical:
        return
    if isinstance(entry, Voided):
        voided.add(entry.freeze)
    elif isinstance(entry, Frozen):
        earlier = freezes.get(entry.draw)
        if earlier is not None and earlier not in voided:
            findings.wrong.append(f"entry {index} freezes the draw {entry.draw} a second time")
        freezes[entry.draw] = freeze_hash(text)


def _kind(text: bytes) -> str:
    try:
        entry = read(text)
    except NotCanonical:
        return f"{len(text)} bytes"
    who = entry.name if isinstance(entry, KeyEntry) else entry.draw
    return f"{type(entry).__name__} {who}"


def _remembered(memory: LogFolder, origin: str) -> tuple[int, bytes]:
    kept = memory.read(SEEN)
    if kept is None:
        return 0, EMPTY_ROOT
    try:
        told: Any = json.loads(kept)
        if told["origin"] != origin:
            raise CeremonyUnusable(f"--state: this remembers another log, {told['origin']}")
        return int(told["size"]), bytes.fromhex(told["root"])
    except (ValueError, KeyError, TypeError) as error:
        raise CeremonyUnusable(f"--state: {SEEN} cannot be read") from error
