"""`gongdao keys`: secret keys for logs, witnesses and contributors, and what others need of them."""

from pathlib import Path

import click

from booking_api.ceremony.secret_files import (
    new_contributor_key,
    new_signing_key,
    read_contributor_key,
    read_signing_key,
)
from booking_api.cli.ceremony_options import FILE, out_option, told, write_new
from fairness.entries import KeyEntry, write
from fairness.note import COSIGNATURE

_KIND = click.argument("kind", type=click.Choice(["log", "witness", "contributor"]))


@click.group("keys")
def command() -> None:
    """Secret keys of a log, a witness or a contributor: one file each, readable by its owner alone."""


@command.command("new")
@_KIND
@click.option("--name", required=True, help="Who this is; a log's and a witness's like example.org/log.")
@out_option
def new(*, kind: str, name: str, out: Path) -> int:
    """Make a key; prints its line for a trust file."""
    with told():
        if kind == "contributor":
            new_contributor_key(out, name=name)
        else:
            new_signing_key(out, name=name)
        click.echo(_line(kind, out))
    return 0


@command.command("show")
@_KIND
@click.argument("file", type=FILE)
def show(*, kind: str, file: Path) -> int:
    """Print a key's line for a trust file; never the secret."""
    with told():
        click.echo(_line(kind, file))
    return 0


@command.command("entry")
@click.argument("file", type=FILE)
@out_option
def entry(*, file: Path, out: Path) -> int:
    """Write the entry that makes a contributor's key known in a log, long before a draw uses it."""
    with told():
        key = read_contributor_key(file)
        write_new(out, write(KeyEntry(key.public, key.name)))
    return 0


def _line(kind: str, file: Path) -> str:
    if kind == "contributor":
        key = read_contributor_key(file)
        return f"contributor {key.name} {key.public.hex()}"
    signing = read_signing_key(file)
    if kind == "log":
        return f"log {signing.verifier()}"
    return f"witness {signing.name} {signing.verifier(COSIGNATURE)}"
