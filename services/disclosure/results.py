"""How tests ended, by month, authority, site and subject. Imports SQLAlchemy, `reservation` and the registers' tables.

Small counts point at people: whoever knows that four sat, and that three passed, knows too much about the fourth. So a
count under SMALLEST is not told, and neither is any figure it could be worked out from.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Row, Text, cast, func, literal_column, select, tuple_

from booking_api.registers.tables import exam_result
from reservation import Kernel
from reservation.fresh import Fresh
from reservation.transaction import transaction

SMALLEST = 5
MONTHS_LIMIT = 24
KEPT_S = 60.0
"""Adding up a month is not cheap and nothing hurries: everybody who asks within a minute shares one reading."""

Key = tuple[str, str, str, int]
"""Month, authority, site, subject: what the rows are ordered by."""


class ResultFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which results: whole days from the first to the last, of one authority or of all."""

    first: date
    last: date
    authority: str | None = None
    subject: int | None = None


class DisclosedResult(msgspec.Struct, frozen=True, kw_only=True):
    """One month's sittings at one site in one subject. Null: not told, because a count would be under 5.

    `sat` counts those who passed or failed; `pass_rate` is their share that passed, to three places.
    """

    month: str
    authority: str
    site: str
    subject: int
    sat: int | None
    passed: int | None
    pass_rate: float | None
    no_shows: int | None


_memories: WeakKeyDictionary[Kernel, Fresh[Sequence[DisclosedResult]]] = WeakKeyDictionary()


async def disclosed_results(
    kernel: Kernel, *, wanted: ResultFilter, after: Key | None, limit: int
) -> Sequence[DisclosedResult]:
    """Months in order, from the row after `after`.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    memory = _memories.setdefault(kernel, Fresh(KEPT_S))
    return await memory.get((wanted, after, limit), lambda: _read(kernel, wanted, after, limit))


def last_closed_day(today: date) -> date:
    """The last day of the last month that is over.

    >>> last_closed_day(date(2026, 3, 1))
    datetime.date(2026, 2, 28)
    """
    return today.replace(day=1) - timedelta(days=1)


def told(
    *, passed: int, failed: int, no_shows: int
) -> tuple[int | None, int | None, float | None, int | None]:
    """(sat, passed, rate, no-shows) with what would point at people left out.

    >>> told(passed=60, failed=40, no_shows=7)
    (100, 60, 0.6, 7)
    >>> told(passed=60, failed=4, no_shows=0)
    (None, None, None, None)
    """
    shown = no_shows if no_shows >= SMALLEST else None
    if min(passed, failed) < SMALLEST:
        return None, None, None, shown
    sat = passed + failed
    return sat, passed, round(passed / sat, 3), shown


async def _read(
    kernel: Kernel, wanted: ResultFilter, after: Key | None, limit: int
) -> Sequence[DisclosedResult]:
    result = exam_result.c
    # A literal: as two parameters the statement would group by another expression than it reads.
    month = func.to_char(result.day, literal_column("'YYYY-MM'")).label("month")
    keys = (month, result.authority, result.site, result.subject)
    counts = [
        func.count().filter(result.outcome == outcome).label(outcome)
        for outcome in ("passed", "failed", "no_show")
    ]
    query = (
        select(*keys, *counts)
        .where(result.day.between(wanted.first, wanted.last))
        .group_by(*keys)
        .order_by(*keys)
        .limit(limit)
    )
    if wanted.authority is not None:
        query = query.where(result.authority == wanted.authority)
    if wanted.subject is not None:
        query = query.where(result.subject == wanted.subject)
    if after is not None:
        query = query.where(tuple_(month.element, *keys[1:]) > tuple_(cast(after[0], Text), *after[1:]))
    async with transaction(kernel.reads) as connection:
        return [_disclosed(row) for row in (await connection.execute(query)).all()]


def _disclosed(row: Row[Any]) -> DisclosedResult:
    sat, passed, rate, no_shows = told(passed=row.passed, failed=row.failed, no_shows=row.no_show)
    return DisclosedResult(
        month=row.month,
        authority=row.authority,
        site=row.site,
        subject=row.subject,
        sat=sat,
        passed=passed,
        pass_rate=rate,
        no_shows=no_shows,
    )
