"""`gongdao authority`: who gives things out, registered by whoever runs the installation."""

import sys

import click
import msgspec
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.cli import Unusable
from booking_api.cli.surroundings import on_database
from booking_api.errors import UnknownAuthority
from booking_api.plans.authorities import read_lineage
from booking_api.plans.rows import Code
from reservation.tables import authority as authority_table

PARENT_LEVEL = {"ministry": None, "province": "ministry", "city": "province"}


@click.group("authority")
def command() -> None:
    """Register authorities: ministry, provinces, city offices."""


@command.command("add")
@click.argument("authority", metavar="ID")
@click.option("--level", type=click.Choice(list(PARENT_LEVEL)), required=True)
@click.option("--parent", help="The authority above it; every one but the ministry has one.")
@click.option("--name", required=True, help="In Chinese.")
@click.option("--name-en", help="In English; the Chinese name if left out.")
def add_command(*, authority: str, level: str, parent: str | None, name: str, name_en: str | None) -> None:
    """Register the authority ID, such as cn-zj-hz. One that is there is left as it is."""
    try:
        msgspec.convert(authority, Code)
    except msgspec.ValidationError as error:
        raise Unusable(f"{authority!r}: small letters, digits, dots and hyphens, such as cn-zj-hz") from error
    if (parent is None) != (level == "ministry"):
        raise Unusable("--parent: every authority but the ministry has one above it")

    async def work(engine: AsyncEngine) -> bool:
        async with engine.begin() as connection:
            if parent is not None:
                (await read_lineage(connection)).up(parent)
            names = {"zh-CN": name, "en": name_en or name}
            values = {"id": authority, "level": level, "parent": parent, "name": names}
            new = upsert(authority_table).values(values).on_conflict_do_nothing()
            added = await connection.execute(new.returning(authority_table.c.id))
            return added.one_or_none() is not None

    try:
        added = on_database(work)
    except UnknownAuthority as error:
        raise Unusable(f"--parent: there is no authority {parent!r}") from error
    click.echo(f"{authority}: {'registered' if added else 'it is there, nothing changed'}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print id -> the one above it as JSON.")
def list_command(*, as_json: bool) -> None:
    """Every authority, each below the one above it."""

    async def work(engine: AsyncEngine) -> dict[str, str | None]:
        async with engine.connect() as connection:
            return (await read_lineage(connection)).parents

    parents = on_database(work)
    if as_json:
        sys.stdout.write(msgspec.json.encode(parents).decode() + "\n")
        return
    _tell(parents, above=None, depth=0)
    if not parents:
        click.echo("no authority is registered")


def _tell(parents: dict[str, str | None], *, above: str | None, depth: int) -> None:
    for authority in sorted(name for name, parent in parents.items() if parent == above):
        click.echo(f"{'  ' * depth}{authority}")
        _tell(parents, above=authority, depth=depth + 1)
