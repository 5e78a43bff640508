"""Recurring schedules: a week's pattern laid over a span of days, without the exception days. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated

import msgspec

from booking_api.plans.rows import ClockTime, Code, Places, SessionRow
from booking_api.registers.rows import VehicleClass, Word

SPAN_DAYS_LIMIT = 366
SLOTS_LIMIT = 20
EXCEPTIONS_LIMIT = 100


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One time of the day and its places."""

    start: ClockTime
    end: ClockTime
    capacity: Places
    priority_capacity: Places = 0


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same slots on the same weekdays (1 is Monday) from the first to the last day, both included.

    `except_days` are left out, and so are the authority's days off.
    """

    site: Code
    title: Word
    title_en: Word | None = None
    district: Word | None = None
    subject: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    vehicle_class: VehicleClass | None = None
    first_day: date
    last_day: date
    weekdays: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1, le=7)]], msgspec.Meta(min_length=1, max_length=7)
    ]
    slots: Annotated[list[Slot], msgspec.Meta(min_length=1, max_length=SLOTS_LIMIT)]
    except_days: Annotated[list[date], msgspec.Meta(max_length=EXCEPTIONS_LIMIT)] = []

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        if (self.last_day - self.first_day).days >= SPAN_DAYS_LIMIT:
            raise ValueError(f"first_day to last_day spans more than {SPAN_DAYS_LIMIT} days")


def expand(schedule: Schedule, *, days_off: frozenset[date]) -> Iterator[SessionRow]:
    """Every session of the schedule, in order of time.

    Raises:
        ValueError: a slot that is no session, as `SessionRow` says.
    """
    skipped = days_off | set(schedule.except_days)
    for number in range((schedule.last_day - schedule.first_day).days + 1):
        day = schedule.first_day + timedelta(days=number)
        if day.isoweekday() not in schedule.weekdays or day in skipped:
            continue
        for slot in schedule.slots:
            yield SessionRow(
                site=schedule.site,
                title=schedule.title,
                title_en=schedule.title_en,
                district=schedule.district,
                subject=schedule.subject,
                vehicle_class=schedule.vehicle_class,
                day=day,
                start=slot.start,
                end=slot.end,
                capacity=slot.capacity,
                priority_capacity=slot.priority_capacity,
            )
