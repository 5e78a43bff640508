"""Places that come back later than they were left: held back from everybody until a moment nobody can predict.

A cancelled place that is free at once goes to whoever asks every millisecond. Held back it is a promise to nobody, made
in the very transaction that ended the booking and told to Valkey in one function: there is no moment between in which the
place could be taken. Imports SQLAlchemy.
"""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from reservation import tables
from reservation.claim_id import new_claim_id
from reservation.model import Pool
from reservation.transaction import count, enter

OWNER = "return"


async def hold_back(
    connection: AsyncConnection, pool: Pool, *, unit_id: int, booking_id: str, until: datetime, now_ms: int
) -> list[str]:
    """Keeps the place that this booking has just left until the given moment; gives what Valkey is to be told."""
    claim_id = new_claim_id(pool=pool.id, now_ms=now_ms)
    claimant = f"{OWNER}:{booking_id}"
    await connection.execute(
        insert(tables.active_claim).values(
            claimant=claimant, service=pool.service, rule=pool.rule, claim_id=claim_id
        )
    )
    await connection.execute(
        insert(tables.promise).values(
            id=claim_id,
            pool_id=pool.id,
            unit_id=unit_id,
            claimant=claimant,
            owner=OWNER,
            service=pool.service,
            rule=pool.rule,
            state="open",
            expires_at=until,
        )
    )
    await count(connection, unit_id, promised=1)
    await enter(
        connection, kind="hold_back", pool=pool, unit_id=unit_id, delta=-1, claim_id=claim_id, person=None
    )
    return ["take", claim_id, str(unit_id)]
