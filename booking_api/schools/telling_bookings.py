"""Telling schools and stations what becomes of bookings: read off the log's entries, beside the path that makes them.

Every change of a unit is an entry in its own transaction, so nothing more is written there for the sake of telling. Each
entry is told exactly once: its events are written in the transaction that moves the cursor past it, by one worker at a
time. Ids are given out before COMMIT, so entries appear out of order; the cursor waits for those that are still to come:

(1) see    outside any transaction, the newest entry there is: `seen`.
(2) bound  a transaction's own number, taken after that: `horizon`. Whoever was given an id up to `seen` has a lower one,
           because every transaction that makes an entry has locked or written something before.
(3) tell   once no transaction below the horizon is running, every entry up to `seen` is there or never will be.

A crash at any line leaves the cursor where it was, and no event without it. Imports SQLAlchemy.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.outbox.events import EventKind

TELL_EVERY_S = 1.0
ENTRIES_AT_ONCE = 1_000
KINDS = {
    "confirm": EventKind.BOOKING_CONFIRMED,
    "confirm_promise": EventKind.BOOKING_CONFIRMED,
    "substitute_to": EventKind.BOOKING_CONFIRMED,
    "cancel": EventKind.BOOKING_CANCELLED,
    "substitute_from": EventKind.BOOKING_CANCELLED,
    "move_from": EventKind.BOOKING_MOVED,
}
"""Which entries are told, and as what. `move_to` is the other half of a `move_from`."""

_BOUND = {"reader": "bookings", "kinds": sorted(set(KINDS.values()))}

_LOOK = text(
    """
    SELECT COALESCE((SELECT max(id) FROM entry), 0) AS newest,
           (SELECT told FROM entry_cursor WHERE reader = :reader) AS told,
           EXISTS (SELECT FROM webhook WHERE off_at IS NULL AND kinds && CAST(:kinds AS text[])) AS asked
    """
)
# What was booked before anybody could be told is not told.
_BEGIN = text(
    """
    INSERT INTO entry_cursor (reader, told, seen, horizon) VALUES (:reader, :newest, :newest, 0)
    ON CONFLICT DO NOTHING
    """
)
# A horizon above every number there is comes from another server, whose data were copied here: it is set anew.
_CURSOR = text(
    """
    SELECT told, seen, CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) >= horizon AS settled,
           CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) <= horizon AS foreign_horizon
    FROM entry_cursor WHERE reader = :reader FOR UPDATE SKIP LOCKED
    """
)
_MOVE = text("UPDATE entry_cursor SET told = :told WHERE reader = :reader")
_SEE = text(
    """
    UPDATE entry_cursor SET seen = GREATEST(seen, :newest), horizon = CAST(CAST(pg_current_xact_id() AS text) AS bigint)
    WHERE reader = :reader
    """
)

# A station hears of every booking at its sites; a school of those made in its batches, but for what it undoes itself:
# the seat goes with the row then, and `rows.release_row` tells.
_TELL = text(
    """
    WITH changed AS MATERIALIZED (
        SELECT e.id, k.told AS kind, e.at, e.pool_id, e.unit_id, e.claim_id,
               CASE WHEN e.kind IN ('cancel', 'substitute_from') THEN b.ended_by END AS ended_by,
               CASE WHEN e.kind = 'move_from' THEN b.moved_to END AS moved_to,
               CASE WHEN e.kind = 'move_from' THEN m.unit_id END AS moved_to_unit
        FROM entry e
        JOIN unnest(CAST(:entries AS text[]), CAST(:told_as AS text[])) AS k (entry, told) ON k.entry = e.kind
        LEFT JOIN booking b ON b.id = e.claim_id
        LEFT JOIN booking m ON m.id = b.moved_to
        WHERE e.id > :after AND e.id <= :upto
    ), concerned AS (
        SELECT c.id, 'station:' || o.id AS organisation FROM changed c
        JOIN unit u ON u.id IN (c.unit_id, c.moved_to_unit)
        JOIN organisation o ON o.kind = 'station' AND u.site = ANY (o.sites)
        UNION
        SELECT c.id, 'school:' || s.school FROM changed c JOIN school_seat s ON s.claim_id = c.claim_id
        WHERE c.ended_by IS DISTINCT FROM 'authority'
    ), subscribers AS (
        SELECT id, organisation, kinds, created_at FROM webhook
        WHERE off_at IS NULL AND kinds && CAST(:kinds AS text[])
        FOR KEY SHARE
    ), noted AS (
        INSERT INTO event (kind, at, organisation, facts)
        SELECT c.kind, c.at, o.organisation, jsonb_strip_nulls(jsonb_build_object(
            'booking', c.claim_id, 'pool', c.pool_id, 'unit', c.unit_id, 'by', c.ended_by,
            'moved_to', c.moved_to, 'moved_to_unit', c.moved_to_unit
        ))
        FROM changed c JOIN concerned o ON o.id = c.id
        WHERE EXISTS (
            SELECT FROM subscribers s
            WHERE s.organisation = o.organisation AND c.kind = ANY (s.kinds) AND s.created_at <= c.at
        )
        ORDER BY c.id
        RETURNING id, kind, at, organisation
    )
    INSERT INTO delivery (webhook, event)
    SELECT s.id, n.id FROM noted n
    JOIN subscribers s ON s.organisation = n.organisation AND n.kind = ANY (s.kinds) AND s.created_at <= n.at
    ORDER BY n.id
    """
)


async def tell_bookings(engine: AsyncEngine, reads: AsyncEngine) -> bool:
    """Tells at most ENTRIES_AT_ONCE entries, if any are settled; True when there are more of them.

    Raises:
        SQLAlchemyError, OSError: the database does not answer; nothing was told.
    """
    async with reads.connect() as connection:
        look = (await connection.execute(_LOOK, _BOUND)).one()
    if look.told == look.newest:
        return False
    async with engine.begin() as connection:
        if look.told is None:
            await connection.execute(_BEGIN, _BOUND | {"newest": look.newest})
            return False
        cursor = (await connection.execute(_CURSOR, _BOUND)).one_or_none()
        if cursor is None:
            return False  # another worker is telling
        told = cursor.told
        if cursor.settled and told < cursor.seen:
            told = min(told + ENTRIES_AT_ONCE, cursor.seen) if look.asked else cursor.seen
            if look.asked:
                entries = {"entries": list(KINDS), "told_as": list(KINDS.values())}
                await connection.execute(_TELL, _BOUND | entries | {"after": cursor.told, "upto": told})
            await connection.execute(_MOVE, _BOUND | {"told": told})
        if cursor.foreign_horizon or (told == cursor.seen < look.newest):
            await connection.execute(_SEE, _BOUND | {"newest": look.newest})
    return told > cursor.told and told < cursor.seen
