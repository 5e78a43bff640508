"""One file into one register, whole or not at all. Imports SQLAlchemy, asyncpg's COPY, and this room.

Everything happens in one transaction: rows stream by COPY into a table of this session, then one statement moves them.
A crash before COMMIT leaves nothing; there is no half of an import to mend.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.registers.reading import BadRow, FileUnusable, Format, read_rows
from booking_api.registers.rows import REGISTERS, Register, RegisterKind, RowError, parse_row
from booking_api.registers.tables import register_import
from reservation.failure import describe

PROGRESS_EVERY = 2_000
IMPORTS_SHOWN = 50


class Imported(NamedTuple):
    """One import as it stands in the list of imports. `rows` were taken, `bad_rows` left out."""

    id: int
    register: str
    source: str
    file: str
    sha256: str
    rows: int
    bad_rows: int
    at: datetime


class ImportRefused(ValueError):
    """Nothing was imported: there are bad rows, or no row at all."""

    def __init__(self, reason: str, *, rows: int, bad_rows: int) -> None:
        super().__init__(reason)
        self.rows = rows
        self.bad_rows = bad_rows


async def import_register(
    engine: AsyncEngine,
    *,
    kind: RegisterKind,
    path: Path,
    form: Format,
    encoding: str,
    source: str,
    today: date,
    skip_bad: bool,
    on_bad: Callable[[BadRow], None],
    progress: Callable[[int, int], None],
) -> Imported:
    """Imports a file; a row whose key is known replaces the known one, rows not in the file stay.

    Every bad row is told to `on_bad`; `progress` hears of (rows read, bad rows) now and then.

    Raises:
        FileUnusable: the file cannot be read; nothing was imported.
        ImportRefused: there are bad rows and `skip_bad` is off, or no good one; nothing was imported.
        sqlalchemy.exc.SQLAlchemyError, OSError: the database; nothing was imported.
    """
    register = REGISTERS[kind]
    digest = await asyncio.to_thread(_sha256, path)
    reading = _Reading(register, today=today, on_bad=on_bad, progress=progress)
    async with engine.begin() as connection:
        # (1) stream: good rows into a table of this session
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text(_staging(kind)))
        rows = read_rows(path, form=form, fields=register.fields, encoding=encoding)
        await _copy(connection, register, reading.good(rows))
        # (2) judge: are there rows, and are they all good
        good = await _judge(connection, register, reading, counts=form.counts, skip_bad=skip_bad)
        if await asyncio.to_thread(_sha256, path) != digest:
            raise FileUnusable(f"{path}: it changed while it was read")
        # (3) take: provenance first, then all rows at once; (4) COMMIT on leaving
        imported = await _note(
            connection,
            register=kind.value,
            source=source,
            file=path.name,
            sha256=digest,
            rows=good,
            bad_rows=reading.bad,
        )
        await connection.execute(text(_take(kind, register)), {"import_id": imported.id})
    return imported


async def read_imports(engine: AsyncEngine) -> list[Imported]:
    """The latest imports, newest first."""
    query = select(*register_import.c).order_by(register_import.c.id.desc()).limit(IMPORTS_SHOWN)
    async with engine.connect() as connection:
        return [Imported(*row) for row in await connection.execute(query)]


async def _note(connection: AsyncConnection, **values: str | int) -> Imported:
    noted = await connection.execute(insert(register_import).values(values).returning(*register_import.c))
    return Imported(*noted.one())


class _Reading:
    """Counts what was read and what was bad while rows stream by."""

    def __init__(
        self,
        register: Register,
        *,
        today: date,
        on_bad: Callable[[BadRow], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self._register = register
        self._today = today
        self._on_bad = on_bad
        self._progress = progress
        self.read = 0
        self.bad = 0

    def tell(self, bad: BadRow) -> None:
        self.bad += 1
        self._on_bad(bad)

    async def good(
        self, rows: Iterable[tuple[int, dict[str, Any]] | BadRow]
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Each good row as (line, values...)."""
        for row in rows:
            self.read += 1
            if self.read % PROGRESS_EVERY == 0:
                self._progress(self.read, self.bad)
                await asyncio.sleep(0)
            if isinstance(row, BadRow):
                self.tell(row)
                continue
            line, fields = row
            try:
                values = parse_row(self._register, fields, today=self._today)
            except RowError as error:
                self.tell(BadRow(line, error.field, error.reason))
                continue
            yield (line, *values)
        self._progress(self.read, self.bad)


def _sha256(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise FileUnusable(
            f"{path}: not a file; what is read once, a pipe say, cannot be checked and read again"
        )
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileUnusable(f"{path}: {error.strerror}") from error


def _staging(kind: RegisterKind) -> str:
    return f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT 0::bigint AS line, r.* FROM {kind.value} r LIMIT 0"  # noqa: S608 - our own table names


async def _copy(
    connection: AsyncConnection, register: Register, records: AsyncIterator[tuple[Any, ...]]
) -> None:
    # The driver's COPY joins the transaction that the statements before it have begun on this connection.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    columns = ["line", *register.fields]
    copying = asyncio.ensure_future(driver.copy_records_to_table("staged", records=records, columns=columns))

    def end(_: object) -> None:
        # The driver waits until it may write again, which a connection that is gone never says.
        copying.cancel()

    driver.add_termination_listener(end)
    try:
        await copying
    except (asyncio.CancelledError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Past SQLAlchemy's back, so the driver's own errors come out here.
        if driver.is_closed() and not _asked_to_stop():
            # Nothing can be rolled back on it, and trying would hide what happened.
            await connection.invalidate()
            raise ConnectionError("the connection was closed while rows were copied") from error
        if isinstance(error, asyncio.CancelledError):
            raise
        raise ConnectionError(describe(error)) from error
    finally:
        driver.remove_termination_listener(end)


def _asked_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _judge(
    connection: AsyncConnection, register: Register, reading: _Reading, *, counts: str, skip_bad: bool
) -> int:
    """How many rows are to be taken. A key named twice in one file is an error of the file, not a matter of luck.

    Raises:
        ImportRefused: see `import_register`.
    """
    for bad in await _repeated(connection, register, counts):
        reading.tell(bad)
    if reading.bad and not skip_bad:
        reason = f"{reading.bad} of {reading.read} rows are bad"
        raise ImportRefused(reason, rows=reading.read, bad_rows=reading.bad)
    good: int = (await connection.execute(text("SELECT count(*) FROM staged"))).scalar_one()
    if not good:
        raise ImportRefused("there is no row to import", rows=reading.read, bad_rows=reading.bad)
    return good


async def _repeated(connection: AsyncConnection, register: Register, counts: str) -> list[BadRow]:
    """Takes every row out whose key an earlier one has, and says which one that was."""
    key = ", ".join(register.key)
    found = await connection.execute(
        text(
            f"""
            WITH placed AS (
                SELECT line, first_value(line) OVER (PARTITION BY {key} ORDER BY line) AS first FROM staged
            )
            DELETE FROM staged s USING placed p WHERE s.line = p.line AND p.line <> p.first
            RETURNING s.line, p.first
            """  # noqa: S608 - our own column names
        )
    )
    told = sorted(found.all())
    return [BadRow(row.line, register.key[0], f"the same as {counts} {row.first}") for row in told]


def _take(kind: RegisterKind, register: Register) -> str:
    fields = ", ".join(register.fields)
    changed = [
        f"{name} = excluded.{name}" for name in (*register.fields, "import_id") if name not in register.key
    ]
    return (
        f"INSERT INTO {kind.value} ({fields}, import_id) SELECT {fields}, :import_id FROM staged "  # noqa: S608 - ours
        f"ON CONFLICT ({', '.join(register.key)}) DO UPDATE SET {', '.join(changed)}"
    )
