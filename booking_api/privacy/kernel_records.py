"""Bookings and promises, and what their owner needs to find them in the log. Imports the kernel's tables.

Erased, a claim keeps its unit, times and state, so that counts and the log still add up; owner and claimant become a word
that is drawn for this claim alone, and the salt goes, without which nobody can tell whose an entry of the log was.
"""

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where
from reservation.tables import active_claim, booking, entry, idempotency, promise, unit

_booking, _promise, _entry, _key = booking.c, promise.c, entry.c, idempotency.c
_ends_at = func.coalesce(unit.c.ends_at, unit.c.starts_at, text("'infinity'"))

# A booking whose session is over is still `booked`, with a row of its claimant: both take the same word.
_ERASE_PROMISES = text(
    """
    UPDATE promise p SET owner = x.word, claimant = x.word, salt = NULL
    FROM (SELECT id, 'erased:' || gen_random_uuid() AS word FROM promise WHERE owner = :account) x
    WHERE p.id = x.id
    """
)
_ERASE_BOOKINGS = text(
    """
    WITH mine AS MATERIALIZED (
        -- One that came of a promise stays its owner's, whoever that was.
        SELECT b.id, b.claimant, b.service, b.rule, COALESCE(p.owner, 'erased:' || gen_random_uuid()) AS word
        FROM booking b LEFT JOIN promise p ON p.id = b.id WHERE b.owner = :account
    ), claims AS (
        UPDATE active_claim a SET claimant = m.word FROM mine m
        WHERE a.claimant = m.claimant AND a.service = m.service AND a.rule = m.rule AND a.claim_id = m.id
    )
    UPDATE booking b SET owner = m.word, claimant = m.word, salt = NULL FROM mine m WHERE b.id = m.id
    """
)


async def _bookings(connection: AsyncConnection, subject: Subject) -> list[Row]:
    salt = func.encode(_booking.salt, "hex").label("salt")
    columns = (*(column for column in _booking if column.name not in {"owner", "salt"}), salt)
    return await rows_where(connection, columns, _booking.owner == subject.account, order_by=_booking.id)


async def _promises(connection: AsyncConnection, subject: Subject) -> list[Row]:
    salt = func.encode(_promise.salt, "hex").label("salt")
    columns = (*(column for column in _promise if column.name not in {"owner", "salt"}), salt)
    return await rows_where(connection, columns, _promise.owner == subject.account, order_by=_promise.id)


async def _entries(connection: AsyncConnection, subject: Subject) -> list[Row]:
    """The log's entries about the person's claims: with salt and claimant they can show that an entry is theirs."""
    claims = (
        select(_booking.id)
        .where(_booking.owner == subject.account)
        .union(select(_promise.id).where(_promise.owner == subject.account))
    )
    commitment = func.encode(_entry.commitment, "hex").label("commitment")
    columns = (*(column for column in _entry if column.name not in {"id", "commitment"}), commitment)
    return await rows_where(connection, columns, _entry.claim_id.in_(claims), order_by=_entry.id)


async def _keys(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_key.key, _key.claim_id, _key.unit_id, _key.at)
    return await rows_where(connection, columns, _key.owner == subject.account, order_by=_key.at)


async def _active_bookings(connection: AsyncConnection, subject: Subject) -> list[str]:
    query = (
        select(_booking.id)
        .join(unit, unit.c.id == _booking.unit_id)
        .where(_booking.owner == subject.account, _booking.state == "booked", _ends_at > func.now())
        .order_by(_booking.id)
    )
    return list((await connection.execute(query)).scalars())


async def _open_promises(connection: AsyncConnection, subject: Subject) -> list[str]:
    query = (
        select(_promise.id)
        .where(_promise.owner == subject.account, _promise.state == "open")
        .order_by(_promise.id)
    )
    return list((await connection.execute(query)).scalars())


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    await connection.execute(_ERASE_PROMISES, {"account": subject.account})
    await connection.execute(_ERASE_BOOKINGS, {"account": subject.account})
    await connection.execute(delete(idempotency).where(_key.owner == subject.account))


KERNEL = Contributor(
    tables=(booking, promise, entry, active_claim, idempotency),
    exports={
        "bookings": _bookings,
        "promises": _promises,
        "log_entries": _entries,
        "idempotency_keys": _keys,
    },
    standing={"bookings": _active_bookings, "promises": _open_promises},
    erase=_erase,
)
