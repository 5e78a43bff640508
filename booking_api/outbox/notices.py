"""A person's notices: reading them. They are written with their events. Imports SQLAlchemy and this room's tables."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.outbox import tables
from booking_api.outbox.errors import UnknownNotice

_notice = tables.notice.c


class Notice(msgspec.Struct, frozen=True):
    """What a person was told, when it happened, and when they read it."""

    id: int
    kind: str
    at: datetime
    facts: dict[str, Any]
    read_at: datetime | None


async def notices_of(engine: AsyncEngine, *, account: str, before: int | None, limit: int) -> list[Notice]:
    """The account's notices, newest first, from the one before `before` on."""
    query = select(tables.notice).where(_notice.account == account).order_by(_notice.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_notice.id < before)
    async with engine.connect() as connection:
        return [_notice_of(row) for row in (await connection.execute(query)).all()]


async def read_notice(engine: AsyncEngine, *, account: str, notice_id: int) -> Notice:
    """Marks a notice as read; the first time stands.

    Raises:
        UnknownNotice: the account has none with this id.
    """
    async with engine.begin() as connection:
        done = await connection.execute(
            update(tables.notice)
            .where(_notice.id == notice_id, _notice.account == account)
            .values(read_at=func.coalesce(_notice.read_at, func.now()))
            .returning(tables.notice)
        )
        row = done.one_or_none()
    if row is None:
        raise UnknownNotice(notice=notice_id)
    return _notice_of(row)


async def read_all_notices(engine: AsyncEngine, *, account: str) -> None:
    """Marks every notice of the account as read."""
    async with engine.begin() as connection:
        await connection.execute(
            update(tables.notice)
            .where(_notice.account == account, _notice.read_at.is_(None))
            .values(read_at=func.now())
        )


def _notice_of(row: Row[Any]) -> Notice:
    return Notice(id=row.id, kind=row.kind, at=row.at, facts=row.facts, read_at=row.read_at)
