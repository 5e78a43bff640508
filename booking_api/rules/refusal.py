"""Why not, and from when on. Imports msgspec."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import msgspec

Days = Annotated[int, msgspec.Meta(ge=0, le=3_650)]
Months = Annotated[int, msgspec.Meta(ge=0, le=120)]
Times = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
"""Figures an authority may set: bounded, so that no calendar ends before a rule does."""


class Refusal(msgspec.Struct, frozen=True):
    """One rule that is not met.

    `rule` names it; `facts` are the person's own and the rule's figures; `first_day` is the first day on which this
    rule would pass with nothing else changed, None when waiting alone will not do.
    """

    rule: str
    facts: dict[str, Any]
    first_day: date | None


def latest_first_day(refusals: Iterable[Refusal]) -> date | None:
    """The day from which every one of these rules would pass; None when one of them never does by waiting."""
    days = [refusal.first_day for refusal in refusals]
    if None in days:
        return None
    return max((day for day in days if day is not None), default=None)


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later (or earlier), or that month's last day.

    >>> add_months(date(2026, 8, 31), 6), add_months(date(2024, 2, 29), -12)
    (datetime.date(2027, 2, 28), datetime.date(2023, 2, 28))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
