"""People of the test world: they ask the real kernel, and note in a real journal what they were told, as clients do."""

import itertools
from pathlib import Path

from loadtest.journal import BINDING, Action, Journal, Line
from reservation import Kernel, cancel, confirm, hold, reschedule
from reservation.errors import ReservationError

STATUS = {
    "full": 409,
    "hold_lost": 409,
    "already_booked": 409,
    "unavailable": 503,
    "busy": 503,
    "internal": 500,
}


class People:
    """Owns the journal of one test."""

    def __init__(self, kernel: Kernel, folder: Path, pool: int) -> None:
        self.kernel = kernel
        self.folder = folder
        self.pool = pool
        self.journal = Journal(folder, "people")
        self._n = itertools.count(1)

    def note(
        self, account: str, action: Action, *, asked_only: bool = False, told: bool = True, **facts
    ) -> None:
        """The lines of one request: before it was sent if it binds, and its answer."""
        about = {"at_ms": 1, "account": account, "n": next(self._n), "action": action, "pool": self.pool}
        before = {name: facts[name] for name in ("unit", "hold", "booking", "key") if name in facts}
        if action in BINDING:
            self.journal.write(Line(**about, **before, asked=True))
        if told and not asked_only:
            self.journal.write(Line(**about, took_ms=1.0, **facts))

    async def hold(self, account: str, unit: int) -> str:
        held = await hold(
            self.kernel, pool_id=self.pool, units=[unit], claimant=f"person:{account}", owner=account
        )
        self.note(account, Action.HOLD, unit=unit, status=201, became=held.id)
        return held.id

    async def book(self, account: str, unit: int, *, key: str = "", told: bool = True) -> str:
        """Holds and confirms; with `told` off the answer to the confirm is lost on its way."""
        held = await self.hold(account, unit)
        return await self.confirm(account, held, key=key or f"{account}-key", told=told)

    async def confirm(self, account: str, held: str, *, key: str, told: bool = True) -> str:
        try:
            booked = await confirm(self.kernel, claim_id=held, owner=account, key=key)
        except ReservationError as error:
            self.note(account, Action.CONFIRM, hold=held, key=key, status=STATUS[error.code], code=error.code)
            return ""
        facts = {"hold": held, "key": key, "unit": booked.unit, "status": 201, "became": booked.id}
        self.note(account, Action.CONFIRM, told=told, **facts)
        return booked.id

    async def cancel(self, account: str, booking: str, *, told: bool = True) -> None:
        await cancel(self.kernel, booking_id=booking, owner=account)
        self.note(account, Action.CANCEL, booking=booking, told=told, status=200, became=booking)

    async def move(self, account: str, booking: str, unit: int, *, told: bool = True) -> str:
        held = await self.hold(account, unit)
        moved = await reschedule(self.kernel, booking_id=booking, hold_id=held, owner=account)
        facts = {"booking": booking, "hold": held, "unit": moved.unit, "status": 200, "became": moved.id}
        self.note(account, Action.RESCHEDULE, told=told, **facts)
        return moved.id
