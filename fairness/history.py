"""What a bundle's checkpoints prove: who saw the log, that it only grew, and when an entry was in it.

Steps 1, 2 and 5 of `verify`. Imports the trust file's `policy`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from fairness.bundle import Header
from fairness.ceremony import Ceremony
from fairness.merkle import check_consistency, check_inclusion, leaf_hash
from fairness.note import NoteRefused, VerifierKey
from fairness.policy import Policy, check_checkpoint, witnessed_by, witnessed_from

NO_QUORUM = "none"
NEVER_S = 2**63


class HistoryRefused(ValueError):
    """The checkpoints do not prove it; the message says which and why."""


class Seen(NamedTuple):
    """A checkpoint with a quorum: witness -> when it cosigned, in seconds since 1970."""

    log: VerifierKey
    size: int
    root: bytes
    times: Mapping[str, int]


def check_witnesses(header: Header, policy: Policy) -> list[Seen]:
    """The checkpoints, each signed by one log of the trust file and cosigned by its quorum.

    Raises:
        HistoryRefused: one of them is not.
    """
    found: list[Seen] = []
    for number, logged in enumerate(header.checkpoints, 1):
        try:
            cosigned = check_checkpoint(policy, logged.note)
        except NoteRefused as error:
            raise HistoryRefused(f"checkpoint {number}: {error}") from error
        checkpoint = cosigned.checkpoint
        found.append(Seen(cosigned.log, checkpoint.size, checkpoint.root, cosigned.times))
    if len({seen.log for seen in found}) > 1:
        raise HistoryRefused("the checkpoints are of several logs")
    return found


def check_log(header: Header, history: Sequence[Seen]) -> None:
    """Passes when the checkpoints are one growing log whose last state has every entry.

    Raises:
        HistoryRefused: sizes or indexes do not ascend.
        ProofRefused: a proof does not hold.
    """
    if not _ascend([seen.size for seen in history]):
        raise HistoryRefused("the checkpoints' sizes do not ascend")
    if not _ascend([entry.place for entry in header.entries]):
        raise HistoryRefused("the entries' indexes do not ascend")
    last = history[-1]
    if header.checkpoints[-1].proof:
        raise HistoryRefused("the last checkpoint needs no consistency proof")
    for seen, logged in zip(history[:-1], header.checkpoints, strict=False):
        check_consistency(
            old=seen.size, new=last.size, old_root=seen.root, new_root=last.root, proof=logged.proof
        )
    for entry in header.entries:
        leaf = leaf_hash(entry.text)
        check_inclusion(leaf=leaf, index=entry.place, size=last.size, proof=entry.proof, root=last.root)


def check_times(
    header: Header, ceremony: Ceremony, history: Sequence[Seen], policy: Policy, *, due_s: int
) -> None:
    """Passes when freeze and contributions were seen early enough, and the keys long before the freeze.

    `due_s`: when the round is due, in seconds since 1970.

    Raises:
        HistoryRefused: they were not, as far as the witnesses' times show.
    """
    if policy.quorum == NO_QUORUM:
        raise HistoryRefused("the trust file asks for no witness, and so nothing shows when")
    deadline_s = due_s - policy.margin_s
    places = [header.entries[at].place for at in (ceremony.frozen_at, *ceremony.contributed_at)]
    for place in places:
        if not any(
            seen.size > place and witnessed_by(policy, seen.times, at_latest=deadline_s) for seen in history
        ):
            what = "the freeze" if place == places[0] else "a contribution"
            raise HistoryRefused(f"{what} was not witnessed {policy.margin_s} s before the round")
    if policy.lead_s == 0:
        return
    known_s = max(_first_seen(policy, history, header.entries[at].place) for at in ceremony.keys_at)
    frozen_place = places[0]
    if not any(
        seen.size <= frozen_place and witnessed_from(policy, seen.times, at_earliest=known_s + policy.lead_s)
        for seen in history
    ):
        raise HistoryRefused(f"nothing shows that keys were known {policy.lead_s} s before the freeze")


def _first_seen(policy: Policy, history: Sequence[Seen], place: int) -> int:
    """The smallest moment by which a quorum had seen the entry."""
    moments = [
        moment
        for seen in history
        if seen.size > place
        for moment in seen.times.values()
        if witnessed_by(policy, seen.times, at_latest=moment)
    ]
    return min(moments, default=NEVER_S)


def _ascend(numbers: Sequence[int]) -> bool:
    return all(one < next_one for one, next_one in pairwise(numbers))
