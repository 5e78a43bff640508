"""Delivering webhooks: take some that are due, send them, note what came of it. Imports SQLAlchemy and this room.

Every worker does it; no two send the same at once, and every delivery is sent at least once:

(1) take   one statement counts the try and moves `next_at` past the longest sending: the lease. Rows another worker
           is taking are skipped. A crash from here on leaves a waiting delivery, due again when the lease ends.
(2) send   outside any transaction. A crash after the receiver has it: it is sent again with the same `webhook-id`.
(3) note   only while the count of tries is still ours: whoever was too slow for its lease changes nothing.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.metrics import DELIVERIES
from booking_api.outbox import tables
from booking_api.outbox.courier import GONE, Courier, Outcome
from booking_api.outbox.events import Event, EventKind, note_events
from booking_api.outbox.signing import sign, webhook_secret
from booking_api.outbox.webhooks import message_id

log = logging.getLogger(__name__)

DELIVER_EVERY_S = 1.0
WEBHOOKS_AT_ONCE = 10
EACH_AT_ONCE = 4
"""A slow receiver has this much of a batch and no more."""
NOTES_AT_ONCE = 2
"""Of the worker's few connections: bookings must not wait for webhooks."""
LEASE_S = 60
"""Well over the longest sending (SEND_TIMEOUT_S) and its noting."""

PAUSES_S = (30, 120, 480, 1_800, 7_200, 21_600, 50_400)
"""After each failed try but the last: eight tries in about 23 hours."""
ATTEMPTS = len(PAUSES_S) + 1
JITTER = 0.2
"""A pause is up to this much longer: receivers that come back are not called by everybody in one second."""
SWITCH_OFF_AFTER_S = 3 * 24 * 3600
TOLD_AT_MOST = 20

_webhook, _delivery = tables.webhook.c, tables.delivery.c


_TAKE = text(
    """
    WITH hooks AS (
        SELECT w.id, waiting.due FROM webhook w
        CROSS JOIN LATERAL (
            SELECT min(next_at) AS due FROM delivery WHERE webhook = w.id AND state = 'waiting'
        ) waiting
        WHERE w.off_at IS NULL AND waiting.due <= now()
        ORDER BY waiting.due LIMIT :webhooks
    ), taken AS (
        SELECT due.id FROM hooks CROSS JOIN LATERAL (
            SELECT id FROM delivery
            WHERE webhook = hooks.id AND state = 'waiting' AND next_at <= now()
            ORDER BY next_at LIMIT :each FOR UPDATE SKIP LOCKED
        ) due
    )
    UPDATE delivery d
    SET attempts = d.attempts + 1, next_at = now() + make_interval(secs => :lease)
    FROM taken, webhook w, event e
    WHERE d.id = taken.id AND w.id = d.webhook AND e.id = d.event
    RETURNING CAST(d.id AS text), d.attempts, CAST(d.webhook AS text), w.url, w.organisation, e.kind, e.at, e.facts
    """
)


async def deliver_due(
    engine: AsyncEngine, courier: Courier, key: OKPKey, *, now: Callable[[], datetime]
) -> bool:
    """Sends a batch of what is due; True when there may be more.

    Raises:
        SQLAlchemyError, OSError: the database does not answer; the lease of what was taken ends by itself.
    """
    bounds = {"webhooks": WEBHOOKS_AT_ONCE, "each": EACH_AT_ONCE, "lease": LEASE_S}
    async with engine.begin() as connection:
        taken = (await connection.execute(_TAKE, bounds)).all()

    noting = asyncio.Semaphore(NOTES_AT_ONCE)

    async def deliver(row: Row[Any]) -> None:
        outcome = await _send(courier, key, row, at=now())
        async with noting:
            await _note(engine, row, outcome, at=now())

    results = await asyncio.gather(*map(deliver, taken), return_exceptions=True)
    for error in results:
        if error is not None:
            raise error
    return bool(taken)


async def _send(courier: Courier, key: OKPKey, row: Row[Any], *, at: datetime) -> Outcome:
    body = msgspec.json.encode(
        {
            "type": row.kind,
            "timestamp": row.at.astimezone(UTC),
            "data": row.facts | {"organisation": row.organisation},
        }
    )
    name, timestamp = message_id(row.id), int(at.timestamp())
    signature = sign(webhook_secret(key, row.webhook), message_id=name, timestamp=timestamp, body=body)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }
    try:
        return await courier.send(row.url, body=body, headers=headers)
    except Exception:
        # Counted like any failed try: a message we cannot send must not be taken up for ever.
        log.exception("sending %s failed", name)
        return Outcome(None, "our own failure; it has been logged")


async def _note(engine: AsyncEngine, row: Row[Any], outcome: Outcome, *, at: datetime) -> None:
    """Notes a try's outcome. Lock order: the webhook, then its deliveries."""
    last = row.attempts >= ATTEMPTS or outcome.status == GONE
    noted = "delivered" if outcome.delivered else "given_up" if last else "repeated"
    async with engine.begin() as connection:
        failing_for_s = await _note_health(connection, row.webhook, outcome)
        values: dict[str, Any] = {"last_status": outcome.status, "last_error": outcome.error}
        if outcome.delivered:
            values |= {"state": "delivered", "ended_at": func.now()}
        elif row.attempts >= ATTEMPTS:
            values |= {"state": "failed", "ended_at": func.now()}
        else:
            values |= {"next_at": func.now() + timedelta(seconds=pause_s(row.attempts))}
        mine = (_delivery.id == row.id) & (_delivery.attempts == row.attempts)
        await connection.execute(
            update(tables.delivery).where(mine, _delivery.state == "waiting").values(values)
        )
        if outcome.status == GONE:
            await _switch_off(connection, row.webhook, reason="its receiver says it is gone (410)", at=at)
        elif failing_for_s >= SWITCH_OFF_AFTER_S:
            await _switch_off(connection, row.webhook, reason="no try has succeeded for three days", at=at)
    DELIVERIES.labels(noted).inc()


def pause_s(attempts: int) -> int:
    """The pause after so many failed tries, with its jitter."""
    pause = PAUSES_S[attempts - 1]
    return pause + secrets.randbelow(int(pause * JITTER) + 1)


async def _note_health(connection: AsyncConnection, webhook_id: str, outcome: Outcome) -> float:
    """Notes that the webhook works, or since when it does not; gives the seconds it has been failing."""
    changed = update(tables.webhook).where(_webhook.id == webhook_id)
    if outcome.delivered:
        await connection.execute(
            changed.where(_webhook.failing_since.is_not(None)).values(failing_since=None)
        )
        return 0.0
    failing = changed.values(failing_since=func.coalesce(_webhook.failing_since, func.now()))
    failing_for = func.extract("epoch", func.now() - _webhook.failing_since)
    # None: the webhook was deleted meanwhile.
    return float((await connection.execute(failing.returning(failing_for))).scalar_one_or_none() or 0)


async def _switch_off(connection: AsyncConnection, webhook_id: str, *, reason: str, at: datetime) -> None:
    """Ends the webhook and what waits for it, and tells those who registered webhooks for its organisation."""
    off = await connection.execute(
        update(tables.webhook)
        .where(_webhook.id == webhook_id, _webhook.off_at.is_(None))
        .values(off_at=func.now(), off_reason=reason)
        .returning(_webhook.organisation, _webhook.url)
    )
    row = off.one_or_none()
    if row is None:
        return
    await connection.execute(
        update(tables.delivery)
        .where(_delivery.webhook == webhook_id, _delivery.state == "waiting")
        .values(state="failed", ended_at=func.now())
    )
    registrars = (
        select(_webhook.created_by)
        .where(_webhook.organisation == row.organisation)
        .distinct()
        .limit(TOLD_AT_MOST)
    )
    facts = {"webhook": webhook_id, "organisation": row.organisation, "url": row.url, "reason": reason}
    await note_events(
        connection,
        [
            Event(kind=EventKind.WEBHOOK_OFF, at=at, account=account, facts=facts)
            for account in (await connection.execute(registrars)).scalars()
        ],
    )
