"""The rows of a batch before it is sent: read from a form or a list, checked one by one, shown to be put right.

The rows travel in the form itself; nothing is kept here. Imports the schools' room.
"""

import secrets
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from booking_api import clock
from booking_api.desk import Desk
from booking_api.identity.numbers import IdentityNumberError, parse_identity_number
from booking_api.organisations.register import Organisation
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.school.entering import parts_of
from booking_api.pages.school.row_words import reasons, session_words
from booking_api.pages.school.sheets import BETWEEN, ROWS_LIMIT, SheetRow
from booking_api.schools.batches import UNITS_LIMIT, CheckedRow, NewRow, check_rows
from booking_api.schools.roll import Person, people_of
from booking_api.schools.seats import SessionFacts, session_facts
from reservation.transaction import transaction

UNIT_DIGITS = 15
WORD_LIMIT = 40
LONG_DIGITS = 12
"""So many digits are meant as an identity number, not as an account."""


class RowView(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the preview. `wrong`: why it would be refused; `aside`: sessions of it that would be, others not."""

    number: int
    learner: str
    sessions: str
    person: Person | None
    session: str
    wrong: list[str]
    aside: list[str]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """Every row as it was checked, and what would be sent of it. `key`: sent twice, it is one batch."""

    rows: list[RowView]
    good: dict[int, NewRow]
    key: str

    @property
    def wrong(self) -> list[RowView]:
        """The rows to put right."""
        return [row for row in self.rows if row.wrong]


def rows_of_form(form: Form) -> list[SheetRow]:
    """The rows that a form carries, in the order of their numbers; what was emptied is left out.

    Raises:
        FieldsRefused: there are more than a batch may have, or none.
    """
    told = zip_longest(
        form.values.get("row", []),
        form.values.get("learner", []),
        form.values.get("sessions", []),
        fillvalue="",
    )
    rows = [
        SheetRow(_number(number, place), learner, sessions=sessions)
        for place, (number, learner, sessions) in enumerate(told, start=1)
        if learner or sessions
    ]
    if len(rows) > ROWS_LIMIT:
        raise FieldsRefused({"list": ("list_too_long", {"limit": ROWS_LIMIT, "rows": len(rows)})})
    if not rows:
        raise FieldsRefused({"list": ("list_empty", {})})
    rows.sort(key=lambda row: row.number)
    return [msgspec.structs.replace(row, number=place) for place, row in enumerate(rows, start=1)]


def with_session(rows: Sequence[SheetRow], session: str) -> list[SheetRow]:
    """The rows, with this session for those that name none."""
    return [
        row if row.sessions or not session else msgspec.structs.replace(row, sessions=session) for row in rows
    ]


async def check(desk: Desk, words: Words, school: Organisation, rows: Sequence[SheetRow]) -> Preview:
    """What would become of these rows if they were sent now.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    read = {row.number: _read(words, row) for row in rows}
    good = {number: told for number, (told, _) in read.items() if told is not None}
    checked = await check_rows(parts_of(desk), school, good, now=clock.now()) if good else {}
    units = {unit for row in good.values() for unit in row.units}
    accounts = {one.account for one in checked.values() if one.account is not None}
    async with transaction(desk.kernel.reads) as connection:
        sessions = await session_facts(connection, units)
        people = await people_of(connection, school.id, accounts=accounts)
    return Preview(
        rows=[
            _view(words, row, read[row.number], checked.get(row.number), people=people, sessions=sessions)
            for row in rows
        ],
        good={number: row for number, row in good.items() if checked[number].good},
        key=secrets.token_urlsafe(16),
    )


def _number(told: str, place: int) -> int:
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else place


def _read(words: Words, row: SheetRow) -> tuple[NewRow | None, list[str]]:
    """A row as it would be sent, or what is wrong with what it says."""
    wrong: list[str] = []
    if not 0 < len(row.learner) <= WORD_LIMIT:
        wrong.append(words.code("row.learner_missing"))
    elif sum(one.isdigit() for one in row.learner) >= LONG_DIGITS:
        try:
            parse_identity_number(row.learner, today=clock.today())
        except IdentityNumberError as error:
            wrong.append(words.code(f"number.{error.reason}"))
    told = [word for word in BETWEEN.split(row.sessions) if word]
    units = [int(word) for word in told if word.isascii() and word.isdigit() and len(word) <= UNIT_DIGITS]
    if not told:
        wrong.append(words.code("row.session_missing"))
    elif len(units) < len(told) or 0 in units:
        wrong.append(words.code("row.session_form"))
    elif len(units) > UNITS_LIMIT:
        wrong.append(words.code("row.sessions_many", {"limit": UNITS_LIMIT}))
    return (None if wrong else NewRow(row.learner, units)), wrong


def _view(
    words: Words,
    row: SheetRow,
    read: tuple[NewRow | None, list[str]],
    checked: CheckedRow | None,
    *,
    people: Mapping[str, Person],
    sessions: Mapping[int, SessionFacts],
) -> RowView:
    told, wrong = read
    refusals: list[dict[str, Any]] = checked.refusals if checked else []
    said = reasons(words, refusals, sessions=sessions)
    good = checked is not None and checked.good
    first = next((sessions[unit] for unit in (checked.units if checked else []) if unit in sessions), None)
    if first is None and told is not None:
        first = next((sessions[unit] for unit in told.units if unit in sessions), None)
    return RowView(
        number=row.number,
        learner=row.learner,
        sessions=row.sessions,
        person=people.get(checked.account or "") if checked else None,
        session=session_words(words, first) if first else "",
        wrong=[*wrong, *([] if good else said)],
        aside=said if good else [],
    )
