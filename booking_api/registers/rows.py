"""One row of each register: its fields, and what is right in them. Imports msgspec, `identity.numbers` and `phones`."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from booking_api.identity.numbers import parse_identity_number
from booking_api.identity.phones import parse_phone

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Reason = Annotated[str, msgspec.Meta(min_length=3, max_length=500, pattern=r"^[^\x00]+\Z")]
"""Why somebody did something, in their own words; lines may end in it."""
VehicleClass = Annotated[str, msgspec.Meta(pattern=r"^(A[1-3]|B[1-2]|C[1-6]|[DEFMNP])\Z")]
Plate = Annotated[str, msgspec.Meta(min_length=5, max_length=16, pattern=r"^[^\x00-\x20\x7f]+\Z")]
PlateKind = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z")]
"""Two digits of GA 24.7: 02 small car, 52 small new-energy car."""
Points = Annotated[int, msgspec.Meta(ge=0, le=12)]


FIRST_YEAR, LAST_YEAR = 1950, 2199
"""Moments beyond these are slips, and some of them no database can store."""


class RegisterKind(StrEnum):
    """Which register."""

    CERTIFICATE = "learner_certificate"
    LICENCE = "licence"
    VEHICLE = "vehicle"
    VIOLATION = "violation"
    RESULT = "exam_result"
    PERSON = "person"


class CertificateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A learner certificate. `school`: where the learner is registered; `authority`: the office that issued it."""

    number: Word
    identity_number: Word
    vehicle_class: VehicleClass
    issued: date
    last_day: date
    school: Word | None = None
    authority: Word | None = None

    def __post_init__(self) -> None:
        if self.last_day < self.issued:
            raise ValueError("last_day is before issued")


class LicenceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A driving licence. `points` of the present period, 0 to 12."""

    identity_number: Word
    vehicle_class: VehicleClass
    issued: date
    last_day: date
    points: Points = 0

    def __post_init__(self) -> None:
        if self.last_day < self.issued:
            raise ValueError("last_day is before issued")


class VehicleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registered vehicle and its owner. `valid_until`: the last day of its present inspection."""

    plate: Plate
    plate_kind: PlateKind
    identity_number: Word
    registered: date
    valid_until: date
    seats: Annotated[int, msgspec.Meta(ge=1, le=200)] = 5


class ViolationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recorded violation of a vehicle. `at` has its time zone; `fine_yuan` in whole yuan."""

    number: Word
    plate: Plate
    plate_kind: PlateKind
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    code: Word
    points: Points
    fine_yuan: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    settled: bool = False

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.at.year <= LAST_YEAR:
            raise ValueError(f"at is not between {FIRST_YEAR} and {LAST_YEAR}")


class ResultRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one sitting of a driving test ended, its on-the-spot retake included."""

    number: Word
    identity_number: Word
    authority: Word
    site: Word
    subject: Annotated[int, msgspec.Meta(ge=1, le=4)]
    vehicle_class: VehicleClass
    day: date
    outcome: Literal["passed", "failed", "no_show"]


class PersonRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, and the mobile phone the authority has on record for them."""

    identity_number: Word
    name: Word
    phone: Word


Row = CertificateRow | LicenceRow | VehicleRow | ViolationRow | ResultRow | PersonRow


class Register(msgspec.Struct, frozen=True):
    """One register's row type and the fields that identify a row."""

    row: type[Row]
    key: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The row's fields in order, as columns are named."""
        return self.row.__struct_fields__


REGISTERS: Mapping[RegisterKind, Register] = {
    RegisterKind.CERTIFICATE: Register(CertificateRow, ("number",)),
    RegisterKind.LICENCE: Register(LicenceRow, ("identity_number", "vehicle_class")),
    RegisterKind.VEHICLE: Register(VehicleRow, ("plate", "plate_kind")),
    RegisterKind.VIOLATION: Register(ViolationRow, ("number",)),
    RegisterKind.RESULT: Register(ResultRow, ("number",)),
    RegisterKind.PERSON: Register(PersonRow, ("identity_number",)),
}


class RowError(ValueError):
    """A row that cannot be used: which field, and what would be right."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def parse_row(register: Register, raw: Mapping[str, Any], *, today: date) -> tuple[Any, ...]:
    """The row's values in the order of the register's fields. Empty text means that nothing was given.

    Raises:
        RowError: the first field that is wrong.
    """
    given = {name: value for name, value in raw.items() if value not in ("", None)}
    try:
        row = msgspec.convert(given, register.row, strict=False)
    except msgspec.ValidationError as error:
        raise row_error(str(error)) from None
    values = list(msgspec.structs.astuple(row))
    spellings: dict[str, Callable[[str], str]] = {
        "identity_number": lambda number: parse_identity_number(number, today=today).text,
        "phone": parse_phone,
    }
    for field, spelled in spellings.items():
        if field not in register.fields:
            continue
        place = register.fields.index(field)
        try:
            values[place] = spelled(values[place])
        except ValueError as error:
            raise RowError(field, str(error)) from None
    return tuple(values)


def row_error(text: str) -> RowError:
    """Which field, and why, out of msgspec's sentence. Msgspec says where at the end (`... - at `$.field``), or names the field in the sentence."""
    reason, _, place = text.partition(" - at `$")
    if place:
        return RowError(place.strip("`.") or "row", reason)
    words = reason.split("`")
    return RowError(words[1], reason) if len(words) > 1 and "field" in words[0] else RowError("row", reason)
