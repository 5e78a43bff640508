"""Rows out of a file, one by one, so that memory stays flat whatever its size. Imports msgspec and `array`.

    csv     a header line with the field names, then one row a line
    jsonl   one JSON object a line (JSON Lines)
    json    one JSON array of objects

UTF-8 with or without a byte-order mark, or any encoding Python knows (`gb18030`).
"""

import csv
from collections.abc import Iterator
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec

from booking_api.registers.array import ArrayBroken, split_array

LINE_LIMIT = 64 * 1024
"""Characters in a line or an array's item; a longer one is no row of a register."""


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"

    @property
    def counts(self) -> str:
        """What a row is found by: its line, or its place among the array's items."""
        return "item" if self is Format.JSON else "line"


class FileUnusable(ValueError):
    """The file cannot be read as what it should be; the message says why and where."""


class BadRow(NamedTuple):
    """A row that cannot be imported. `line` counts from 1, as editors do; in a JSON array it is the item's number."""

    line: int
    field: str
    reason: str


def format_of(path: Path) -> Format:
    """By the file's ending.

    Raises:
        FileUnusable: none of .csv, .json, .jsonl and .ndjson.
    """
    endings = {".csv": Format.CSV, ".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}
    try:
        return endings[path.suffix.lower()]
    except KeyError:
        raise FileUnusable(f"{path}: its name does not end in .csv, .json or .jsonl: say --format") from None


def read_rows(
    path: Path, *, form: Format, fields: tuple[str, ...], encoding: str = "utf-8-sig"
) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    """Each row as (line, fields), or what is wrong with its line.

    Raises:
        FileUnusable: not there, not text in this encoding, a header that names unknown fields or leaves one out twice,
            not one whole JSON array.
    """
    try:
        with path.open(encoding=encoding, newline="" if form is Format.CSV else None) as file:
            if form is Format.CSV:
                yield from _csv_rows(file, path, fields)
            else:
                yield from _json_rows(file) if form is Format.JSONL else _array_rows(file)
    except (OSError, LookupError) as error:
        raise FileUnusable(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeError as error:
        raise FileUnusable(f"{path}: not text in {encoding}: {error}; try --encoding gb18030") from error
    except (csv.Error, ArrayBroken) as error:
        raise FileUnusable(f"{path}: {error}") from error


def read_csv_text(
    text: str, *, called: str, fields: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    """The same of CSV that came as text; `called` is what messages call it.

    Raises:
        FileUnusable: as `read_rows`.
    """
    try:
        yield from _csv_rows(StringIO(text, newline=""), Path(called), fields)
    except csv.Error as error:
        raise FileUnusable(f"{called}: {error}") from error


def _csv_rows(
    file: TextIO, path: Path, fields: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    csv.field_size_limit(LINE_LIMIT)
    reader = csv.reader(file, strict=True)
    header = [name.strip() for name in next(reader, ())]
    if not header:
        raise FileUnusable(f"{path}: empty; the first line names the fields: {','.join(fields)}")
    unknown = [name for name in header if name not in fields]
    if unknown or len(set(header)) < len(header):
        wrong = f"unknown field {unknown[0]!r}" if unknown else "a field is named twice"
        raise FileUnusable(f"{path}: line 1: {wrong}; the fields are {','.join(fields)}")
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(header):
            reason = f"{len(cells)} values where the header names {len(header)}"
            yield BadRow(reader.line_num, "row", reason)
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        yield reader.line_num, row


def _json_rows(file: TextIO) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    number, rest = 0, False
    while text := file.readline(LINE_LIMIT):
        # A line longer than the limit is read in pieces and told once.
        continued, rest = rest, not text.endswith("\n")
        if continued:
            continue
        number += 1
        if rest and len(text) == LINE_LIMIT:
            yield BadRow(number, "row", f"longer than {LINE_LIMIT} characters")
        elif text.strip():
            try:
                yield number, decoder.decode(text)
            except msgspec.MsgspecError as error:
                yield BadRow(number, "row", f"not a JSON object: {error}")


def _array_rows(file: TextIO) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, text in enumerate(split_array(file, limit=LINE_LIMIT), 1):
        if text is None:
            yield BadRow(number, "row", f"longer than {LINE_LIMIT} characters")
            continue
        try:
            yield number, decoder.decode(text)
        except msgspec.MsgspecError as error:
            yield BadRow(number, "row", f"not a JSON object: {error}")
