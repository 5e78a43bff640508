"""What happened to an account's ways of signing in, and who did it: a record that nobody changes. Imports SQLAlchemy."""

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.identity.factors import tables

SHOWN = 100


class EventKind(StrEnum):
    """What can happen."""

    TOTP_ACTIVATED = "totp_activated"
    TOTP_REMOVED = "totp_removed"
    KEY_ADDED = "security_key_added"
    KEY_REMOVED = "security_key_removed"
    KEY_COUNTED_BACK = "security_key_counted_back"
    RECOVERY_CODE_USED = "recovery_code_used"
    FACTORS_RESET = "factors_reset"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - an event's name


class AccountEvent(msgspec.Struct, frozen=True):
    """One entry: what, by whom (an account's id, or `counter:` and a clerk's), when."""

    kind: str
    by: str
    at: datetime


async def record(connection: AsyncConnection, kind: EventKind, *, account: str, by: str) -> None:
    """Adds an entry in the caller's transaction."""
    await connection.execute(insert(tables.account_event).values(account=account, kind=kind.value, by=by))


async def latest_events(engine: AsyncEngine, account: str) -> list[AccountEvent]:
    """The account's last SHOWN entries, newest first."""
    event = tables.account_event.c
    query = (
        select(event.kind, event.by, event.at)
        .where(event.account == account)
        .order_by(event.id.desc())
        .limit(SHOWN)
    )
    async with engine.connect() as connection:
        return [AccountEvent(row.kind, row.by, row.at) for row in await connection.execute(query)]
