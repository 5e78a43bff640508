"""Batches as schools send and see them: checked row by row, kept as rows, read, cancelled. Imports SQLAlchemy.

Carrying them out is `carrying`'s.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.identity.numbers import IdentityNumberError, parse_identity_number
from booking_api.organisations.register import Organisation
from booking_api.schools import tables
from booking_api.schools.carrying import TOGETHER_S
from booking_api.schools.checking import find_session, refused_units, told
from booking_api.schools.consents import Consenting, consenting
from booking_api.schools.errors import (
    BatchOver,
    BatchTooLong,
    LearnerTwice,
    NoConsent,
    TooManyBatches,
    UnknownBatch,
)
from booking_api.schools.parts import Parts
from reservation.errors import KeyReused
from reservation.transaction import transaction

ROWS_LIMIT = 500
UNITS_LIMIT = 5
OPEN_LIMIT = 10
"""Batches of one school that are not done."""
AT_ONCE = 128
"""Rows that are checked together."""

UnitId = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


class NewRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One learner, by account id or identity number, and the sessions to try in the order of preference."""

    learner: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    units: Annotated[list[UnitId], msgspec.Meta(min_length=1, max_length=UNITS_LIMIT)]


class NewBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a school asks for: every row or none, or as many as can be had."""

    mode: Literal["all_or_nothing", "best_effort"]
    rows: Annotated[list[NewRow], msgspec.Meta(min_length=1, max_length=ROWS_LIMIT)]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch and how many of its rows are in which state."""

    id: int
    mode: str
    state: str
    sent_by: str
    sent_at: datetime
    ended_at: datetime | None
    cancel_asked: bool
    rows: dict[str, int]


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a row. `number` counts from 1; `refusals`: per unit that was not had, its code and facts."""

    number: int
    account: str | None
    state: str
    unit: int | None
    booking: str | None
    code: str | None
    refusals: list[dict[str, Any]]


class CheckedRow(NamedTuple):
    """A row as it is kept: with an account and units to try, or refused and without any."""

    account: str | None
    units: list[int]
    refusals: list[dict[str, Any]]

    @property
    def good(self) -> bool:
        """Whether there is a unit to try."""
        return bool(self.units)


async def send_batch(
    parts: Parts, school: Organisation, new: NewBatch, *, key: str, by: str, now: datetime
) -> tuple[Batch, bool]:
    """Checks every row and keeps the batch; True when it is new. Sent again under the same key it is the same batch.

    Rows that cannot be are refused now. An all-or-nothing batch with one of them is refused whole, and holds nothing.

    Raises:
        KeyReused: the key belongs to another batch.
        BatchTooLong: its rows cannot be held together at the school's pace.
        TooManyBatches: the school has OPEN_LIMIT that are not done.
        Unavailable, Busy: repeat with the same key.
    """
    digest = sha256(msgspec.json.encode(new)).digest()
    async with transaction(parts.kernel.engine) as connection:
        known = await _sent_before(connection, school.id, key=key, digest=digest)
    if known is not None:
        return known, False
    checked = await check_rows(parts, school, dict(enumerate(new.rows, start=1)), now=now)
    rows = list(checked.values())
    whole = new.mode == "all_or_nothing"
    refused = whole and not all(row.good for row in rows)
    if whole and not refused:
        await _check_length(parts, school, rows)
    async with transaction(parts.kernel.engine) as connection:
        await connection.execute(_ONE_SCHOOL, {"school": f"school batches {school.id}"})
        known = await _sent_before(connection, school.id, key=key, digest=digest)
        if known is not None:
            return known, False
        await _check_open(connection, school.id)
        batch_id = await _keep(connection, school, new.mode, key=key, digest=digest, by=by, refused=refused)
        await _keep_rows(connection, batch_id, rows, refused=refused)
        return await find_batch(connection, school.id, batch_id), True


_ONE_SCHOOL = text("SELECT pg_advisory_xact_lock(hashtextextended(:school, 0))")


async def find_batch(connection: AsyncConnection, school: str, batch_id: int) -> Batch:
    """One of the school's batches.

    Raises:
        UnknownBatch: it has none with this id.
    """
    table = tables.school_batch
    query = select(table).where(table.c.id == batch_id, table.c.school == school)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownBatch(batch=batch_id)
    return (await _with_counts(connection, [row]))[0]


async def batches_of(
    connection: AsyncConnection, school: str, *, before: int | None, limit: int
) -> list[Batch]:
    """The school's batches, the newest first, older than the one with the id `before`."""
    table = tables.school_batch
    query = select(table).where(table.c.school == school)
    if before is not None:
        query = query.where(table.c.id < before)
    rows = (await connection.execute(query.order_by(table.c.id.desc()).limit(limit))).all()
    return await _with_counts(connection, rows)


async def rows_of(connection: AsyncConnection, batch_id: int, *, after: int, limit: int) -> list[RowResult]:
    """What became of a batch's rows, in order, after the number given."""
    table = tables.school_batch_row
    query = (
        select(table)
        .where(table.c.batch_id == batch_id, table.c.number > after)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [_result(row) for row in await connection.execute(query)]


async def units_of(connection: AsyncConnection, batch_id: int) -> dict[int, list[int]]:
    """The units that each row of a batch may still be booked in, or was kept with, by the row's number."""
    table = tables.school_batch_row.c
    rows = await connection.execute(select(table.number, table.units).where(table.batch_id == batch_id))
    return {row.number: list(row.units) for row in rows}


async def cancel_batch(connection: AsyncConnection, school: str, batch_id: int) -> Batch:
    """Asks that a batch go no further: within seconds whoever carries it stops. What is booked stands.

    Asked again it changes nothing.

    Raises:
        UnknownBatch: the school has none with this id.
        BatchOver: it has ended, or is being confirmed already.
    """
    table = tables.school_batch
    asked = await connection.execute(
        update(table)
        .where(table.c.id == batch_id, table.c.school == school)
        .where(table.c.state.in_(["queued", "running", "holding", "undoing"]))
        .values(cancel_asked=True)
        .returning(table.c.id)
    )
    found = asked.one_or_none()
    batch = await find_batch(connection, school, batch_id)
    if found is None and batch.state != "cancelled":
        raise BatchOver(batch=batch_id, state=batch.state)
    return batch


async def _sent_before(connection: AsyncConnection, school: str, *, key: str, digest: bytes) -> Batch | None:
    table = tables.school_batch
    query = select(table).where(table.c.school == school, table.c.key == key)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        raise KeyReused
    return (await _with_counts(connection, [row]))[0]


async def _check_open(connection: AsyncConnection, school: str) -> None:
    table = tables.school_batch
    query = select(func.count()).where(table.c.school == school, table.c.ended_at.is_(None))
    if (await connection.execute(query)).scalar_one() >= OPEN_LIMIT:
        raise TooManyBatches(limit=OPEN_LIMIT)


async def check_rows(
    parts: Parts, school: Organisation, rows: Mapping[int, NewRow], *, now: datetime
) -> dict[int, CheckedRow]:
    """What of these rows, by their numbers, the school may book now; in their order. Nothing is kept.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    words = {number: learner_word(row.learner, now=now) for number, row in rows.items()}
    # What cannot be stored as text is nobody's id.
    named = {word for word in words.values() if word.isprintable()}
    async with transaction(parts.kernel.reads) as connection:
        known = await consenting(connection, school.id, named=named, today=now.astimezone(SHANGHAI).date())
    first: dict[str, int] = {}
    for number, word in words.items():
        if word in known:
            first.setdefault(known[word].account, number)
    checking = asyncio.Semaphore(AT_ONCE)

    async def check(number: int) -> CheckedRow:
        learner = known.get(words[number])
        if learner is None:
            return CheckedRow(None, [], [told(NoConsent(), unit=None)])
        if first[learner.account] != number:
            return CheckedRow(
                learner.account, [], [told(LearnerTwice(row=first[learner.account]), unit=None)]
            )
        units = list(dict.fromkeys(rows[number].units))
        # Rows that are checked together are read together.
        async with checking:
            return await _check_row(parts, school, learner, units, now=now)

    return dict(zip(rows, await asyncio.gather(*map(check, rows)), strict=True))


async def _check_row(
    parts: Parts, school: Organisation, learner: Consenting, units: list[int], *, now: datetime
) -> CheckedRow:
    refused = await refused_units(
        parts, school, account=learner.account, subjects=learner.subjects, units=units, now=now
    )
    left = [unit for unit in units if unit not in refused]
    return CheckedRow(learner.account, left, list(refused.values()))


def learner_word(text: str, *, now: datetime) -> str:
    """An account id as it is, an identity number in canonical text."""
    try:
        return parse_identity_number(text, today=now.astimezone(SHANGHAI).date()).text
    except IdentityNumberError:
        return text


async def _check_length(parts: Parts, school: Organisation, rows: Sequence[CheckedRow]) -> None:
    """An all-or-nothing batch takes places off the market while it is held together: that is bounded."""
    paces = [(await find_session(parts, school, row.units[0])).rules.rows_per_s for row in rows]
    limit = max(1, int(TOGETHER_S * min(paces)))
    if len(rows) > limit:
        raise BatchTooLong(limit=limit)


async def _keep(
    connection: AsyncConnection,
    school: Organisation,
    mode: str,
    *,
    key: str,
    digest: bytes,
    by: str,
    refused: bool,
) -> int:
    made = await connection.execute(
        upsert(tables.school_batch)
        .values(
            school=school.id,
            authority=school.authority,
            mode=mode,
            state="refused" if refused else "queued",
            key=key,
            digest=digest,
            sent_by=by,
            ended_at=func.now() if refused else None,
        )
        .returning(tables.school_batch.c.id)
    )
    return made.scalar_one()


async def _keep_rows(
    connection: AsyncConnection, batch_id: int, rows: Sequence[CheckedRow], *, refused: bool
) -> None:
    values = [
        {
            "batch_id": batch_id,
            "number": number,
            "account": row.account,
            "units": row.units,
            "state": ("released" if refused else "waiting") if row.good else "refused",
            "refusals": row.refusals,
        }
        for number, row in enumerate(rows, start=1)
    ]
    await connection.execute(insert(tables.school_batch_row), values)


async def _with_counts(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Batch]:
    table = tables.school_batch_row
    query = (
        select(table.c.batch_id, table.c.state, func.count().label("n"))
        .where(table.c.batch_id.in_([row.id for row in rows]))
        .group_by(table.c.batch_id, table.c.state)
    )
    counts: dict[int, Counter[str]] = {row.id: Counter() for row in rows}
    for found in await connection.execute(query):
        counts[found.batch_id][_STATES[found.state]] += found.n
    return [
        Batch(
            id=row.id,
            mode=row.mode,
            state=row.state,
            sent_by=row.sent_by,
            sent_at=row.sent_at,
            ended_at=row.ended_at,
            cancel_asked=row.cancel_asked,
            rows={state: counts[row.id][state] for state in dict.fromkeys(_STATES.values())},
        )
        for row in rows
    ]


_STATES = {
    "waiting": "waiting",
    "holding": "waiting",
    "held": "held",
    "promised": "held",
    "booked": "booked",
    "refused": "refused",
    "released": "released",
}
"""What a school is told of a row's state."""


def _result(row: Row[Any]) -> RowResult:
    state = _STATES[row.state]
    has = state in {"held", "booked"}
    return RowResult(
        number=row.number,
        account=row.account,
        state=state,
        unit=row.units[row.choice] if has else None,
        booking=row.claim_id if state == "booked" else None,
        code=row.refusals[-1]["code"] if state == "refused" else None,
        refusals=row.refusals,
    )
