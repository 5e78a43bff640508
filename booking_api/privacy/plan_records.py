"""What became of a person's bookings on their day. Imports the plans' and the kernel's tables.

Rules count missed sessions and priority places as long as the learner certificate they were missed or used under lasts, and
a vehicle's missed inspections for a year. Until then they keep their person: an account is not erased to lose them.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.plans.tables import attendance
from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where

_attendance = attendance.c

# The day it is in China, where days of rules begin; the server's own day is eight hours behind.
_COUNTED = text(
    """
    SELECT format('no_show %s', t.day) AS what FROM attendance t
    WHERE t.owner = :account AND t.state = 'no_show' AND (
        t.claimant LIKE 'vehicle:%' AND t.day > (now() AT TIME ZONE interval '8 hours')::date - 366
        OR EXISTS (SELECT FROM learner_certificate c WHERE c.identity_number = CAST(:number AS text)
                   AND c.issued <= t.day AND c.last_day >= (now() AT TIME ZONE interval '8 hours')::date))
    UNION ALL
    SELECT format('priority %s', s.subject) FROM booking b JOIN plan_session s ON s.unit_id = b.unit_id
    WHERE b.owner = :account AND s.quota = 'priority' AND b.ended_by IS DISTINCT FROM 'authority'
        AND EXISTS (SELECT FROM learner_certificate c WHERE c.identity_number = CAST(:number AS text)
                    AND c.last_day >= (now() AT TIME ZONE interval '8 hours')::date)
    ORDER BY what
    """
)
_ERASE = text(
    """
    UPDATE attendance t SET owner = b.owner, claimant = b.claimant
    FROM booking b WHERE b.id = t.booking_id AND t.owner = :account
    """
)


async def _attended(connection: AsyncConnection, subject: Subject) -> list[Row]:
    # Who wrote it down is that person's affair.
    columns = tuple(column for column in _attendance if column.name not in {"owner", "by"})
    mine = _attendance.owner == subject.account
    return await rows_where(connection, columns, mine, order_by=_attendance.day)


async def _counted(connection: AsyncConnection, subject: Subject) -> list[str]:
    values = {"account": subject.account, "number": subject.verified_number}
    return list((await connection.execute(_COUNTED, values)).scalars())


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    """Comes after the bookings, whose new words these rows take."""
    await connection.execute(_ERASE, {"account": subject.account})


PLANS = Contributor(
    tables=(attendance,),
    exports={"attendances": _attended},
    standing={"counted_by_rules": _counted},
    erase=_erase,
)
