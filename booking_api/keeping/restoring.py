"""Restoring: an archive becomes the installation. Until the last step the old state is the one that counts.

What a crash leaves, step by step:
    in (1) check, (2) look      nothing
    in (3) fill                 a database `..._restoring` beside the installation's; the next restore drops it
    in (4) keys                 the same, and keys that were not there before: the archive's, so repeating finds them good
    in (5) rebuild and audit    the same, and a view in Valkey of an epoch that the old database has not reached: servers
                                that start on the old one rebuild theirs by themselves
    after (6) swap              the installation as it was backed up; what was there before keeps a name of its own

May import SQLAlchemy, settings, schema, the reservation kernel and the modules beside it.
"""

import logging
import os
import tarfile
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from booking_api import clock
from booking_api.keeping.archive import check_archive, copy_member, open_archive
from booking_api.keeping.backing_up import count_rows
from booking_api.keeping.errors import ArchiveBroken, KeepingError
from booking_api.keeping.keys import Placed, place_keys, write_keys
from booking_api.keeping.manifest import Manifest
from booking_api.keeping.programs import Program, find_program, run_program
from booking_api.keeping.staging import Staging, count_objects, database_named, open_staging
from booking_api.schema import migrate_platform, platform_revisions
from booking_api.settings import Settings
from reservation import Finding, Kernel, audit, rebuild
from reservation.database import create_engine
from reservation.valkey import Valkey

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 6 * 3600.0

Progress = Callable[[str], None]


class Target(NamedTuple):
    """Where to restore: the servers, the settings that name the key files, the services whose tables come along."""

    database_url: str
    valkey_url: str
    embedded: bool
    settings: Settings
    services: Sequence[Path]


class Wishes(NamedTuple):
    """What the operator allows: a database that is not empty, by its name; a folder for the keys; no way back."""

    replace: str | None = None
    keys_to: Path | None = None
    drop_replaced: bool = False


class Restored(NamedTuple):
    """What was brought back, what it replaced (None: nothing), and what the audit found."""

    manifest: Manifest
    database: str
    replaced: str | None
    keys: list[Placed]
    pools: int
    findings: list[Finding]


async def restore(
    path: Path, target: Target, wishes: Wishes, *, progress: Progress = lambda _: None
) -> Restored:
    """Brings an archive back.

    Raises:
        KeepingError: the archive or the place cannot be used; the old state counts.
        EmbeddedError, ReservationError, SchemaError, SQLAlchemyError, OSError: a server, a program or a disk refused;
            likewise.
    """
    # (1) check: every byte of the archive, before anything is touched
    manifest = check_archive(path, progress=progress)
    with open_archive(path) as (tar, again):
        if again != manifest:
            raise ArchiveBroken(f"{path}: changed while it was read")
        keys = place_keys(manifest, target.settings, folder=wishes.keys_to)
        async with open_staging(target.database_url) as staging:
            # (2) look: may it be brought back here?
            pg_restore, empty = await _check_place(staging, manifest, target, wishes)
            reached = 0 if empty else await _highest_epoch(target.database_url)
            building = database_named(target.database_url, staging.building)
            try:
                # (3) fill a database beside the installation's
                await staging.create()
                with _verified_copy(path, tar, manifest) as dump:
                    await _pour(dump, pg_restore, building, progress)
                await _check_and_migrate(manifest, building, target.services, progress)
                # (4) the keys that are missing
                write_keys(tar, keys)
                # (5) rebuild Valkey's view from it, under epochs that nobody has seen, and audit
                pools, findings = await _rebuild_and_audit(
                    building, target.valkey_url, reached=reached, progress=progress
                )
                # (6) swap the names
                await staging.refuse_sessions()
                replaced = await staging.swap(now=clock.now().astimezone(UTC))
            except BaseException:
                # What cannot be dropped now, the next restore drops.
                with suppress(SQLAlchemyError, OSError, TimeoutError):
                    await staging.drop(staging.building)
                raise
            # What was empty is worth no name; a kill before this line leaves an empty database too many.
            if replaced is not None and (empty or wishes.drop_replaced) and await _dropped(staging, replaced):
                replaced = None
    return Restored(manifest, staging.name, replaced, keys, pools, findings)


async def _dropped(staging: Staging, name: str) -> bool:
    """Drops it; what cannot be dropped is told by its name instead, since the restore is done."""
    try:
        await staging.drop(name)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("database %s could not be dropped: %s", name, type(error).__name__)
        return False
    return True


async def _check_place(
    staging: Staging, manifest: Manifest, target: Target, wishes: Wishes
) -> tuple[Program, bool]:
    """The program to restore with, and whether the installation's database is empty.

    Raises:
        KeepingError: something is in the way.
    """
    archived, server = manifest.database, await staging.server_major()
    if server < _major(archived.postgresql):
        raise KeepingError(
            f"the archive is of PostgreSQL {archived.postgresql}, and the server older: {server}"
        )
    program = find_program("pg_restore", embedded=target.embedded, server_major=server)
    if program.major < _major(archived.pg_dump):
        raise KeepingError(
            f"{program.path} is of PostgreSQL {program.version} and cannot read what pg_dump {archived.pg_dump} wrote"
        )
    unknown = set(archived.revisions) - platform_revisions(*target.services)
    if unknown:
        raise KeepingError(
            f"the archive has schema revisions unknown here ({', '.join(sorted(unknown))}): install Gongdao "
            f"{manifest.product} or later, with the services it had"
        )
    await _check_valkey(target.valkey_url)
    await staging.refuse_sessions()
    empty = not await staging.exists(staging.name) or await count_objects(target.database_url) == 0
    if wishes.replace not in {None, staging.name}:
        raise KeepingError(f"--replace {wishes.replace}: the database of these settings is {staging.name}")
    if not empty and wishes.replace is None:
        raise KeepingError(
            f"database {staging.name} is not empty: --replace {staging.name} puts the archive in its place"
        )
    return program, empty


async def _check_valkey(url: str) -> None:
    valkey = Valkey(url, libraries=())
    await valkey.open()
    try:
        if valkey.missing():
            raise KeepingError("Valkey does not answer; a restore makes its view anew, so start it first")
    finally:
        await valkey.close()


async def _check_and_migrate(
    manifest: Manifest, building: str, services: Sequence[Path], progress: Progress
) -> None:
    """Counts what came, and brings the schema to this version.

    Raises:
        KeepingError: not every row came.
        SchemaError, SQLAlchemyError: the schema cannot be brought to this version.
    """
    archived = manifest.database.rows
    engine = create_engine(building, connections=1, answer_timeout_s=ANSWER_TIMEOUT_S)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            rows = await count_rows(connection, progress=progress)
        wrong = sorted(name for name in rows | archived if rows.get(name) != archived.get(name))
        if wrong:
            raise KeepingError(f"restored tables have not the rows that were archived: {', '.join(wrong)}")
        progress("schema")
        await migrate_platform(engine, *services)
    finally:
        await engine.dispose()


async def _pour(dump: IO[bytes], pg_restore: Program, building: str, progress: Progress) -> None:
    """Runs pg_restore on a dump, from where it is."""
    size = os.fstat(dump.fileno()).st_size
    argv = [str(pg_restore.path), "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
    argv.append(f"--dbname={make_url(building).database}")

    def show() -> None:
        # The program reads through our open file, so its place in it is ours.
        progress(f"database: {os.lseek(dump.fileno(), 0, os.SEEK_CUR):,} of {size:,} bytes")

    await run_program(argv, url=building, stdin=dump, while_waiting=show)


@contextmanager
def _verified_copy(path: Path, tar: tarfile.TarFile, manifest: Manifest) -> Generator[IO[bytes]]:
    """The dump in a file without a name, beside the archive where that may be written.

    pg_restore never reads a byte whose digest is not known to be right: some wrong ones make it turn for ever.

    Raises:
        ArchiveBroken: the archive has changed since it was checked.
    """
    [member] = manifest.only("database")
    folder = path.parent if os.access(path.parent, os.W_OK) else None
    with tempfile.TemporaryFile(dir=folder) as dump:
        copy_member(tar, member, dump.write)
        dump.seek(0)
        yield dump


async def _highest_epoch(url: str) -> int:
    """The highest epoch of any pool of the old database: 0 when it has none, or is not ours."""
    engine = create_engine(url, connections=1)
    try:
        async with engine.connect() as connection:
            there = await connection.execute(text("SELECT to_regclass('public.pool') IS NOT NULL"))
            if not there.scalar_one():
                return 0
            return (await connection.execute(text("SELECT COALESCE(max(epoch), 0) FROM pool"))).scalar_one()
    finally:
        await engine.dispose()


async def _rebuild_and_audit(
    building: str, valkey_url: str, *, reached: int, progress: Progress
) -> tuple[int, list[Finding]]:
    """Holds are lost, as in every rebuild; bookings are not.

    The epochs begin above those the old database has reached. An emptied Valkey knows none, and if we are killed before
    the names are changed, the old database must not find an epoch of its own with the archive's view in it.
    """
    engine = create_engine(building, connections=4, answer_timeout_s=ANSWER_TIMEOUT_S)
    kernel = Kernel(engine, valkey_url, clock=clock.now_ms)
    await kernel.open()
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE pool SET epoch = GREATEST(epoch, :reached)"), {"reached": reached}
            )
        pools = await kernel.read_pools()
        for pool in pools:
            progress(f"pool {pool.id}: Valkey's view")
            await rebuild(kernel, pool_id=pool.id)
        return len(pools), await audit(kernel, progress=progress)
    finally:
        await kernel.close()


def _major(version: str) -> int:
    return int(version.partition(".")[0])
