"""What clients were told, and whether it is so. Imports `reservation` and SQLAlchemy."""

from collections import Counter

from sqlalchemy import select

from reservation import Kernel, tables


class Ledger:
    """Owns what the clients of one test were told. Ids are claim ids; `moved` maps the old booking to the new one."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.booked: dict[str, tuple[str, int]] = {}
        self.cancelled: set[str] = set()
        self.moved: dict[str, str] = {}

    def count(self, act: str, outcome: str) -> None:
        self.told[f"{act} {outcome}"] += 1

    def codes(self) -> set[str]:
        """Every refusal that was seen."""
        return {name.partition(" ")[2] for name in self.told} - {"ok"}

    def line(self) -> str:
        """One line of what was told, for the test's output."""
        return ", ".join(f"{name} {n}" for name, n in sorted(self.told.items()))

    def state_of(self, claim_id: str) -> str:
        if claim_id in self.cancelled:
            return "cancelled"
        return "moved" if claim_id in self.moved else "booked"

    async def differences(self, kernel: Kernel) -> list[str]:
        """How PostgreSQL's bookings differ from what was acknowledged; to be called when every answer is known.

        So an acknowledged confirm that is no booking is found, and so is a booking nobody was told of.
        """
        booking = tables.booking
        async with kernel.engine.connect() as connection:
            rows = {row.id: row for row in (await connection.execute(select(booking))).all()}
        found = [f"{claim} was acknowledged and is no row" for claim in self.booked.keys() - rows.keys()]
        for claim, row in rows.items():
            if claim not in self.booked:
                found.append(f"{claim} is {row.state} for {row.owner}, who was never told")
            elif self.booked[claim] != (row.owner, row.unit_id):
                found.append(f"{claim} is {row.owner}'s at {row.unit_id}, told: {self.booked[claim]}")
            elif (row.state, row.moved_to) != (self.state_of(claim), self.moved.get(claim)):
                found.append(f"{claim} is {row.state} {row.moved_to}, told: {self.state_of(claim)}")
        return found
