"""One row of a plan: its fields, and what is right in them. Imports msgspec, the clock's zone and the rules' words.

Times are local to China: a row names a day and two times of it, as plans are written.
"""

from datetime import date, datetime, time
from typing import Annotated, Any

import msgspec

from booking_api.clock import SHANGHAI
from booking_api.registers.rows import FIRST_YEAR, LAST_YEAR, VehicleClass, Word
from booking_api.rules import Quota

ROW_FIELDS = (
    "site",
    "title",
    "title_en",
    "district",
    "day",
    "start",
    "end",
    "subject",
    "vehicle_class",
    "capacity",
    "priority_capacity",
)
Places = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
"""A time of the day in China, HH:MM."""
CODE_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}\Z"
Code = Annotated[str, msgspec.Meta(pattern=CODE_PATTERN)]
"""An identifier as it stands in addresses and roles: `cn-zj-hz`, `hz-xihu`."""


class SessionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One session of a plan: where, when, what for, and how many places of each quota."""

    site: Code
    title: Word
    day: date
    start: ClockTime
    end: ClockTime
    capacity: Places
    priority_capacity: Places = 0
    title_en: Word | None = None
    district: Word | None = None
    subject: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    vehicle_class: VehicleClass | None = None

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.day.year <= LAST_YEAR:
            raise ValueError(f"day is not between {FIRST_YEAR} and {LAST_YEAR}")
        if self.end <= self.start:
            raise ValueError("end is not after start")
        if self.capacity + self.priority_capacity == 0:
            raise ValueError("capacity and priority_capacity are both 0")


def check_service(row: SessionRow, service: str) -> str | None:
    """Why this row cannot be of this service; None when it can.

    >>> row = SessionRow(site="hz", title="X", day=date(2026, 12, 1), start="09:00", end="10:00", capacity=5)
    >>> check_service(row, "inspection") is None, check_service(row, "driving_test")
    (True, 'a driving test has a subject and a vehicle_class')
    """
    if service == "driving_test" and (row.subject is None or row.vehicle_class is None):
        return "a driving test has a subject and a vehicle_class"
    if service != "driving_test" and (row.subject is not None or row.vehicle_class is not None):
        return "only driving tests have a subject and a vehicle_class"
    if service != "driving_test" and row.priority_capacity:
        return "only driving tests have priority places"
    return None


def session_values(row: SessionRow, *, plan_id: int) -> list[dict[str, Any]]:
    """The row as rows of `plan_session`: one per quota that has places."""
    places = {Quota.ORDINARY: row.capacity, Quota.PRIORITY: row.priority_capacity}
    values = {
        "plan_id": plan_id,
        "site": row.site,
        "title": {"zh-CN": row.title, "en": row.title_en or row.title},
        "district": row.district,
        "subject": row.subject,
        "vehicle_class": row.vehicle_class,
        "starts_at": datetime.combine(row.day, time.fromisoformat(row.start), SHANGHAI),
        "ends_at": datetime.combine(row.day, time.fromisoformat(row.end), SHANGHAI),
    }
    return [values | {"quota": quota, "capacity": capacity} for quota, capacity in places.items() if capacity]
