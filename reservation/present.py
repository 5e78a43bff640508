"""What somebody holds now, read without taking or prolonging anything. Imports the kernel; changes nothing.

`hold` repeated gives the hold one has, but takes the units anew when it has ended a moment before: whoever only looks
asks here.
"""

from sqlalchemy import select

from reservation import tables
from reservation.claim_id import pool_of
from reservation.errors import HoldLost, UnknownPool
from reservation.hold import SHARED
from reservation.kernel import Kernel
from reservation.keys import lease_key
from reservation.model import PresentHold
from reservation.transaction import transaction


async def find_hold(kernel: Kernel, *, claim_id: str, owner: str) -> PresentHold:
    """The owner's hold with this id, as it is now.

    Raises:
        HoldLost: it has ended, was booked, or is another owner's.
        UnknownPool: the id speaks of a pool that is not there.
        Rebuilding, Unavailable, Busy: try again later.
    """
    pool_id = pool_of(claim_id)
    if pool_id is None:
        raise HoldLost(hold=claim_id)
    pool = await kernel.pool(pool_id)
    answer = await kernel.call(pool_id, "look", claim_id, owner)
    if answer[0] == b"gone":
        raise HoldLost(hold=claim_id)
    _, expires_at_ms, key, claimant, *units = answer
    return PresentHold(
        id=claim_id,
        pool=pool_id,
        service=pool.service,
        claimant=claimant.decode(),
        units=tuple(map(int, units)),
        expires_at_ms=int(expires_at_ms),
        confirming=key != b"",
    )


async def current_hold(kernel: Kernel, *, claimant: str, service: str, owner: str) -> PresentHold | None:
    """The one hold this claimant has in this service, if this owner has made it; found by the claimant's lease.

    A claimant may have changed hands: a vehicle's former owner keeps their hold, and the new one is not told of it.

    Raises:
        Rebuilding, Unavailable, Busy: try again later.
    """
    key = lease_key(claimant=claimant, service=service)
    stored = await kernel.valkey.lane(key).command("GET", key)
    if stored is None:
        return None
    claim_id = stored.decode().removesuffix(SHARED).partition(" ")[0]
    try:
        return await find_hold(kernel, claim_id=claim_id, owner=owner)
    except (HoldLost, UnknownPool):
        return None


async def services_given(kernel: Kernel) -> list[str]:
    """The services that some pool is of, in order: those in which somebody may hold something.

    A service whose first pool was published just now may be missing for a moment.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    known = kernel.services.known(None)
    return known or await kernel.services.get(None, lambda: _read_services(kernel))


async def _read_services(kernel: Kernel) -> list[str]:
    service = tables.pool.c.service
    async with transaction(kernel.reads) as connection:
        return list((await connection.execute(select(service).distinct().order_by(service))).scalars())
