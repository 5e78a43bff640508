"""One row of a batch: a turn, the checks, a seat of the share, a hold, then a booking or a promise.

What a crash leaves, step by step; the next worker takes the row up where it was:
    after the seat      a row `holding`, whose hold is asked for again and is the same while it lives
    after the hold      the same
    after `note_held`   a row `held`; its confirm or promise is repeated by claim id and tells what was done before
    after the booking   the same; the kernel remembers the key
Imports the kernel.
"""

import asyncio
from contextlib import suppress
from datetime import datetime

from booking_api import clock
from booking_api.clock import SHANGHAI
from booking_api.errors import ApiError
from booking_api.schools.checking import TRANSIENT, check_unit, find_session
from booking_api.schools.leases import renew
from booking_api.schools.parts import Work
from booking_api.schools.rows import BatchRow, note_held, note_lost, note_state, refuse, take_seat
from reservation import confirm, hold, promise, release
from reservation.errors import (
    AlreadyConfirmed,
    AnotherHold,
    HoldLost,
    ReservationError,
    Unavailable,
)
from reservation.transaction import transaction

HOLDS_LIMIT = 3
"""How often a row is held again whose hold was lost, by a rebuild or by a long stop."""
PATIENCE_S = 3.0
"""How long a worker waits for a school's turn before it looks at the batch again."""


class Stopped(Exception):
    """The batch is not to go on: its school cancelled it, or was suspended."""

    def __init__(self, *, cancelled: bool) -> None:
        super().__init__("cancelled" if cancelled else "suspended")
        self.cancelled = cancelled


async def book_row(work: Work, row: BatchRow) -> BatchRow:
    """Books the first unit of a row that can be had, or refuses the row.

    Raises:
        Stopped, LeaseLost: the row is left as it is.
        Unavailable, Busy, Rebuilding, HoldInFlight: the same, to be taken up later.
    """
    for _ in range(HOLDS_LIMIT):
        held = row if row.state == "held" else await _hold_row(work, row)
        if held.claim_id is None:
            return held
        try:
            await confirm(
                work.parts.kernel,
                claim_id=held.claim_id,
                owner=held.account,
                key=f"batch {work.batch} row {held.number}",
            )
        except AlreadyConfirmed:
            # The learner confirmed this very hold, or the key is so old that it was deleted: the seat is theirs.
            return await note_state(work, held, "booked")
        except HoldLost:
            row = await note_lost(work, held)
        except ReservationError as refusal:
            row = await _give_hold_up(work, held, refusal)
            if row.state == "refused":
                return row
        else:
            return await note_state(work, held, "booked")
    raise Unavailable(part="holds")


async def promise_row(work: Work, row: BatchRow, *, until: datetime) -> BatchRow:
    """Promises the learner the first unit of a row that can be had, until then; or refuses the row.

    Raises:
        Stopped, LeaseLost: the row is left as it is.
        Unavailable, Busy, Rebuilding, HoldInFlight: the same, to be taken up later.
    """
    for _ in range(HOLDS_LIMIT):
        held = row if row.state == "held" else await _hold_row(work, row)
        if held.claim_id is None:
            return held
        try:
            await promise(work.parts.kernel, hold_id=held.claim_id, owner=held.account, until=until)
        except HoldLost:
            row = await note_lost(work, held)
        except ReservationError as refusal:
            row = await _give_hold_up(work, held, refusal)
            if row.state == "refused":
                return row
        else:
            return await note_state(work, held, "promised")
    raise Unavailable(part="holds")


async def _hold_row(work: Work, row: BatchRow) -> BatchRow:
    """The row with a hold on its first unit that can be had; refused, without one, when there is none."""
    while row.state in {"waiting", "holding"}:
        try:
            return await _hold_unit(work, row)
        except (ApiError, ReservationError) as refusal:
            if refusal.code in TRANSIENT:
                raise
            row = await refuse(work, row, refusal)
    return row


async def _hold_unit(work: Work, row: BatchRow) -> BatchRow:
    kernel = work.parts.kernel
    # (1) the school's turn
    found = await find_session(work.parts, work.school, row.unit)
    await _wait_turn(work, per_s=found.rules.rows_per_s)
    # (2) the rules, by facts of now
    now = clock.now()
    today = now.astimezone(SHANGHAI).date()
    await check_unit(work.parts, work.school, account=row.account, subjects=None, unit=row.unit, now=now)
    # (3) a seat of the school's share
    seated, pool_id = await take_seat(work, row, found, today=today)
    # (4) the hold, as if the learner asked
    held = await hold(
        kernel,
        pool_id=pool_id,
        units=[row.unit],
        claimant=f"person:{row.account}",
        owner=row.account,
    )
    if held.repeated and row.state == "waiting":
        # Nothing was asked for in this row before: it is a hold of the learner's own, and stays theirs.
        raise AnotherHold
    # (5) its id, and once more the consent
    try:
        return await note_held(work, seated, claim_id=held.id, subject=found.subject, today=today)
    except ApiError:
        with suppress(HoldLost):
            await release(kernel, claim_id=held.id, owner=row.account)
        raise


async def _wait_turn(work: Work, *, per_s: float) -> None:
    """Waits until the school may have its next row, and keeps the lease meanwhile.

    Raises:
        Stopped: the batch is not to go on.
        LeaseLost, Unavailable, Busy: see `renew`.
    """
    while True:
        async with transaction(work.parts.kernel.engine) as connection:
            now = await renew(connection, batch=work.batch, lease=work.lease)
        if now.cancel_asked or now.school_state != "active":
            raise Stopped(cancelled=now.cancel_asked)
        wait_ms = await work.parts.gate.turn_of_school(work.school.id, per_s=per_s)
        if not wait_ms:
            return
        await asyncio.sleep(min(wait_ms / 1000, PATIENCE_S))


async def _give_hold_up(work: Work, held: BatchRow, refusal: ReservationError) -> BatchRow:
    """A hold that cannot become more than that is released; the row goes on with its next unit."""
    if refusal.code in TRANSIENT or held.claim_id is None:
        raise refusal
    with suppress(HoldLost):
        await release(work.parts.kernel, claim_id=held.claim_id, owner=held.account)
    return await refuse(work, held, refusal)
