"""Whom a hold counts for, and what somebody holds now. Imports `identity.tokens` and `reservation`."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from booking_api.errors import ApiError, InvalidRequest, NotYourVehicle, UnknownHold
from booking_api.identity.tokens import Account
from reservation import ClaimantKind, Kernel, PresentHold, current_hold, services_given
from reservation.claim_id import pool_of
from reservation.errors import ReservationError, UnknownBooking


def checked_hold_id(text: str) -> str:
    """The text, if it can be a hold's id.

    Raises:
        UnknownHold: it cannot.
    """
    if pool_of(text) is None:
        raise UnknownHold(hold=text[:64])
    return text


def checked_booking_id(text: str) -> str:
    """The text, if it can be a booking's id.

    Raises:
        UnknownBooking: it cannot.
    """
    if pool_of(text) is None:
        raise UnknownBooking(booking=text[:64])
    return text


@contextmanager
def refusals_counted(kernel: Kernel, pool_id: int) -> Generator[None]:
    """What is refused inside counts for the pool's pace. `POST /holds` does the same in its own few lines."""
    try:
        yield
    except (ApiError, ReservationError) as error:
        kernel.note_refusal(pool_id, error.code)
        raise


async def current_holds(kernel: Kernel, account: Account) -> list[PresentHold]:
    """What the account holds now over all services, the oldest first.

    Raises:
        Rebuilding, Unavailable, Busy: try again later.
    """
    claimants = [f"person:{account.id}", *map(claimant_of_vehicle, account.vehicles)]
    found = await asyncio.gather(
        *(
            current_hold(kernel, claimant=claimant, service=service, owner=account.id)
            for service in await services_given(kernel)
            for claimant in claimants
        )
    )
    return sorted((one for one in found if one is not None), key=lambda one: one.id)


def claimant_of_vehicle(plate: str) -> str:
    """A vehicle as rules count it."""
    return f"vehicle:{plate}"


async def claimant_of(kernel: Kernel, account: Account, *, pool_id: int, vehicle: str | None) -> str:
    """Whom the pool's rule counts: the person who asks, or one of their vehicles.

    Raises:
        NotYourVehicle: the token does not vouch for the vehicle.
        InvalidRequest: a vehicle for a pool that counts persons.
        UnknownPool: there is none.
    """
    pool = await kernel.pool(pool_id)
    if pool.claimant_kind is ClaimantKind.VEHICLE:
        if vehicle is None or vehicle not in account.vehicles:
            raise NotYourVehicle(vehicle=vehicle)
        return claimant_of_vehicle(vehicle)
    if vehicle is not None:
        raise InvalidRequest(
            errors=[{"field": "vehicle", "reason": "this pool counts persons, leave it out"}]
        )
    return f"person:{account.id}"
