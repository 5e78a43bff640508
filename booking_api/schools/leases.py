"""Who carries a batch: a lease in its row, renewed with every step; without it nothing is changed. Imports SQLAlchemy.

A worker that dies leaves its lease to end by itself. One that stood still finds its lease gone at its next step; what it
has asked of the kernel in between, the next one repeats and is told the same.
"""

import secrets
from typing import Any

from sqlalchemy import Row, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.schools import tables
from reservation import Kernel
from reservation.transaction import transaction

LEASE_S = 15.0

# A school with many batches does not keep the others waiting: whoever is carried least comes first.
_CLAIM = text(
    """
    UPDATE school_batch SET leased_by = :lease, leased_until = now() + make_interval(secs => :life)
    WHERE id = (
        SELECT b.id FROM school_batch b
        WHERE b.ended_at IS NULL AND (b.leased_until IS NULL OR b.leased_until <= now())
        ORDER BY (SELECT count(*) FROM school_batch o
                  WHERE o.school = b.school AND o.ended_at IS NULL AND o.leased_until > now()), b.id
        LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id
    """
)
_RENEW = text(
    """
    UPDATE school_batch b SET leased_until = now() + make_interval(secs => :life)
    FROM organisation o
    WHERE b.id = :batch AND b.leased_by = :lease AND b.ended_at IS NULL AND o.id = b.school
    RETURNING b.state, b.cancel_asked, b.verdict, o.state AS school_state
    """
)


class LeaseLost(Exception):
    """Another worker carries this batch now, or it has ended."""


async def claim(kernel: Kernel) -> tuple[int, str] | None:
    """A batch that nobody carries and the lease on it; None when there is none.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    lease = secrets.token_hex(8)
    async with transaction(kernel.engine) as connection:
        row = (await connection.execute(_CLAIM, {"lease": lease, "life": LEASE_S})).one_or_none()
    return (row.id, lease) if row is not None else None


async def renew(connection: AsyncConnection, *, batch: int, lease: str) -> Row[Any]:
    """Locks the batch for the caller's transaction and renews the lease; gives what may have changed meanwhile.

    Raises:
        LeaseLost: it is not ours any more.
    """
    row = (await connection.execute(_RENEW, {"batch": batch, "lease": lease, "life": LEASE_S})).one_or_none()
    if row is None:
        raise LeaseLost
    return row


async def pause(kernel: Kernel, *, batch: int, lease: str, pause_s: float) -> None:
    """Leaves a batch for whoever is free after the pause."""
    table = tables.school_batch
    async with transaction(kernel.engine) as connection:
        await connection.execute(
            update(table)
            .where(table.c.id == batch, table.c.leased_by == lease)
            .values(leased_by=None, leased_until=text("now() + make_interval(secs => :pause_s)")),
            {"pause_s": pause_s},
        )
