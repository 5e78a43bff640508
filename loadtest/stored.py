"""What PostgreSQL has of the clients and pools a journal speaks of, in one snapshot. Imports SQLAlchemy."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text

from reservation import Kernel
from reservation.transaction import transaction


class StoredBooking(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    id: str
    owner: str
    pool: int
    unit: int
    state: str
    moved_to: str | None


class StoredUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit and its own counter of booked places."""

    id: int
    capacity: int
    booked: int


class Stored(msgspec.Struct, frozen=True):
    """`keys` maps (owner, Idempotency-Key) to the booking it gave."""

    bookings: dict[str, StoredBooking]
    units: dict[int, StoredUnit]
    keys: dict[tuple[str, str], str]


_BOOKINGS = text(
    """
    SELECT id::text, owner, pool_id AS pool, unit_id AS unit, state, moved_to::text
    FROM booking WHERE pool_id = ANY (CAST(:pools AS bigint[])) OR owner = ANY (CAST(:accounts AS text[]))
    """
)
_UNITS = text(
    "SELECT id, capacity, booked FROM unit WHERE pool_id = ANY (CAST(:pools AS bigint[])) ORDER BY id"
)
_KEYS = text(
    "SELECT owner, key, claim_id::text AS claim FROM idempotency WHERE owner = ANY (CAST(:accounts AS text[]))"
)


async def read_stored(kernel: Kernel, *, pools: Sequence[int], accounts: Sequence[str]) -> Stored:
    """Everything booked in these pools, by whomever, and everything these accounts have, wherever.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    about = {"pools": list(pools), "accounts": list(accounts)}
    async with transaction(kernel.engine) as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        bookings = (await connection.execute(_BOOKINGS, about)).mappings().all()
        units = (await connection.execute(_UNITS, {"pools": about["pools"]})).mappings().all()
        keys = (await connection.execute(_KEYS, {"accounts": about["accounts"]})).all()
    return Stored(
        {row["id"]: StoredBooking(**row) for row in bookings},
        {row["id"]: StoredUnit(**row) for row in units},
        {(row.owner, row.key): row.claim for row in keys},
    )
