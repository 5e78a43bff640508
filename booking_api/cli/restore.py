"""`gongdao restore`: an archive becomes the installation."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from booking_api.cli import Unusable
from booking_api.cli.surroundings import own_servers, settings_or_exit
from booking_api.embedded import EmbeddedError
from booking_api.keeping.errors import KeepingError
from booking_api.keeping.keys import Placed
from booking_api.keeping.restoring import Restored, Target, Wishes, restore
from booking_api.services import ServiceUnusable, load_services
from booking_api.settings import Settings
from reservation.database import SchemaError
from reservation.errors import ReservationError

_PATH = click.Path(path_type=Path)


@click.command("restore")
@click.argument("file", type=_PATH)
@click.option("--replace", metavar="NAME", help="Put it in the place of this database, which is not empty.")
@click.option("--drop-replaced", is_flag=True, help="Do not keep the replaced database under another name.")
@click.option(
    "--keys-to", type=_PATH, metavar="FOLDER", help="Write the keys here, not where the settings say."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(
    *, file: Path, replace: str | None, drop_replaced: bool, keys_to: Path | None, as_json: bool
) -> int:
    """Bring the archive FILE back. Stop every server first; until the last step the old state is untouched.

    Ends with the audit: exit code 1 when what was brought back breaks an invariant.
    """
    settings = settings_or_exit()
    wishes = Wishes(replace=replace, keys_to=keys_to, drop_replaced=drop_replaced)
    with Console(stderr=True).status("restore", spinner="dots") as status:
        restored = _restore(settings, file, wishes, progress=status.update)
    if as_json:
        sys.stdout.write(msgspec.json.encode(_told(restored)).decode() + "\n")
    else:
        _say(restored)
    return 1 if restored.findings else 0


def _restore(settings: Settings, file: Path, wishes: Wishes, *, progress: Callable[[str], None]) -> Restored:
    try:
        services = [each.migrations for each in load_services() if each.migrations]
        with own_servers(settings) as addresses:
            target = Target(
                database_url=addresses.database_url,
                valkey_url=addresses.valkey_url,
                embedded=settings.embedded,
                settings=settings,
                services=services,
            )
            return asyncio.run(restore(file, target, wishes, progress=progress))
    except (KeepingError, EmbeddedError, SchemaError, ServiceUnusable) as error:
        raise Unusable(f"nothing was restored: {' '.join(str(error).split())}") from error
    except ReservationError as error:
        facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
        raise Unusable(f"nothing was restored: {error.sentence} ({facts})") from error
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise Unusable(f"nothing was restored: {str(error).partition(chr(10))[0]}") from error


def _told(restored: Restored) -> dict[str, object]:
    return {
        "database": restored.database,
        "as_of": restored.manifest.created_at,
        "rows": restored.manifest.database.rows,
        "replaced": restored.replaced,
        "keys": [
            {
                "setting": key.setting,
                "file": None if key.path is None else str(key.path),
                "was_there": key.there,
            }
            for key in restored.keys
        ],
        "pools": restored.pools,
        "clean": not restored.findings,
        "findings": [finding._asdict() for finding in restored.findings],
    }


def _say(restored: Restored) -> None:
    manifest = restored.manifest
    rows = sum(manifest.database.rows.values())
    click.echo(f"database {restored.database}: {rows:,} rows as of {manifest.created_at}")
    click.echo(f"Valkey: {restored.pools} pools made anew; holds are lost, bookings are not")
    for key in restored.keys:
        click.echo(_say_key(key))
    if restored.replaced is not None:
        click.echo(
            f"what was there before is kept as database {restored.replaced}: drop it when you are sure"
        )
    for finding in restored.findings:
        click.echo(f"{finding.invariant}  {finding.where}: {finding.seen}")
    found = len(restored.findings)
    click.echo(f"audit: {found} findings" if found else "audit: clean, I1 to I4 hold")


def _say_key(key: Placed) -> str:
    if key.path is None:
        return f"{key.member.name}: not written, {key.setting} is not set here; --keys-to FOLDER writes it"
    return f"{key.path}: {'the same key was there' if key.there else 'written'}"
