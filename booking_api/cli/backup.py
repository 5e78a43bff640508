"""`gongdao backup`: one archive with all an installation is made of, and the check of one."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from booking_api import clock
from booking_api.cli import Unusable
from booking_api.cli.surroundings import any_servers, settings_or_exit
from booking_api.embedded import EmbeddedError
from booking_api.keeping.archive import check_archive
from booking_api.keeping.backing_up import BackedUp, back_up, prune_archives
from booking_api.keeping.errors import ArchiveBroken, KeepingError
from booking_api.keeping.manifest import Manifest
from booking_api.settings import Settings
from reservation.database import create_engine

ANSWER_TIMEOUT_S = 6 * 3600.0

_FILE = click.Path(path_type=Path)


@click.command("backup")
@click.option("--out", type=_FILE, help="The archive to write; into a folder, one named by the time in UTC.")
@click.option(
    "--keep", type=click.IntRange(min=1), help="With a folder: afterwards keep only the newest so many."
)
@click.option("--verify", type=_FILE, help="Check this archive instead; needs no server.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(*, out: Path | None, keep: int | None, verify: Path | None, as_json: bool) -> int:
    """Write the database in one snapshot, the keys and the settings into one archive, while the servers serve.

    The archive has people's data and the keys of the installation in the clear, readable by its owner only: encrypt it
    before it leaves the machine. With --verify, exit code 1 when the archive is not what a backup wrote.
    """
    if (out is None) == (verify is None):
        raise click.UsageError("--out FILE or --verify FILE")
    if keep is not None and (out is None or not out.is_dir()):
        raise click.UsageError("--keep needs an --out that is a folder")
    with Console(stderr=True).status("backup", spinner="dots") as status:
        if verify is not None:
            return _verify(verify, as_json=as_json, progress=status.update)
        assert out is not None  # noqa: S101 - one of the two is there
        done = _back_up(settings_or_exit(), out, progress=status.update)
    gone = [] if keep is None else prune_archives(out, keep=keep)
    if as_json:
        told = {"file": str(done.path), "bytes": done.bytes, "removed": [str(path) for path in gone]}
        _print(told | {"manifest": done.manifest})
    else:
        click.echo(f"{done.path}: {done.bytes:,} bytes, {_describe(done.manifest)}")
        for path in gone:
            click.echo(f"{path}: removed, one of the oldest")
    return 0


def _back_up(settings: Settings, out: Path, *, progress: Callable[[str], None]) -> BackedUp:
    async def whole(url: str) -> BackedUp:
        engine = create_engine(url, connections=1, answer_timeout_s=ANSWER_TIMEOUT_S)
        try:
            return await back_up(
                engine,
                out,
                url=url,
                embedded=settings.embedded,
                settings=settings,
                environment=os.environ,
                now=clock.now,
                progress=progress,
            )
        finally:
            await engine.dispose()

    try:
        with any_servers(settings) as addresses:
            return asyncio.run(whole(addresses.database_url))
    except (KeepingError, EmbeddedError) as error:
        raise Unusable(" ".join(str(error).split())) from error
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise Unusable(f"nothing was written: {str(error).partition(chr(10))[0]}") from error


def _verify(path: Path, *, as_json: bool, progress: Callable[[str], None]) -> int:
    try:
        manifest = check_archive(path, progress=progress)
    except ArchiveBroken as error:
        if as_json:
            _print({"good": False, "reason": str(error)})
        else:
            click.echo(f"{path}: not good: {error}")
        return 1
    except KeepingError as error:
        raise Unusable(str(error)) from error
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    if as_json:
        _print({"good": True, "manifest": manifest})
    else:
        click.echo(f"{path}: good, {_describe(manifest)}")
    return 0


def _describe(manifest: Manifest) -> str:
    database, keys = manifest.database, len(manifest.only("key"))
    rows = sum(database.rows.values())
    files = "1 key" if keys == 1 else f"{keys} keys"
    return f"{rows:,} rows of PostgreSQL {database.postgresql} and {files} as of {manifest.created_at}"


def _print(told: object) -> None:
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
