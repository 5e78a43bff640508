"""An organisation's webhooks: register, list, delete, ping, look at deliveries. Imports SQLAlchemy and this room.

Organisations are schools and stations as roles name them (`school:s-1`); `organisations` below are those the asker acts
for, and what belongs to others is as if it were not there.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy import Row, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.errors import InvalidRequest, NotYourOrganisation
from booking_api.outbox import tables
from booking_api.outbox.addresses import URL_LENGTH_LIMIT, AddressRefused, resolve_target
from booking_api.outbox.errors import TooManyWebhooks, UnknownWebhook, WebhookOff
from booking_api.outbox.events import EventKind
from booking_api.outbox.signing import webhook_secret
from booking_api.uuids import is_uuid

WEBHOOKS_LIMIT = 10
DELIVERIES_SHOWN = 100

_webhook, _delivery, _event = tables.webhook.c, tables.delivery.c, tables.event.c


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a school or station (`school:s-1`, `station:hz-xihu`) wants to be told of which kinds of events."""

    organisation: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=URL_LENGTH_LIMIT)]
    kinds: Annotated[list[EventKind], msgspec.Meta(min_length=1, max_length=len(EventKind))]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A registered webhook. `failing_since`: no try has succeeded since; `off_at`: nothing is sent any more."""

    id: str
    organisation: str
    url: str
    kinds: list[str]
    created_at: datetime
    failing_since: datetime | None
    off_at: datetime | None
    off_reason: str | None


class RegisteredWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook just registered, with its secret (`whsec_...`), which is shown this once."""

    secret: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook. `id` is the header `webhook-id`; `next_at` the next try, if there is one."""

    id: str
    kind: str
    state: str
    attempts: int
    noted_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    last_status: int | None
    last_error: str | None


async def register_webhook(
    engine: AsyncEngine,
    key: OKPKey,
    new: NewWebhook,
    *,
    organisations: Collection[str],
    account: str,
    loopback: bool,
) -> RegisteredWebhook:
    """Registers a webhook; its first delivery is that of the next event of these kinds.

    Raises:
        NotYourOrganisation: the asker does not act for it.
        InvalidRequest: the URL may not be called.
        TooManyWebhooks: the organisation has WEBHOOKS_LIMIT.
    """
    if new.organisation not in organisations:
        raise NotYourOrganisation(organisation=new.organisation)
    try:
        await resolve_target(new.url, loopback=loopback)
    except AddressRefused as error:
        raise InvalidRequest(errors=[{"field": "url", "reason": str(error)}]) from None
    values = {
        "id": str(uuid4()),
        "organisation": new.organisation,
        "url": new.url,
        "kinds": sorted(set(new.kinds)),
        "created_by": account,
    }
    async with engine.begin() as connection:
        await _check_room(connection, new.organisation)
        made = await connection.execute(insert(tables.webhook).values(values).returning(tables.webhook))
        webhook = _webhook_of(made.one())
    secret = webhook_secret(key, webhook.id)
    return RegisteredWebhook(**msgspec.structs.asdict(webhook), secret=secret)


async def webhooks_of(engine: AsyncEngine, *, organisations: Collection[str]) -> list[Webhook]:
    """The webhooks of these organisations, the oldest first."""
    query = select(tables.webhook).where(_webhook.organisation.in_(organisations))
    async with engine.connect() as connection:
        rows = (await connection.execute(query.order_by(_webhook.created_at, _webhook.id))).all()
    return [_webhook_of(row) for row in rows]


async def delete_webhook(engine: AsyncEngine, webhook_id: str, *, organisations: Collection[str]) -> None:
    """Deletes a webhook and what waits for it; a sending that is under way may still arrive.

    Raises:
        UnknownWebhook: none of these organisations has it.
    """
    async with engine.begin() as connection:
        await _find(connection, webhook_id, organisations=organisations)
        await connection.execute(delete(tables.webhook).where(_webhook.id == webhook_id))


async def ping_webhook(
    engine: AsyncEngine, webhook_id: str, *, organisations: Collection[str], at: datetime
) -> str:
    """Sends the webhook an event `webhook.ping`, whatever its kinds; gives the delivery's id.

    Raises:
        UnknownWebhook: none of these organisations has it.
        WebhookOff: it was switched off.
    """
    async with engine.begin() as connection:
        webhook = await _find(connection, webhook_id, organisations=organisations)
        if webhook.off_at is not None:
            raise WebhookOff(webhook=webhook_id)
        event = insert(tables.event).values(
            kind=EventKind.WEBHOOK_PING,
            at=at,
            organisation=webhook.organisation,
            facts={"webhook": webhook_id},
        )
        event_id = (await connection.execute(event.returning(_event.id))).scalar_one()
        made = await connection.execute(
            insert(tables.delivery).values(webhook=webhook_id, event=event_id).returning(_delivery.id)
        )
        return message_id(made.scalar_one())


async def deliveries_of(
    engine: AsyncEngine, webhook_id: str, *, organisations: Collection[str]
) -> list[Delivery]:
    """The webhook's last DELIVERIES_SHOWN deliveries, newest first.

    Raises:
        UnknownWebhook: none of these organisations has it.
    """
    query = (
        select(tables.delivery, _event.kind)
        .join(tables.event, _event.id == _delivery.event)
        .where(_delivery.webhook == webhook_id)
        .order_by(_delivery.noted_at.desc(), _delivery.event.desc())
        .limit(DELIVERIES_SHOWN)
    )
    async with engine.connect() as connection:
        await _find(connection, webhook_id, organisations=organisations)
        rows = (await connection.execute(query)).all()
    return [_delivery_of(row) for row in rows]


def message_id(delivery_id: str) -> str:
    """The header `webhook-id` of a delivery: the same at every try, so that receivers know it again."""
    return f"msg_{delivery_id.replace('-', '')}"


async def _check_room(connection: AsyncConnection, organisation: str) -> None:
    # One at a time per organisation, or two registrations would each see the other's place free.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || :organisation, 0))"),
        {"organisation": organisation},
    )
    query = select(func.count()).where(_webhook.organisation == organisation)
    if (await connection.execute(query)).scalar_one() >= WEBHOOKS_LIMIT:
        raise TooManyWebhooks(limit=WEBHOOKS_LIMIT)


async def _find(connection: AsyncConnection, webhook_id: str, *, organisations: Collection[str]) -> Row[Any]:
    if not is_uuid(webhook_id):
        raise UnknownWebhook(webhook=webhook_id[:64])
    query = select(tables.webhook).where(_webhook.id == webhook_id, _webhook.organisation.in_(organisations))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownWebhook(webhook=webhook_id)
    return row


def _webhook_of(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        organisation=row.organisation,
        url=row.url,
        kinds=list(row.kinds),
        created_at=row.created_at,
        failing_since=row.failing_since,
        off_at=row.off_at,
        off_reason=row.off_reason,
    )


def _delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        id=message_id(row.id),
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        noted_at=row.noted_at,
        next_at=row.next_at if row.state == "waiting" else None,
        ended_at=row.ended_at,
        last_status=row.last_status,
        last_error=row.last_error,
    )
