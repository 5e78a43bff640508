"""What fees mean for sittings: which are covered, which is used up, which are paid back. Imports SQLAlchemy.

Each joins its caller's transaction: the one that checks, that notes an attempt, that cancels a session.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.payments import tables
from booking_api.payments.fees import note_change
from booking_api.payments.standing import FeeState

SUBJECTS = (1, 2, 3, 4)

_fee = tables.fee.c


_SETTLED = text(
    """
    SELECT account, array_agg(subject ORDER BY subject) AS subjects FROM fee
    WHERE account = ANY (:accounts) AND authority = :authority AND state = 'settled' AND used_by IS NULL
    GROUP BY account
    """
)


async def settled_subjects(
    connection: AsyncConnection, *, accounts: Sequence[str], authority: str
) -> dict[str, frozenset[int]]:
    """Account -> the subjects whose fee at this authority is paid and not used yet. Accounts with none are left out.

    A subject without a fee (`free_subjects`) is not among them.
    """
    rows = await connection.execute(_SETTLED, {"accounts": list(accounts), "authority": authority})
    return {row.account: frozenset(row.subjects) for row in rows}


def free_subjects(fees_fen: Mapping[int, int]) -> frozenset[int]:
    """The subjects for which nothing is due.

    >>> sorted(free_subjects({1: 4000, 2: 0}))
    [2, 3, 4]
    """
    return frozenset(subject for subject in SUBJECTS if fees_fen.get(subject, 0) == 0)


async def use_fee(
    connection: AsyncConnection, *, account: str, authority: str, subject: int, booking_id: str, at: datetime
) -> bool:
    """A sitting uses the person's fee up; False when none is settled. Using it again for the same booking is True."""
    used = select(_fee.id).where(_fee.used_by == booking_id)
    if (await connection.execute(used)).first() is not None:
        return True
    mine = (_fee.account == account) & (_fee.authority == authority) & (_fee.subject == subject)
    done = await connection.execute(
        update(tables.fee)
        .where(mine, _fee.state == FeeState.SETTLED, _fee.used_by.is_(None))
        .values(used_by=booking_id)
        .returning(_fee.id)
    )
    fee_id = done.scalar_one_or_none()
    if fee_id is None:
        return False
    await note_change(connection, fee_id, FeeState.SETTLED, by=f"booking:{booking_id}", at=at, note="used")
    return True


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
    """Asks for fees to be paid back, in the transaction that cancels their session; gives how many.

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
