"""Hold and release: the claimant's lease first, then one function on the pool.

What a crash leaves: after the lease and before the claim, a lease that the same claimant's next request takes up
again; after the claim, a hold that its owner gets back by repeating the request. Both end with the hold's life.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from reservation.claim_id import new_claim_id, pool_of
from reservation.errors import (
    AnotherHold,
    Busy,
    Full,
    HoldInFlight,
    HoldLost,
    PoolClosed,
    UnknownUnit,
)
from reservation.kernel import Kernel
from reservation.keys import fence_key, lease_key
from reservation.model import Hold, Pool

UNITS_LIMIT = 10
LEASE_ATTEMPTS = 3
SHARED = " +"
"""Ends a lease's value once two callers share it, as in `lua/pool.lua`."""

LEASE_GRACE_MS = 5_000
"""A lease outlives its claim by more than a call may take, so that it never ends while its claim is alive."""


class Lease(NamedTuple):
    """The claimant's one hold set in a service. `left_ms` is the life its claim may still have."""

    claim_id: str
    units: tuple[int, ...]
    left_ms: int
    repeated: bool


async def hold(kernel: Kernel, *, pool_id: int, units: Sequence[int], claimant: str, owner: str) -> Hold:
    """Holds all these units or none, for the pool's hold time. Repeating it gives the hold one has.

    Raises:
        UnknownPool, UnknownUnit, PoolClosed: nothing of that kind is given out.
        AnotherHold: the claimant holds other units of this service.
        Full: one of the units has no free place.
        Rebuilding, Unavailable, Busy: try again later; nothing is held, or repeating gives it.
    """
    pool = await kernel.pool(pool_id)
    if pool.state != "open":
        raise PoolClosed(pool=pool_id)
    wanted = tuple(sorted(set(units)))
    loop = asyncio.get_running_loop()
    for _ in range(LEASE_ATTEMPTS):
        leased_by = loop.time() + LEASE_GRACE_MS / 1000
        # (1) the lease: one hold set per claimant and service, nationally
        lease = await take_lease(kernel, pool, wanted, claimant=claimant)
        if lease is None:
            continue
        if lease.repeated and (lease.units != wanted or pool_of(lease.claim_id) != pool_id):
            await _check_other_hold(kernel, lease)
        else:
            # (2) the claim: one atomic function on the pool
            answer, _ = await kernel.call_fenced(
                pool_id, "hold", lease.claim_id, owner, claimant, lease.left_ms, *map(str, wanted)
            )
            kernel.tally.expired += _expired(answer)
            if answer[0] not in {b"held", b"gone"}:
                answer = await _refused(kernel, pool, lease, answer, claimant=claimant)
            if answer[0] == b"held" and loop.time() > leased_by:
                # We stood still for so long that the claim may outlive its lease: it is given back (I3).
                await kernel.call(pool_id, "release", lease.claim_id, owner)
            elif answer[0] == b"held":
                kernel.tally.held += not lease.repeated
                return Hold(
                    id=lease.claim_id,
                    pool=pool_id,
                    units=wanted,
                    expires_at_ms=int(answer[1]),
                    repeated=lease.repeated,
                )
        # The lease speaks of a claim that has ended: it is given up for a new one.
        await end_lease(kernel, pool, claimant=claimant, claim_id=lease.claim_id)
    raise Busy(part="lease")


def _expired(answer: Sequence[Any]) -> int:
    """How many holds were over that this one came upon."""
    return answer[2] if len(answer) > 2 else 0


async def _refused(
    kernel: Kernel, pool: Pool, lease: Lease, answer: list[Any], *, claimant: str
) -> list[Any]:
    """Gives the lease of a refused claim up. If another device shares it, that one may have the claim: its answer.

    Raises:
        Full, UnknownUnit: the claim is not there, and will not be.
    """
    key = lease_key(claimant=claimant, service=pool.service)
    ended = await kernel.valkey.lane(key).function("unlease", key, lease.claim_id, "refused")
    if ended[0] == b"shared":
        theirs = await kernel.call(pool.id, "look_or_end", lease.claim_id)
        if theirs[0] == b"held":
            return theirs
        await end_lease(kernel, pool, claimant=claimant, claim_id=lease.claim_id)
    raise (Full if answer[0] == b"full" else UnknownUnit)(unit=int(answer[1]))


async def release(kernel: Kernel, *, claim_id: str, owner: str) -> None:
    """Gives a hold back at once. Its id cannot be held again.

    Raises:
        HoldLost: the owner has no such hold.
        HoldInFlight: it is being confirmed.
        Rebuilding, Unavailable, Busy: try again later.
    """
    pool_id = pool_of(claim_id)
    if pool_id is None:
        raise HoldLost(hold=claim_id)
    pool = await kernel.pool(pool_id)
    answer = await kernel.call(pool_id, "release", claim_id, owner)
    if answer[0] == b"gone":
        raise HoldLost(hold=claim_id)
    if answer[0] == b"in_flight":
        raise HoldInFlight(hold=claim_id)
    kernel.tally.released += 1
    await end_lease(kernel, pool, claimant=answer[1].decode(), claim_id=claim_id)


async def end_lease(kernel: Kernel, pool: Pool, *, claimant: str, claim_id: str) -> None:
    """Lets the claimant hold again. A crash before it costs them at most the lease's life."""
    key = lease_key(claimant=claimant, service=pool.service)
    await kernel.valkey.lane(key).function("unlease", key, claim_id, "ended")


async def take_lease(kernel: Kernel, pool: Pool, units: tuple[int, ...], *, claimant: str) -> Lease | None:
    """The claimant's lease, new or taken up; None when it ended while it was being taken up."""
    key = lease_key(claimant=claimant, service=pool.service)
    lane = kernel.valkey.lane(key)
    ttl_ms = pool.hold_ttl_s * 1000
    claim_id = new_claim_id(pool=pool.id, now_ms=kernel.clock())
    value = f"{claim_id} {' '.join(map(str, units))}"
    stored = await lane.command("SET", key, value, "NX", "GET", "PX", ttl_ms + LEASE_GRACE_MS)
    if stored is None:
        return Lease(claim_id, units, ttl_ms, repeated=False)
    claim_id, *held = stored.decode().removesuffix(SHARED).split(" ")
    joined = await lane.function("join", key, claim_id)
    if joined[0] == b"lost":
        return None
    return Lease(claim_id, tuple(map(int, held)), int(joined[1]) - LEASE_GRACE_MS, repeated=True)


async def _check_other_hold(kernel: Kernel, lease: Lease) -> None:
    """Refuses if the other hold is still alive; if not, it is ended, lest a slow caller's claim come after ours.

    Raises:
        AnotherHold: it is.
    """
    other = pool_of(lease.claim_id) or 0
    if (await kernel.call(other, "look_or_end", lease.claim_id))[0] == b"held":
        raise AnotherHold(hold=lease.claim_id, pool=other, units=list(lease.units))


async def free_places(kernel: Kernel, *, pool_id: int, units: Sequence[int]) -> list[int | None]:
    """What Valkey would still give out of each unit now, None where it does not know the unit.

    Raises:
        Unavailable, Busy: Valkey does not answer.
    """
    key = fence_key(pool_id)
    counts = await kernel.valkey.lane(key).function("free", key, *map(str, units))
    return [count if count >= 0 else None for count in counts]
