"""Clearing what was told long ago, a bounded number at a time. Imports SQLAlchemy.

Ended deliveries go after DELIVERIES_DAYS, events once no delivery needs them, notices after NOTICES_DAYS.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

PRUNE_EVERY_S = 600.0
PRUNE_LIMIT = 5_000
DELIVERIES_DAYS = 30
NOTICES_DAYS = 3 * 365

_PRUNE = (
    """
    DELETE FROM delivery WHERE id IN (
        SELECT id FROM delivery WHERE ended_at < now() - make_interval(days => :deliveries) LIMIT :limit
    )
    """,
    """
    DELETE FROM event WHERE id IN (
        SELECT id FROM event e WHERE noted_at < now() - make_interval(days => :deliveries)
        AND NOT EXISTS (SELECT FROM delivery WHERE event = e.id) LIMIT :limit
    )
    """,
    """
    DELETE FROM notice WHERE id IN (
        SELECT id FROM notice WHERE noted_at < now() - make_interval(days => :notices) LIMIT :limit
    )
    """,
)


async def prune_outbox(engine: AsyncEngine) -> bool:
    """Clears at most PRUNE_LIMIT rows of each kind; True when there may be more."""
    bounds = {"deliveries": DELIVERIES_DAYS, "notices": NOTICES_DAYS, "limit": PRUNE_LIMIT}
    most = 0
    for statement in map(text, _PRUNE):
        asked = {name: value for name, value in bounds.items() if f":{name}" in statement.text}
        async with engine.begin() as connection:
            most = max(most, (await connection.execute(statement, asked)).rowcount)
    return most == PRUNE_LIMIT
