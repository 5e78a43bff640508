"""Confirm: mark in Valkey, commit in a group, answer. Idempotent by the owner's key, re-entrant for the same key.

What a crash leaves, step by step:
    before (a)  a hold that expires
    after (a)   a claim marked confirming: repeating the key takes it up, else the sweeper gives up on it
    in (b)      nothing, or a committed booking (see `commit_batch`)
    after (b)   a booking and its effect row; repeating the key tells the booking, the sweeper tells Valkey
"""

from sqlalchemy.exc import SQLAlchemyError

from reservation.claim_id import pool_of
from reservation.commit_batch import Order, recall
from reservation.errors import HoldLost, Unavailable
from reservation.kernel import Kernel
from reservation.mark import mark, undo_mark
from reservation.model import Booking


async def confirm(kernel: Kernel, *, claim_id: str, owner: str, key: str, unit: int | None = None) -> Booking:
    """Books the held unit, or the named one of a set; the set's other units are free again.

    Raises:
        HoldLost: the hold is not there any more and nothing was booked.
        ChooseUnit: the set has several units and `unit` names none of them.
        KeyReused, HoldInFlight, AlreadyConfirmed: another request has this key, or this hold.
        AlreadyBooked: the claimant has an active booking under the same rule.
        Full: the place was given away after Valkey lost data; the hold was best effort.
        Rebuilding, Unavailable, Busy: repeat with the same key.
    """
    pool_id = pool_of(claim_id)
    if pool_id is None:
        raise HoldLost(hold=claim_id)
    pool = await kernel.pool(pool_id)
    # (a) mark: the claim no longer expires
    marked = await mark(kernel, pool, claim_id=claim_id, owner=owner, key=key, unit=unit)
    if marked is None:
        return await _confirmed_before(kernel, claim_id=claim_id, owner=owner, key=key, unit=unit)
    order = Order(
        claim_id=claim_id,
        unit=marked.unit,
        claimant=marked.claimant,
        owner=owner,
        key=key,
        epoch=marked.epoch,
    )
    # (b) commit: in a group, durably; (c) the answer goes out after it; (d) Valkey is told in the background
    outcome = await kernel.committer.submit(pool, order)
    if isinstance(outcome, Booking):
        return outcome
    await undo_mark(kernel, pool, marked, reason=outcome)
    raise outcome


async def _confirmed_before(
    kernel: Kernel, *, claim_id: str, owner: str, key: str, unit: int | None
) -> Booking:
    """A claim that is not there may have been booked before: PostgreSQL knows."""
    order = Order(claim_id=claim_id, unit=unit or 0, claimant="", owner=owner, key=key, epoch=0)
    try:
        async with kernel.engine.connect() as connection:
            known = (await recall(connection, [order]))[0]
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise Unavailable(part="postgresql") from error
    if isinstance(known, Booking):
        return known
    raise known or HoldLost(hold=claim_id)
