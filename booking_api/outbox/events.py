"""Noting what happened, in the transaction in which it happens. Imports SQLAlchemy and this room's tables.

One statement for any number of events writes the events, the notices of their accounts and a delivery for every webhook
that asked for them. Crash before the caller's COMMIT: nothing happened, nothing is told. After it: all rows are there.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

FACTS_BYTES_LIMIT = 4_096
_ORGANISATION = re.compile(r"(school|station):[^\s:]{1,100}")


class EventKind(StrEnum):
    """What can happen. A kind that was published keeps its name.

    `booking.confirmed`, `.cancelled` and `.moved` are noted from the log's entries a moment later (`schools.telling_bookings`),
    for webhooks only: whoever books, cancels or moves is told in the answer.
    """

    BOOKING_CONFIRMED = "booking.confirmed"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_MOVED = "booking.moved"
    BOOKING_CHECKED_IN = "booking.checked_in"
    BOOKING_NO_SHOW = "booking.no_show"
    SESSION_CANCELLED = "session.cancelled"
    PLAN_PUBLISHED = "plan.published"
    BATCH_FINISHED = "batch.finished"
    SUBSTITUTION_MADE = "substitution.made"
    PAYMENT_SETTLED = "payment.settled"
    PAYMENT_REFUNDED = "payment.refunded"
    WEBHOOK_PING = "webhook.ping"
    WEBHOOK_OFF = "webhook.off"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `facts` are JSON, and everybody who is told gets all of them.

    `organisation` is written as roles write it (`school:s-1`, `station:hz-xihu`) and tells its webhooks; `account`
    gives that person a notice. A webhook is never told the account: name people in the facts only where their school
    or station is to know them.
    """

    kind: EventKind
    at: datetime
    organisation: str | None = None
    account: str | None = None
    facts: dict[str, Any] = {}


async def note_event(
    connection: AsyncConnection,
    *,
    kind: str,
    at: datetime,
    organisation: str | None,
    account: str | None,
    facts: dict[str, Any],
) -> None:
    """Notes one event in the caller's transaction; see `Event` for who is told.

    Raises:
        ValueError: the kind, the organisation, the time or the facts cannot be noted.
    """
    told = Event(kind=EventKind(kind), at=at, organisation=organisation, account=account, facts=facts)
    await note_events(connection, [told])


_NOTE = text(
    """
    WITH told AS (
        SELECT * FROM jsonb_to_recordset(CAST(:events AS jsonb))
            AS t(kind text, at timestamptz, organisation text, account text, facts jsonb)
    ), noted AS (
        INSERT INTO event (kind, at, organisation, account, facts)
        SELECT kind, at, organisation, account, facts FROM told
        RETURNING id, kind, at, organisation, account, facts
    ), noticed AS (
        INSERT INTO notice (account, kind, at, facts)
        SELECT account, kind, at, facts FROM noted WHERE account IS NOT NULL ORDER BY id
    ), subscribers AS (
        SELECT id, organisation, kinds FROM webhook
        WHERE organisation IN (SELECT organisation FROM told) AND off_at IS NULL
        FOR KEY SHARE
    )
    INSERT INTO delivery (webhook, event)
    SELECT s.id, n.id FROM noted n
    JOIN subscribers s ON s.organisation = n.organisation AND n.kind = ANY (s.kinds)
    ORDER BY n.id
    """
)
# The lock is for a webhook that is being deleted: without it the delivery would refer to nothing, and the caller's
# transaction, which has nothing to do with that, would fail.


async def note_events(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """Notes many events at once, as `note_event` does one.

    Raises:
        ValueError: an organisation, a time or facts that cannot be noted; nothing was.
    """
    for event in events:
        _check(event)
    if events:
        await connection.execute(_NOTE, {"events": msgspec.json.encode(events).decode()})


def _check(event: Event) -> None:
    if event.organisation is not None and not _ORGANISATION.fullmatch(event.organisation):
        raise ValueError(f"{event.organisation!r}: an organisation is written school:<id> or station:<id>")
    if event.at.tzinfo is None:
        raise ValueError("an event's time has a zone")
    facts = msgspec.json.encode(event.facts)
    # PostgreSQL stores no NUL, and what it refused would take the caller's transaction along.
    if len(facts) > FACTS_BYTES_LIMIT or b"\\u0000" in facts:
        raise ValueError(f"the facts of {event.kind} have a NUL or more than {FACTS_BYTES_LIMIT} bytes")
