"""Holding, confirming, cancelling and moving for the person at the counter: the calls they would make themselves.

The claimant and the owner are the person; the rules and the one hold are theirs; what the clerk adds is the record of who
did it (`acts`). Imports the kernel, the rules and this room's own modules.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.counter.acts import ActKind, noted
from booking_api.counter.errors import PersonNotVerified
from booking_api.counter.visits import Present
from booking_api.eligibility import Eligibility
from booking_api.eligibility.claimants import claimant_of, refusals_counted
from booking_api.identity.accounts import Person, verify_at_counter
from booking_api.identity.factors.reset import reset_factors
from booking_api.payments.counter import record_payment, record_refund
from booking_api.payments.fees import Payment, WantedFee
from reservation import Booking, Hold, Kernel, cancel, confirm, hold, release, reschedule

KEY_PREFIX = "counter:"
"""Keys of counters are kept apart from those the person's own programs make up."""


async def verify(
    engine: AsyncEngine, present: Present, *, clerk: str, resting_key: bytes, today: date
) -> Person:
    """The clerk has compared the person with their card; the number was typed from it when the visit began.

    Raises:
        OwnAccount, PersonHasAccount, RecentlyErased, AlreadyVerified: nothing was changed.
    """
    async with noted(engine, present.visit.id, ActKind.VERIFIED):
        return await verify_at_counter(
            engine,
            login=present.visit.person.login,
            identity_number=present.identity_number,
            clerk=clerk,
            resting_key=resting_key,
            today=today,
        )


async def take_factors(engine: AsyncEngine, present: Present, *, clerk: str, today: date) -> Person:
    """The person has lost every second factor: they are taken away, and the account is signed out everywhere.

    Raises:
        NoSecondFactor: there is none.
    """
    async with noted(engine, present.visit.id, ActKind.FACTORS_RESET):
        return await reset_factors(
            engine,
            login=present.visit.person.login,
            identity_number=present.identity_number,
            clerk=clerk,
            today=today,
        )


async def hold_for(
    kernel: Kernel,
    eligibility: Eligibility,
    present: Present,
    *,
    pool: int,
    units: Sequence[int],
    vehicle: str | None,
    now: datetime,
) -> Hold:
    """Holds units for the person, if the rules allow it. Repeated it gives the hold they have.

    Raises:
        PersonNotVerified: the clerk has to verify them first.
        NotYourVehicle, InvalidRequest, NotEligible, NotOpenYet, BookingClosed: the rules stand against it.
        AnotherHold, Full, UnknownPool, UnknownUnit, PoolClosed, Rebuilding, Unavailable, Busy: as any hold.
    """
    account = present.account
    async with noted(kernel.engine, present.visit.id, ActKind.HELD) as act:
        with refusals_counted(kernel, pool):
            if not account.verified:
                raise PersonNotVerified
            claimant = await claimant_of(kernel, account, pool_id=pool, vehicle=vehicle)
            await eligibility.check_hold(account=account.id, units=units, vehicle=vehicle, now=now)
            held = await hold(kernel, pool_id=pool, units=units, claimant=claimant, owner=account.id)
        act.subject = held.id
        return held


async def release_for(kernel: Kernel, present: Present, *, hold_id: str) -> None:
    """Gives the person's hold back.

    Raises:
        HoldLost, HoldInFlight, UnknownPool, Rebuilding, Unavailable, Busy: as any release.
    """
    async with noted(kernel.engine, present.visit.id, ActKind.RELEASED, subject=hold_id):
        await release(kernel, claim_id=hold_id, owner=present.account.id)


async def confirm_for(
    kernel: Kernel, present: Present, *, hold_id: str, key: str, unit: int | None = None
) -> Booking:
    """Books what the person holds. Repeated with the same key it gives the same booking.

    Raises:
        HoldLost, HoldInFlight, ChooseUnit, KeyReused, AlreadyConfirmed, AlreadyBooked, Full, UnknownPool, Rebuilding,
        Unavailable, Busy: as any confirm.
    """
    async with noted(kernel.engine, present.visit.id, ActKind.CONFIRMED, subject=hold_id):
        return await confirm(
            kernel, claim_id=hold_id, owner=present.account.id, key=f"{KEY_PREFIX}{key}", unit=unit
        )


async def cancel_for(
    kernel: Kernel, eligibility: Eligibility, present: Present, *, booking_id: str, now: datetime
) -> Booking:
    """Ends the person's booking, if the rules still allow it; it counts as their own leaving.

    Raises:
        UnknownBooking, NotActive, NotEligible, UnknownPool, Unavailable, Busy: as any cancelling.
    """
    owner = present.account.id
    async with noted(kernel.engine, present.visit.id, ActKind.CANCELLED, subject=booking_id):
        free_at = await eligibility.check_leaving(owner=owner, booking_id=booking_id, now=now)
        return await cancel(kernel, booking_id=booking_id, owner=owner, free_at=free_at)


async def move_for(
    kernel: Kernel,
    eligibility: Eligibility,
    present: Present,
    *,
    booking_id: str,
    hold_id: str,
    unit: int | None,
    now: datetime,
) -> Booking:
    """Moves the person's booking to what they hold: both at once or neither.

    Raises:
        UnknownBooking, NotActive, NotMovable, NotEligible, HoldLost, HoldInFlight, ChooseUnit, Full, UnknownPool, Rebuilding,
        Unavailable, Busy: as any move.
    """
    owner = present.account.id
    async with noted(kernel.engine, present.visit.id, ActKind.MOVED, subject=booking_id):
        free_at = await eligibility.check_leaving(owner=owner, booking_id=booking_id, now=now)
        return await reschedule(
            kernel, booking_id=booking_id, hold_id=hold_id, owner=owner, unit=unit, free_at=free_at
        )


async def take_payment(
    engine: AsyncEngine,
    present: Present,
    *,
    subject: int,
    due_fen: int,
    paid_fen: int,
    receipt: str,
    clerk: str,
    at: datetime,
) -> Payment:
    """The clerk has taken a fee.

    Raises:
        UnknownAuthority, AlreadySettled, PaymentMismatch: nothing was changed.
    """
    wanted = WantedFee(present.account.id, present.visit.authority, subject, due_fen)
    async with noted(engine, present.visit.id, ActKind.PAID) as act:
        told: dict[str, Any] = {"paid_fen": paid_fen, "receipt": receipt, "clerk": clerk, "at": at}
        paid = await record_payment(engine, wanted, **told)
        act.subject = paid.id
        return paid


async def pay_back(
    engine: AsyncEngine, present: Present, *, payment: str, receipt: str, clerk: str, at: datetime
) -> Payment:
    """The clerk has paid a fee of this authority back.

    Raises:
        UnknownPayment, NothingToRefund: nothing was changed.
    """
    async with noted(engine, present.visit.id, ActKind.REFUNDED, subject=payment):
        return await record_refund(
            engine, payment, authorities=[present.visit.authority], receipt=receipt, clerk=clerk, at=at
        )
