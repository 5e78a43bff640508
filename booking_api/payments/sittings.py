"""What fees mean for sittings: which are used up, which are paid back. Imports SQLAlchemy.

A settled fee covers its person's next sitting of the subject, whatever is cancelled before. Each joins its caller's
transaction: the one that concludes a session, the one that gives money back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.payments.errors import FeeNeeded, NothingToRefund
from reservation import tables


class Sitting(NamedTuple):
    """A booking whose session is over, and whose fee covers it."""

    booking: str
    account: str
    authority: str
    subject: int


_USE = text(
    """
    WITH asked AS (
        SELECT * FROM unnest(
            CAST(:bookings AS uuid[]), CAST(:accounts AS text[]), CAST(:authorities AS text[]), CAST(:subjects AS int[])
        ) AS a (booking, account, authority, subject)
        WHERE NOT EXISTS (SELECT FROM fee f WHERE f.used_by = a.booking)
    ), used AS (
        UPDATE fee f SET used_by = a.booking FROM asked a
        WHERE f.account = a.account AND f.authority = a.authority AND f.subject = a.subject
            AND f.state = 'settled' AND f.used_by IS NULL
        RETURNING f.id, f.used_by
    )
    INSERT INTO fee_change (fee, at, state, by, note)
    SELECT id, :at, 'settled', 'booking:' || used_by, 'used' FROM used RETURNING fee
    """
)


async def use_fees(connection: AsyncConnection, sittings: Sequence[Sitting], *, at: datetime) -> int:
    """Each sitting uses its person's settled fee up, if there is one; gives how many. Done again it uses nothing more."""
    used = await connection.execute(
        _USE,
        {
            "bookings": [sitting.booking for sitting in sittings],
            "accounts": [sitting.account for sitting in sittings],
            "authorities": [sitting.authority for sitting in sittings],
            "subjects": [sitting.subject for sitting in sittings],
            "at": at,
        },
    )
    return len(used.all())


_ASK_REFUNDS = text(
    """
    WITH asked AS (
        UPDATE fee SET state = 'refunding', tries = 0, next_at = now()
        WHERE state = 'settled' AND (
            used_by = ANY (CAST(:bookings AS uuid[]))
            OR (account = ANY (:accounts) AND authority = :authority AND subject = :subject AND used_by IS NULL)
        )
        RETURNING id
    )
    INSERT INTO fee_change (fee, at, state, by) SELECT id, :at, 'refunding', :by FROM asked RETURNING fee
    """
)


async def refund(
    connection: AsyncConnection,
    *,
    authority: str,
    subject: int,
    bookings: Collection[str],
    accounts: Collection[str],
    by: str,
    at: datetime,
) -> int:
    """Asks for fees to be paid back, in the caller's transaction; gives how many.

    Paid back are the settled fees these bookings have used, and these accounts' unused ones for this subject. The job
    (`mending`) or a clerk carries it out; until then the fee is `refunding` and covers nothing.
    """
    asked = await connection.execute(
        _ASK_REFUNDS,
        {
            "bookings": list(bookings),
            "accounts": list(accounts),
            "authority": authority,
            "subject": subject,
            "at": at,
            "by": by,
        },
    )
    return len(asked.all())


async def refund_unused(
    connection: AsyncConnection, *, account: str, authority: str, subject: int, at: datetime
) -> None:
    """Has the owner's fee paid back that no sitting has used, in the caller's transaction.

    Raises:
        FeeNeeded: an active booking needs it.
        NothingToRefund: there is none.
    """
    booking = tables.booking.c
    active = select(booking.id).where(booking.owner == account, booking.state == "booked")
    active = active.where(booking.concluded_at.is_(None), booking.rule == f"subject-{subject}")
    if (await connection.execute(active.limit(1))).first() is not None:
        raise FeeNeeded
    asked = await refund(
        connection,
        authority=authority,
        subject=subject,
        bookings=[],
        accounts=[account],
        by=f"account:{account}",
        at=at,
    )
    if not asked:
        raise NothingToRefund
