"""What is somebody's own on every page, read for many at once: unread messages, bookings to come.

Imports SQLAlchemy, the kernel's tables and the outbox's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, Row, Text, bindparam, func, select, true

from booking_api.gathering import Reader, fetch
from reservation import Kernel, tables
from reservation.transaction import transaction

UNREAD_COUNTED = 100
"""More than that is said to be that many."""
BOOKINGS_SHOWN = 20

_UNREAD = f"""
SELECT k.account,
    (SELECT count(*) FROM (
        SELECT FROM notice n WHERE n.account = k.account AND n.read_at IS NULL LIMIT {UNREAD_COUNTED}
    ) AS unread) AS waiting
FROM unnest($1::text[]) AS k (account)
"""  # noqa: S608 - our own number


class Belongings:
    """Owns one worker's reads on their way; remembers nothing, so that whoever has just booked sees it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._unread: Reader[str, int] = Reader(self._read_unread, nothing=0)
        self._bookings: Reader[str, Sequence[Row[Any]]] = Reader(self._read_bookings, nothing=())

    async def unread(self, account: str) -> int:
        """How many notices the account has not read, up to UNREAD_COUNTED.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        return await self._unread.of(account)

    async def bookings(self, account: str) -> Sequence[Row[Any]]:
        """The account's active bookings of sessions to come, the soonest first, BOOKINGS_SHOWN at most.

        Each has its booking's columns, `starts_at`, `unit_title` and its pool's `title`.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        return await self._bookings.of(account)

    async def _read_unread(self, accounts: Sequence[str]) -> dict[str, int]:
        return {row["account"]: row["waiting"] for row in await fetch(self._kernel, _UNREAD, accounts)}

    async def _read_bookings(self, accounts: Sequence[str]) -> dict[str, list[Row[Any]]]:
        now = datetime.fromtimestamp(self._kernel.clock() / 1000, UTC)
        found: dict[str, list[Row[Any]]] = {}
        async with transaction(self._kernel.reads) as connection:
            for row in await connection.execute(_COMING, {"accounts": accounts, "now": now}):
                found.setdefault(row.owner, []).append(row)
        return found


def _coming() -> Any:
    booking, unit, pool = tables.booking, tables.unit, tables.pool
    asked = (
        func.unnest(bindparam("accounts", type_=ARRAY(Text)))
        .table_valued("account")
        .render_derived(name="asked")
    )
    theirs = (
        select(booking, unit.c.title.label("unit_title"), unit.c.starts_at, pool.c.title)
        .join(unit, unit.c.id == booking.c.unit_id)
        .join(pool, pool.c.id == booking.c.pool_id)
        .where(booking.c.owner == asked.c.account, booking.c.state == "booked")
        .where(unit.c.starts_at > bindparam("now"))
        .order_by(unit.c.starts_at, booking.c.id)
        .limit(BOOKINGS_SHOWN)
        .lateral("theirs")
    )
    return select(theirs).select_from(asked).join(theirs, onclause=true())


_COMING = _coming()
