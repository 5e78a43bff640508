"""Clearing what was told long ago, a bounded number at a time. Imports SQLAlchemy.

What waits for a webhook that is off has failed. Ended deliveries go after DELIVERIES_DAYS, events once no delivery needs
them, notices after NOTICES_DAYS.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

PRUNE_EVERY_S = 600.0
PRUNE_LIMIT = 5_000
LEFT_DAYS = 1
DELIVERIES_DAYS = 30
NOTICES_DAYS = 3 * 365

# Noted in the very moment in which its webhook was switched off.
_LEFT = text(
    """
    UPDATE delivery SET state = 'failed', ended_at = now() WHERE id IN (
        SELECT d.id FROM webhook w JOIN delivery d ON d.webhook = w.id AND d.state = 'waiting'
        WHERE w.off_at < now() - make_interval(days => :days) LIMIT :limit
    )
    """
)
_DELIVERIES = text(
    """
    DELETE FROM delivery WHERE id IN (
        SELECT id FROM delivery WHERE ended_at < now() - make_interval(days => :days) LIMIT :limit
    )
    """
)
_EVENTS = text(
    """
    DELETE FROM event WHERE id IN (
        SELECT id FROM event e WHERE noted_at < now() - make_interval(days => :days)
        AND NOT EXISTS (SELECT FROM delivery WHERE event = e.id) LIMIT :limit
    )
    """
)
_NOTICES = text(
    """
    DELETE FROM notice WHERE id IN (
        SELECT id FROM notice WHERE noted_at < now() - make_interval(days => :days) LIMIT :limit
    )
    """
)


async def prune_outbox(engine: AsyncEngine) -> bool:
    """Clears at most PRUNE_LIMIT rows of each kind; True when there may be more."""
    most = 0
    # A transaction each: events go only after the deliveries that refer to them.
    for statement, days in (
        (_LEFT, LEFT_DAYS),
        (_DELIVERIES, DELIVERIES_DAYS),
        (_EVENTS, DELIVERIES_DAYS),
        (_NOTICES, NOTICES_DAYS),
    ):
        async with engine.begin() as connection:
            cleared = await connection.execute(statement, {"days": days, "limit": PRUNE_LIMIT})
            most = max(most, cleared.rowcount)
    return most == PRUNE_LIMIT
