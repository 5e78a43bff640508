"""The mark: from it on a claim no longer expires, until it is booked, promised or moved, or taken off again.

What a crash leaves: a marked claim, which the same key takes up again, or the sweeper gives up on.
"""

from typing import NamedTuple

from reservation.errors import ChooseUnit, HoldInFlight, ReservationError
from reservation.hold import end_lease
from reservation.kernel import Kernel
from reservation.model import Pool


class Marked(NamedTuple):
    """A claim with the key it is marked under, the unit that was chosen, and the epoch of the mark."""

    claim_id: str
    key: str
    unit: int
    claimant: str
    epoch: int


async def mark(
    kernel: Kernel, pool: Pool, *, claim_id: str, owner: str, key: str, unit: int | None
) -> Marked | None:
    """Marks a claim under the caller's key; repeating it with the same key gives the same. None: it is not there.

    Raises:
        HoldInFlight: it is marked under another key.
        ChooseUnit: the set has several units and `unit` names none of them.
        Rebuilding, Unavailable, Busy: repeat with the same key.
    """
    answer, epoch = await kernel.call_fenced(
        pool.id, "mark", claim_id, owner, key, "" if unit is None else str(unit)
    )
    if answer[0] == b"confirming":
        return Marked(claim_id, key, int(answer[1]), answer[2].decode(), epoch)
    if answer[0] == b"in_flight":
        raise HoldInFlight(hold=claim_id)
    if answer[0] == b"choose":
        raise ChooseUnit(hold=claim_id)
    return None


async def undo_mark(kernel: Kernel, pool: Pool, marked: Marked, *, reason: ReservationError) -> None:
    """Takes the mark off a claim that was refused, or ends the claim if it is lost, in the epoch of the mark only.

    An outcome that is not known yet keeps its mark: the same key finds out, or the sweeper. A crash here leaves the
    mark, which the sweeper ends.

    Raises:
        Rebuilding, Unavailable, Busy: Valkey could not be told, and the caller is to repeat. Were the reason told
            now, the claimant would be in the way of their own next step.
    """
    if reason.code in {"unavailable", "busy"}:
        return
    if reason.code != "hold_lost":
        await kernel.call_in(pool.id, marked.epoch, "unmark", marked.claim_id, marked.key)
    elif await kernel.call_in(pool.id, marked.epoch, "apply", "drop", marked.claim_id, "0") is not None:
        # In a later epoch the lease may have brought the claim back already: then it is not ours to end.
        await end_lease(kernel, pool, claimant=marked.claimant, claim_id=marked.claim_id)
