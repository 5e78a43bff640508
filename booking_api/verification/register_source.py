"""The imported register of persons as a source. Imports SQLAlchemy's engine and `registers.asking`."""

from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.registers.asking import PersonOfRecord, person_of_record
from booking_api.verification.sources import Claimed, same_name, same_phone

_NOBODY = PersonOfRecord(name="", phone="")


class RegisterSource:
    """Asks the rows that `gongdao register import person` brought in."""

    name = "register"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def phone_of(self, claimed: Claimed) -> str | None:
        """See `VerificationSource`."""
        known = await person_of_record(self._engine, claimed.identity_number)
        record = known or _NOBODY
        matches = (same_name(claimed.name, record.name), same_phone(claimed.phone, record.phone))
        return record.phone if known is not None and all(matches) else None
