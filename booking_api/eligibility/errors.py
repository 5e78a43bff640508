"""What this room refuses. Imports the application's errors and the rules' refusals."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from booking_api.errors import ApiError
from booking_api.rules import Refusal


class NotEligible(ApiError):
    """One or more rules stand against it: each with the person's facts and the first day on which it would pass."""

    code = "not_eligible"
    status = 403
    sentence = (
        "The rules do not allow this now. `rules` names each one, its facts, and the first day it would pass."
    )

    def __init__(self, refusals: Sequence[Refusal], *, first_day: date | None, unit: int) -> None:
        super().__init__(rules=msgspec.to_builtins(refusals), first_day=first_day, unit=unit)


class NotOpenYet(ApiError):
    """Booking has not begun."""

    code = "not_open_yet"
    status = 409
    sentence = "Booking has not begun. It opens at `opens_at`."

    def __init__(self, *, opens_at: datetime, unit: int) -> None:
        super().__init__(opens_at=opens_at, unit=unit)


class BookingClosed(ApiError):
    """Booking has ended."""

    code = "booking_closed"
    status = 409
    sentence = "Booking for this session has ended."

    def __init__(self, *, closed_at: datetime, unit: int) -> None:
        super().__init__(closed_at=closed_at, unit=unit)
