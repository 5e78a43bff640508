"""A plan out of a file, row by row as a register's; every bad row is told and then nothing is taken. Imports msgspec."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from booking_api.plans.rows import ROW_FIELDS, SessionRow, check_service
from booking_api.registers.reading import BadRow, FileUnusable, Format, read_csv_text, read_rows
from booking_api.registers.rows import row_error


def read_plan(
    path: Path, *, form: Format, encoding: str, service: str, on_bad: Callable[[BadRow], None]
) -> list[SessionRow]:
    """The good rows of a file. Each bad one, a session that stands twice among them, is told to `on_bad`.

    Raises:
        FileUnusable: the file cannot be read.
    """
    reads = read_rows(path, form=form, fields=ROW_FIELDS, encoding=encoding)
    return _good_rows(reads, called=str(path), service=service, on_bad=on_bad)


def read_plan_text(
    text: str, *, called: str, service: str, on_bad: Callable[[BadRow], None]
) -> list[SessionRow]:
    """The same of CSV that came as text.

    Raises:
        FileUnusable: its header names what is no field, or there is no session in it.
    """
    reads = read_csv_text(text, called=called, fields=ROW_FIELDS)
    return _good_rows(reads, called=called, service=service, on_bad=on_bad)


def _good_rows(
    reads: Iterable[tuple[int, dict[str, Any]] | BadRow],
    *,
    called: str,
    service: str,
    on_bad: Callable[[BadRow], None],
) -> list[SessionRow]:
    good: list[SessionRow] = []
    places: dict[tuple[Any, ...], int] = {}
    found = False
    for read in reads:
        found = True
        if isinstance(read, BadRow):
            on_bad(read)
            continue
        line, fields = read
        row = _parse(line, fields, service)
        if isinstance(row, BadRow):
            on_bad(row)
            continue
        place = (row.site, row.day, row.start, row.subject, row.vehicle_class)
        if place in places:
            on_bad(BadRow(line, "row", f"the same session as line {places[place]}"))
            continue
        places[place] = line
        good.append(row)
    if not found:
        raise FileUnusable(f"{called}: there is no session in it")
    return good


def _parse(line: int, fields: dict[str, Any], service: str) -> SessionRow | BadRow:
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    try:
        row = msgspec.convert(given, SessionRow, strict=False)
    except msgspec.ValidationError as error:
        told = row_error(str(error))
        return BadRow(line, told.field, told.reason)
    wrong = check_service(row, service)
    return row if wrong is None else BadRow(line, "row", wrong)
