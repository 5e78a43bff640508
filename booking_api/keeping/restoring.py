"""Restoring: an archive becomes the installation. Until the last step the old state is the one that counts.

What a crash leaves, step by step:
    in (1) check, (2) look      nothing
    in (3) fill                 a database `..._restoring` beside the installation's; the next restore drops it
    in (4) keys                 the same, and keys that were not there before: the archive's, so repeating finds them good
    in (5) rebuild and audit    the same, and a view in Valkey of an epoch the old database does not know: servers that
                                start on the old one rebuild theirs by themselves
    after (6) swap              the installation as it was backed up; what was there before keeps a name of its own

May import SQLAlchemy, settings, schema, the reservation kernel and the modules beside it.
"""

import asyncio
import logging
import os
import tarfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from booking_api import clock
from booking_api.keeping.archive import check_archive, copy_member, open_archive
from booking_api.keeping.backing_up import count_rows
from booking_api.keeping.errors import ArchiveBroken, KeepingError
from booking_api.keeping.keys import Placed, place_keys, write_keys
from booking_api.keeping.manifest import Manifest, Member
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
            try:
                # (3) fill a database beside the installation's
                building = database_named(target.database_url, staging.building)
                await staging.create()
                await _fill(
                    tar,
                    manifest,
                    building,
                    pg_restore=pg_restore,
                    services=target.services,
                    progress=progress,
                )
                # (4) the keys that are missing
                write_keys(tar, keys)
                # (5) rebuild Valkey's view from it, under epochs that nobody has seen, and audit
                pools, findings = await _rebuild_and_audit(building, target.valkey_url, progress)
                # (6) swap the names
                await staging.refuse_sessions()
                replaced = await staging.swap(now=clock.now().astimezone(UTC))
            except BaseException:
                # Killed before it is done, the next restore does it.
                with suppress(Exception):
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
    if not empty and wishes.replace != staging.name:
        raise KeepingError(
            f"database {staging.name} is not empty: --replace {staging.name} puts the archive in its place"
        )
    if wishes.replace not in {None, staging.name}:
        raise KeepingError(f"--replace {wishes.replace}: the database of these settings is {staging.name}")
    return program, empty


async def _check_valkey(url: str) -> None:
    valkey = Valkey(url, libraries=())
    await valkey.open()
    try:
        if valkey.missing():
            raise KeepingError("Valkey does not answer; a restore makes its view anew, so start it first")
    finally:
        await valkey.close()


async def _fill(
    tar: tarfile.TarFile,
    manifest: Manifest,
    building: str,
    *,
    pg_restore: Program,
    services: Sequence[Path],
    progress: Progress,
) -> None:
    """Restores the dump, counts what came, and brings the schema to this version.

    Raises:
        KeepingError: pg_restore failed, or not every row came.
    """
    [dump] = manifest.only("database")
    await _pour(tar, dump, pg_restore, building, progress)
    engine = create_engine(building, connections=1, answer_timeout_s=ANSWER_TIMEOUT_S)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            rows = await count_rows(connection, progress=progress)
        wrong = sorted(
            name
            for name in rows | manifest.database.rows
            if rows.get(name) != manifest.database.rows.get(name)
        )
        if wrong:
            raise KeepingError(f"restored tables have not the rows that were archived: {', '.join(wrong)}")
        progress("schema")
        await migrate_platform(engine, *services)
    finally:
        await engine.dispose()


async def _pour(
    tar: tarfile.TarFile, dump: Member, pg_restore: Program, building: str, progress: Progress
) -> None:
    """Streams the dump out of the archive into pg_restore: no second copy of it on a disk."""
    argv = [str(pg_restore.path), "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
    argv.append(f"--dbname={make_url(building).database}")
    reading, writing = os.pipe()
    given = 0

    def feed() -> None:
        nonlocal given
        # It may fail before it has read all, and says why itself.
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:

            def write(block: bytes) -> None:
                nonlocal given
                pipe.write(block)
                given += len(block)

            copy_member(tar, dump, write)

    feeding = asyncio.create_task(asyncio.to_thread(feed))
    try:
        # Closed here before the feeder is waited for: nobody else reads what a failed program left unread.
        with os.fdopen(reading, "rb") as stdin:
            await run_program(
                argv,
                url=building,
                stdin=stdin,
                while_waiting=lambda: progress(f"database: {given:,} of {dump.bytes:,} bytes"),
            )
    finally:
        await feeding


async def _rebuild_and_audit(building: str, valkey_url: str, progress: Progress) -> tuple[int, list[Finding]]:
    """Holds are lost, as in every rebuild; bookings are not."""
    engine = create_engine(building, connections=4, answer_timeout_s=ANSWER_TIMEOUT_S)
    kernel = Kernel(engine, valkey_url, clock=clock.now_ms)
    await kernel.open()
    try:
        pools = await kernel.read_pools()
        for pool in pools:
            progress(f"pool {pool.id}: Valkey's view")
            await rebuild(kernel, pool_id=pool.id)
        return len(pools), await audit(kernel, progress=progress)
    finally:
        await kernel.close()


def _major(version: str) -> int:
    return int(version.partition(".")[0])
