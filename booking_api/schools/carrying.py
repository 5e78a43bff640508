"""Carrying batches out, beside the sweeper of every worker. Imports the kernel.

best effort       each row for itself: booked, or refused with its reasons
all or nothing    every row is promised, then every promise is confirmed; if one cannot be had, all are given up

A promise does not end with a hold's minutes nor with Valkey's memory, so that what is confirmed in the second step is
really there. What a crash leaves is in the rows; whoever gets the lease next goes on from them.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api import clock
from booking_api.clock import SHANGHAI
from booking_api.metrics import JOB_ROUNDS
from booking_api.organisations.register import find_organisation
from booking_api.outbox.events import EventKind, note_event
from booking_api.schools import tables
from booking_api.schools.checking import find_session
from booking_api.schools.errors import NoConsent
from booking_api.schools.leases import LeaseLost, claim, pause, renew
from booking_api.schools.parts import Parts, Work
from booking_api.schools.placing import Stopped, book_row, promise_row
from booking_api.schools.rows import (
    BatchRow,
    missing_consents,
    note_state,
    open_rows,
    refuse,
    release_row,
)
from reservation import cancel, confirm_promise, release, withdraw
from reservation.errors import (
    HoldLost,
    NotActive,
    ReservationError,
    UnknownBooking,
    UnknownPromise,
)
from reservation.failure import describe
from reservation.transaction import transaction

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
AT_ONCE = 8
"""Batches that one worker carries at the same time."""
RETRY_PAUSE_S = 2.0
FAILED_PAUSE_S = 60.0
TOGETHER_S = 900.0
"""How long at most an all-or-nothing batch may take to hold all its rows at its school's pace."""
SLACK_S = 300.0
"""How much longer its promises last."""

_PASSING = (ReservationError, SQLAlchemyError, OSError, TimeoutError)


async def carry_forever(parts: Parts) -> None:
    """Carries whatever batches nobody else carries, AT_ONCE of them, until cancelled."""
    carried: set[asyncio.Task[None]] = set()
    done, failed = JOB_ROUNDS.labels("carry batches", "done"), JOB_ROUNDS.labels("carry batches", "failed")
    try:
        while True:
            try:
                while len(carried) < AT_ONCE and (found := await claim(parts.kernel)) is not None:
                    batch, lease = found
                    task = asyncio.create_task(
                        _carry_guarded(parts, batch=batch, lease=lease), name=f"batch-{batch}"
                    )
                    carried.add(task)
                    task.add_done_callback(carried.discard)
                done.inc()
            except _PASSING as error:
                failed.inc()
                log.warning("batches wait: %s", describe(error))
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        # Their leases end by themselves; another worker goes on from the rows.
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)


async def _carry_guarded(parts: Parts, *, batch: int, lease: str) -> None:
    pause_s = FAILED_PAUSE_S
    try:
        await carry(parts, batch=batch, lease=lease)
    except LeaseLost:
        return
    except _PASSING as error:
        log.warning("batch %d waits: %s", batch, describe(error))
        pause_s = RETRY_PAUSE_S
    except Exception:
        log.exception("batch %d", batch)
    else:
        return
    try:
        await pause(parts.kernel, batch=batch, lease=lease, pause_s=pause_s)
    except _PASSING as error:
        log.warning("batch %d waits for its lease to end: %s", batch, describe(error))


async def carry(parts: Parts, *, batch: int, lease: str) -> None:
    """Carries one batch to its end, from wherever it is.

    Raises:
        LeaseLost: another worker carries it.
        Unavailable, Busy, Rebuilding, HoldInFlight: it waits as it is.
    """
    table = tables.school_batch
    async with transaction(parts.kernel.engine) as connection:
        state = (await renew(connection, batch=batch, lease=lease)).state
        about = (await connection.execute(select(table).where(table.c.id == batch))).one()
        school = await find_organisation(connection, about.school)
    work = Work(parts, school, batch, lease, about.promised_until)
    if about.mode == "best_effort":
        await _book_each(work)
        return
    if state in {"queued", "holding"}:
        state = await _hold_all(work)
    if state == "confirming":
        state = await _confirm_all(work)
    if state == "undoing":
        await _undo_all(work)


async def _book_each(work: Work) -> None:
    await _go(work, "running")
    rows = await open_rows(work, "waiting", "holding", "held")
    # What is held already is finished first, whatever has been asked meanwhile: it may be booked.
    rows.sort(key=lambda row: row.state != "held")
    for n, row in enumerate(rows):
        try:
            await book_row(work, row)
        except Stopped:
            for left in rows[n:]:
                await release_row(work, left)
            await _end(work, "cancelled")
            return
    await _end(work, "done")


async def _hold_all(work: Work) -> str:
    """(1) Promises every row; gives the state that follows."""
    # A crash may have come between a row's refusal and what follows from it.
    if await open_rows(work, "refused"):
        return await _go(work, "undoing", verdict="refused")
    until = work.promised_until or await _begin_holding(work)
    try:
        for row in await open_rows(work, "waiting", "holding", "held"):
            promised = await promise_row(work, row, until=until)
            if promised.state == "refused":
                return await _go(work, "undoing", verdict="refused")
    except Stopped as stopped:
        return await _go(work, "undoing", verdict="cancelled" if stopped.cancelled else "refused")
    return await _begin_confirming(work)


async def _begin_holding(work: Work) -> datetime:
    table = tables.school_batch
    rows = await open_rows(work, "waiting")
    found = [await find_session(work.parts, work.school, row.unit) for row in rows]
    needed_s = min(TOGETHER_S, sum(1 / session.rules.rows_per_s for session in found))
    until = clock.now() + timedelta(seconds=needed_s + SLACK_S)
    async with transaction(work.parts.kernel.engine) as connection:
        await renew(connection, batch=work.batch, lease=work.lease)
        await connection.execute(
            update(table).where(table.c.id == work.batch).values(state="holding", promised_until=until)
        )
    return until


async def _begin_confirming(work: Work) -> str:
    """From here on it is not cancelled any more. Whoever has withdrawn their consent by now is not booked."""
    rows = await open_rows(work, "promised")
    subjects = [(await find_session(work.parts, work.school, row.unit)).subject for row in rows]
    wanted = list(zip(rows, subjects, strict=True))
    today = clock.now().astimezone(SHANGHAI).date()
    async with transaction(work.parts.kernel.engine) as connection:
        now = await renew(connection, batch=work.batch, lease=work.lease)
        missing = await missing_consents(connection, work, wanted, today=today)
        going = not missing and not now.cancel_asked and now.school_state == "active"
        if going:
            await _set_state(connection, work, "confirming")
            return "confirming"
    for row in missing:
        await _give_up(work, row)
        await refuse(work, row, NoConsent(unit=row.unit))
    return await _go(work, "undoing", verdict="refused" if missing or not now.cancel_asked else "cancelled")


async def _confirm_all(work: Work) -> str:
    """(2) Confirms every promise; gives the state that follows."""
    if await open_rows(work, "refused"):
        return await _go(work, "undoing", verdict="refused")
    for row in await open_rows(work, "promised"):
        try:
            await confirm_promise(work.parts.kernel, promise_id=row.claim_id or "", owner=row.account)
        except UnknownPromise as refusal:
            # Its time was over, or the authority withdrew the session.
            await refuse(work, row, refusal)
            return await _go(work, "undoing", verdict="refused")
        await note_state(work, row, "booked")
    await _end(work, "done")
    return "done"


async def _undo_all(work: Work) -> None:
    """(3) Gives every row up that has anything, then ends as what was decided."""
    for row in await open_rows(work, "waiting", "holding", "held", "promised", "booked"):
        if await _give_up(work, row):
            await release_row(work, row)
    async with transaction(work.parts.kernel.engine) as connection:
        verdict = (await renew(connection, batch=work.batch, lease=work.lease)).verdict
    await _end(work, verdict)


async def _give_up(work: Work, row: BatchRow) -> bool:
    """Ends the booking, promise or hold of a row, on the authority's behalf: it does not count against the learner.

    Which of them it is, is asked of the kernel: a crash may have come between the act and its note. A `holding` row has
    none, or a hold that nobody knows, which ends with its minutes. False: the learner has moved the booking already, or
    sat the test; it stands.
    """
    kernel, claim_id = work.parts.kernel, row.claim_id
    if claim_id is None:
        return True
    try:
        free_at = await work.parts.eligibility.return_moment(row.unit, now=clock.now())
        await cancel(kernel, booking_id=claim_id, owner=row.account, free_at=free_at, by="authority")
    except NotActive:
        return False
    except UnknownBooking:
        try:
            await withdraw(kernel, promise_id=claim_id, owner=row.account)
        except UnknownPromise:
            with suppress(HoldLost):
                await release(kernel, claim_id=claim_id, owner=row.account)
    return True


async def _go(work: Work, state: str, *, verdict: str | None = None) -> str:
    async with transaction(work.parts.kernel.engine) as connection:
        await renew(connection, batch=work.batch, lease=work.lease)
        await _set_state(connection, work, state, verdict=verdict)
    return state


async def _set_state(
    connection: AsyncConnection, work: Work, state: str, *, verdict: str | None = None
) -> None:
    table = tables.school_batch
    await connection.execute(
        update(table).where(table.c.id == work.batch).values(state=state, verdict=verdict)
    )


async def _end(work: Work, state: str) -> None:
    table = tables.school_batch
    async with transaction(work.parts.kernel.engine) as connection:
        await renew(connection, batch=work.batch, lease=work.lease)
        await connection.execute(
            update(table)
            .where(table.c.id == work.batch)
            .values(state=state, ended_at=func.now(), leased_by=None, leased_until=None)
        )
        await note_event(
            connection,
            kind=EventKind.BATCH_FINISHED,
            at=clock.now(),
            organisation=f"school:{work.school.id}",
            account=None,
            facts={"batch": work.batch, "state": state},
        )
