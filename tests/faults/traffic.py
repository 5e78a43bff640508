"""Claimants who hold, confirm, cancel and reschedule for as long as a test lets them. Imports `acts` and `ledger`.

Each one asks again, with the same key, until the answer is definite, as every client should: so when the traffic has
ended the ledger knows of every single request what became of it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from tests.faults.acts import WORKER_GONE, Ask, Refused
from tests.faults.ledger import Ledger
from tests.faults.worlds import City

NOT_NOW = {"unavailable", "busy", "rebuilding", WORKER_GONE}
"""Answers that leave the outcome open."""

REFUSALS = NOT_NOW - {WORKER_GONE} | {"full", "hold_lost", "already_booked"}
"""All that a claimant may be told while backends come and go."""

UNTOLD = {"another_hold", "in_flight"}
"""More of it, for as long as Valkey could not be told that one's last hold has become a booking."""

RETRY_S = 0.1
GIVE_UP_S = 60.0
PAUSE_S = 0.02


class Dice:
    """Chance that a seed repeats: numbers from a hash, as the tests' own."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._thrown = 0

    def below(self, sides: int) -> int:
        self._thrown += 1
        digest = sha256(f"{self._seed} {self._thrown}".encode()).digest()
        return int.from_bytes(digest[:8]) % sides

    def pick(self, things: Sequence[Any]) -> Any:
        return things[self.below(len(things))]


class Claimant:
    """Owns one person's doings. `places` are the (pool, unit) pairs they choose from."""

    def __init__(
        self, name: str, *, ask: Ask, ledger: Ledger, places: Sequence[tuple[int, int]], seed: str
    ) -> None:
        self.name = name
        self.given_up: list[str] = []
        self._ask = ask
        self._ledger = ledger
        self._places = places
        self._dice = Dice(f"{seed} {name}")
        self._keys = 0
        self._leaving = False

    def leave(self) -> None:
        """Ends the stay after the request that is under way, once its answer is definite."""
        self._leaving = True

    async def live(self) -> None:
        booking: str | None = None
        while not self._leaving:
            booking = await (self._book() if booking is None else self._change(booking))
            await asyncio.sleep(PAUSE_S * self._dice.below(4))

    async def _book(self) -> str | None:
        held = await self._hold()
        if held is None:
            return None
        if self._dice.below(10) == 0:
            await self._release(held)
            return None
        self._keys += 1
        try:
            booking = await self._insist(
                "confirm", claim_id=held["id"], owner=self.name, key=f"key-{self._keys}"
            )
        except Refused as refusal:
            if refusal.code not in {"hold_lost", "in_flight"}:
                await self._release(held)
            return None
        self._ledger.booked[booking["id"]] = self.name, booking["unit"]
        return booking["id"]

    async def _change(self, booking: str) -> str | None:
        choice = self._dice.below(3)
        if choice == 0:
            return booking
        if choice == 1:
            cancelled = await self._insist("cancel", booking_id=booking, owner=self.name)
            assert cancelled["state"] == "cancelled"
            self._ledger.cancelled.add(booking)
            return None
        held = await self._hold()
        if held is None:
            return booking
        try:
            moved = await self._insist("reschedule", booking_id=booking, hold_id=held["id"], owner=self.name)
        except Refused as refusal:
            if refusal.code not in {"hold_lost", "in_flight"}:
                await self._release(held)
            return booking
        self._ledger.moved[booking] = moved["id"]
        self._ledger.booked[moved["id"]] = self.name, moved["unit"]
        return moved["id"]

    async def _hold(self) -> dict[str, Any] | None:
        pool, unit = self._dice.pick(self._places)
        try:
            return await self._insist(
                "hold", pool_id=pool, units=[unit], claimant=f"person:{self.name}", owner=self.name
            )
        except Refused as refusal:
            assert refusal.code in {"full", "another_hold"}, refusal.code  # noqa: PT017 (said by a task)
            return None

    async def _release(self, held: dict[str, Any]) -> None:
        try:
            await self._insist("release", claim_id=held["id"], owner=self.name)
        except Refused as refusal:
            # Ended by itself, or by the first of two releases of which one answer was lost; or it is a booking by now.
            assert refusal.code in {"hold_lost", "in_flight"}, refusal.code  # noqa: PT017 (said by a task, not by the test)

    async def _insist(self, act: str, **given: Any) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVE_UP_S
        while True:
            try:
                answer = await self._ask(act, **given)
            except Refused as refusal:
                self._ledger.count(act, refusal.code)
                if refusal.code not in NOT_NOW:
                    raise
                if loop.time() > deadline:
                    raise TimeoutError(f"{self.name}: {act} has no definite answer") from refusal
                await asyncio.sleep(RETRY_S)
            else:
                self._ledger.count(act, "ok")
                return answer


@asynccontextmanager
async def traffic(
    ask: Ask, *, cities: Sequence[City], claimants: int, ledger: Ledger, seed: str
) -> AsyncIterator[None]:
    """This many claimants at work for the length of the block; on leaving, every answer is definite."""
    places = [(city.pool, unit) for city in cities for unit in city.units]
    people = [
        Claimant(f"{seed}-{n}", ask=ask, ledger=ledger, places=places, seed=seed) for n in range(claimants)
    ]
    lives = [asyncio.create_task(person.live(), name=person.name) for person in people]
    try:
        yield
    finally:
        for person in people:
            person.leave()
        outcomes = await asyncio.gather(*lives, return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    assert not failures, failures[:5]
