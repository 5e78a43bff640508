"""Was a draw voided before its round was due? By the checkpoints that a log keeps, and what their witnesses said when."""

from collections.abc import Mapping
from itertools import islice

from booking_api.ceremony.assembling import entries_of
from booking_api.ceremony.folders import KEPT, LogFolder, LogServer
from booking_api.ceremony.matters import InTime
from fairness.beacon import Chain
from fairness.entries import Beacon
from fairness.history import NO_QUORUM
from fairness.merkle import leaf_hash, root_of
from fairness.note import NoteRefused
from fairness.policy import Policy, check_checkpoint, witnessed_by

LOOKED_AT_MOST = 256
"""An append keeps one checkpoint: so many entries at once are logged with a void at most."""


def in_time_by(
    log: LogFolder | LogServer, policy: Policy, *, size: int, chains: Mapping[bytes, Chain]
) -> InTime:
    """Answers for this log of `size` entries. `chains`: by their hashes, those whose rounds' times are known."""

    def in_time(void_at: int, beacon: Beacon) -> bool | None:
        chain = chains.get(beacon.chain)
        if chain is None or policy.quorum == NO_QUORUM:
            return None
        due_s = chain.time_of(beacon.round)
        for kept in range(void_at + 1, min(size, void_at + LOOKED_AT_MOST) + 1):
            note = log.read(f"{KEPT}/{kept}")
            if note is not None:
                return _witnessed(log, policy, note, kept=kept, size=size, due_s=due_s)
        return False

    return in_time


def _witnessed(
    log: LogFolder | LogServer, policy: Policy, note: bytes, *, kept: int, size: int, due_s: int
) -> bool:
    """Whether this is a checkpoint of the log's first `kept` entries that a quorum had cosigned by then."""
    try:
        seen = check_checkpoint(policy, note)
    except NoteRefused:
        return False
    root = root_of(leaf_hash(text) for _, text in islice(entries_of(log, size), kept))
    return (
        seen.checkpoint.size == kept
        and seen.checkpoint.root == root
        and witnessed_by(policy, seen.times, at_latest=due_s)
    )
