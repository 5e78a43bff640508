"""Backing up: the database in one snapshot, the keys and the settings, in one archive, while the servers serve.

What a crash leaves: up to the last step an unnamed file, which the kernel frees, or a `.partial` one, which the next
backup removes. May import SQLAlchemy, settings, clock and the modules beside it.
"""

import io
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.keeping.archive import Source, measure, write_archive
from booking_api.keeping.errors import KeepingError
from booking_api.keeping.keys import key_files, settings_text
from booking_api.keeping.manifest import FORMAT, VERSION, Database, Manifest
from booking_api.keeping.programs import find_program, run_program
from booking_api.settings import Settings

DUMP_NAME = "database.dump"
LOCK_WAIT_MS = 60_000
KEY_LIMIT_BYTES = 64 * 1024
STAMPED = "gongdao-{}.tar"

_TABLES = text(
    """
    SELECT quote_ident(relname) AS quoted, relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
    """
)


class BackedUp(NamedTuple):
    """A finished archive."""

    path: Path
    bytes: int
    manifest: Manifest


async def back_up(
    engine: AsyncEngine,
    out: Path,
    *,
    url: str,
    embedded: bool,
    settings: Settings,
    environment: Mapping[str, str],
    now: Callable[[], datetime],
    progress: Callable[[str], None] = lambda _: None,
) -> BackedUp:
    """Writes the archive `out`; into a folder, one named by the time in UTC.

    Raises:
        KeepingError: there is nothing to back up, a client program cannot be used, or `out` is there already.
        EmbeddedError, SQLAlchemyError, OSError: a program, the database or a disk refused.
    """
    moment = now().astimezone(UTC).replace(microsecond=0)
    path = _free_path(out, moment)
    # (1) the keys, before anything long: one that cannot be read must not be found out after an hour
    beside = _keys_and_settings(settings, environment)
    # (2) the database, in one snapshot; the file has no name, so a kill leaves nothing
    with tempfile.TemporaryFile(dir=path.parent) as dump:
        database = await _dump(engine, dump, url=url, embedded=embedded, progress=progress)
        # (3) the archive: measured, described, written, renamed
        progress("writing the archive")
        sources = [Source(DUMP_NAME, "database", dump), *beside]
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            product=version("gongdao"),
            created_at=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            database=database,
            members=[measure(source) for source in sources],
        )
        write_archive(path, manifest, sources)
    return BackedUp(path, path.stat().st_size, manifest)


def _free_path(out: Path, moment: datetime) -> Path:
    path = out / STAMPED.format(f"{moment:%Y%m%dT%H%M%SZ}") if out.is_dir() else out
    if path.exists():
        raise KeepingError(f"{path}: is there already, and nothing is overwritten")
    if not path.parent.is_dir():
        raise KeepingError(f"{path.parent}: no such folder")
    return path


def prune_archives(folder: Path, *, keep: int) -> list[Path]:
    """Removes all but the newest `keep` archives that backups into this folder have named; gives what went.

    An archive that was encrypted since, as `gongdao-20261120T021500Z.tar.age`, is still that archive.
    """
    found = sorted(folder.glob(STAMPED.format("????????T??????Z") + "*"))
    moments = sorted({path.name.partition(".")[0] for path in found})
    gone = [path for path in found if path.name.partition(".")[0] in moments[:-keep]]
    for path in gone:
        path.unlink()
    return gone


async def _dump(
    engine: AsyncEngine, dump: IO[bytes], *, url: str, embedded: bool, progress: Callable[[str], None]
) -> Database:
    """One snapshot for the dump, the counts and the revisions: what is counted is what is in the dump."""
    async with _snapshot(engine) as (connection, snapshot):
        number, name = (
            await connection.execute(
                text("SELECT current_setting('server_version_num')::int, current_database()")
            )
        ).one()
        server = f"{number // 10_000}.{number % 10_000}"
        program = find_program("pg_dump", embedded=embedded, server_major=number // 10_000)
        if program.major < number // 10_000:
            raise KeepingError(
                f"{program.path} is of PostgreSQL {program.version} and cannot dump the server's {server}: "
                f"install the client programs of version {number // 10_000}"
            )
        rows = await count_rows(connection, progress=progress)
        if "alembic_version" not in rows:
            raise KeepingError(
                f"database {name}: nothing of the platform is in it, so there is nothing to back up"
            )
        revisions = (
            (await connection.execute(text("SELECT version_num FROM alembic_version ORDER BY 1")))
            .scalars()
            .all()
        )
        argv = [str(program.path), "--format=custom", "--no-owner", "--no-privileges", "--no-password"]
        argv += [f"--snapshot={snapshot}", f"--lock-wait-timeout={LOCK_WAIT_MS}"]
        await run_program(
            argv,
            url=url,
            stdout=dump,
            while_waiting=lambda: progress(f"database: {os.fstat(dump.fileno()).st_size:,} bytes dumped"),
        )
    return Database(
        name=name, postgresql=server, pg_dump=program.version, revisions=list(revisions), rows=rows
    )


@asynccontextmanager
async def _snapshot(engine: AsyncEngine) -> AsyncGenerator[tuple[AsyncConnection, str]]:
    """A transaction that sees one moment for as long as the dump takes, and the name others may share it by."""
    async with engine.connect() as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection, (await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one()


async def count_rows(connection: AsyncConnection, *, progress: Callable[[str], None]) -> dict[str, int]:
    """Table -> number of rows, of every table there is."""
    rows: dict[str, int] = {}
    for table in (await connection.execute(_TABLES)).all():
        progress(f"counting {table.name}")
        # A name out of the catalogue, quoted by the server.
        counted = await connection.execute(text(f"SELECT count(*) FROM public.{table.quoted}"))  # noqa: S608
        rows[table.name] = counted.scalar_one()
    return rows


def _keys_and_settings(settings: Settings, environment: Mapping[str, str]) -> list[Source]:
    sources = [Source("settings.json", "settings", io.BytesIO(settings_text(environment)))]
    for name, path in key_files(settings).items():
        sources.append(Source(f"keys/{name}", "key", io.BytesIO(_read_key(path))))
    return sources


def _read_key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(KEY_LIMIT_BYTES + 1)
    except OSError as error:
        raise KeepingError(
            f"{path}: {error.strerror}; a backup without this key would be half of one"
        ) from error
    if len(content) > KEY_LIMIT_BYTES:
        raise KeepingError(f"{path}: longer than {KEY_LIMIT_BYTES:,} bytes, so not a key")
    return content
