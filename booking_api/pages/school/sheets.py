"""Reads lists as schools have them: a file or cells pasted from a spreadsheet, with Chinese or English headings. Pure.

UTF-8 (with or without its mark), UTF-16 as spreadsheets save "Unicode text", and GB18030, which contains GBK and GB 2312.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

import msgspec

from booking_api.pages.forms import FieldsRefused

ROWS_LIMIT = 500
CELL_LIMIT = 80
COLUMNS_LIMIT = 30
DELIMITERS = "\t,;|，；"
BETWEEN = re.compile(r"[\s,;/|、，；]+")
"""What stands between several sessions of one row."""
HEADINGS = {
    "number": "身份证号 身份证号码 身份证 证件号 证件号码 身份证明号码 学员 学员编号 账号 learner identitynumber "
    "idnumber number account id",
    "name": "姓名 学员姓名 name fullname",
    "sessions": "场次 场次号 场次编号 考试场次 session sessions unit units sessionnumber",
}
_KIND_OF = {word: kind for kind, words in HEADINGS.items() for word in words.split()}


class SheetRow(msgspec.Struct, frozen=True):
    """One line of a list: cells by what their column is. `number` counts the list's own lines from 1."""

    number: int
    learner: str
    name: str = ""
    sessions: str = ""


def decode(content: bytes) -> str:
    """A file's text.

    Raises:
        FieldsRefused: it is no text, such as a workbook.
    """
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return _decoded(content, "utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(content, "gb18030")


def read_sheet(text: str, *, columns: Sequence[str]) -> list[SheetRow]:
    r"""The lines of a list that say anything. `columns`: what they are where the list has no headings.

    >>> read_sheet("身份证号;场次\n110105194912310021;7 8", columns=("number", "sessions"))
    [SheetRow(number=1, learner='110105194912310021', name='', sessions='7 8')]

    Raises:
        FieldsRefused: it is empty, or has more lines than ROWS_LIMIT.
    """
    if "\0" in text:
        raise FieldsRefused({"list": ("list_no_text", {})})
    lines = [
        cells
        for line in csv.reader(io.StringIO(text), delimiter=_delimiter(text))
        if any(cells := [cell.strip()[:CELL_LIMIT] for cell in line[:COLUMNS_LIMIT]])
    ]
    kinds = [_KIND_OF.get(_plain(cell)) for cell in lines[0]] if lines else []
    if any(kinds):
        lines = lines[1:]
    else:
        # A list without headings: the last column that is expected takes what is left of a line.
        kinds = [*columns, *[columns[-1]] * COLUMNS_LIMIT]
    if not lines:
        raise FieldsRefused({"list": ("list_empty", {})})
    if len(lines) > ROWS_LIMIT:
        raise FieldsRefused({"list": ("list_too_long", {"limit": ROWS_LIMIT, "rows": len(lines)})})
    return [_row(number, kinds, cells) for number, cells in enumerate(lines, start=1)]


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise FieldsRefused({"list": ("list_no_text", {})}) from None


def _delimiter(text: str) -> str:
    """The mark that the first line has most of; where it has none a blank, unless the line is one heading."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    most = max(DELIMITERS, key=first.count)
    return most if most in first or _plain(first) in _KIND_OF else " "


def _plain(cell: str) -> str:
    """A heading without what spellings differ in."""
    return re.sub(r"[\s_\-:.*#]|\(.*\)", "", unicodedata.normalize("NFKC", cell)).lower()


def _row(number: int, kinds: Sequence[str | None], cells: Sequence[str]) -> SheetRow:
    found: dict[str, list[str]] = {}
    for kind, cell in zip(kinds, cells, strict=False):
        if kind is not None and cell:
            found.setdefault(kind, []).append(cell)
    return SheetRow(
        number,
        _unquoted(" ".join(found.get("number", []))),
        " ".join(found.get("name", [])),
        " ".join(BETWEEN.split(" ".join(found.get("sessions", [])))).strip(),
    )


def _unquoted(cell: str) -> str:
    """A number as it is: spreadsheets keep long ones as text by a mark before them (`'330...`, `="330..."`)."""
    return cell.removeprefix("=").strip("'\"\u2018\u2019\u201c\u201d ")
