"""What the commands of a ceremony have in common: their options, the files they read and write, how they fail."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.cli import Unusable
from booking_api.cli.files import FILE
from fairness.policy import Policy, PolicyUnusable, parse_policy

FOLDER = click.Path(path_type=Path, file_okay=False)
ENTRY_LIMIT = 65_535


class Refused(click.ClickException):
    """Something that was checked is false: one line, exit code 1."""

    exit_code = 1


@contextmanager
def told() -> Generator[None]:
    """What cannot be used is one line and exit code 2, what is false one line and exit code 1."""
    try:
        yield
    except CeremonyUnusable as error:
        raise Unusable(str(error)) from error
    except CeremonyRefused as error:
        raise Refused(str(error)) from error


def log_option(command: Any) -> Any:
    """The folder of the operator's own log."""
    return click.option("--log", "folder", type=FOLDER, required=True, help="The log's folder.")(command)


def key_option(command: Any) -> Any:
    """The key that signs the log."""
    return click.option("--key", type=FILE, required=True, help="The log's key.")(command)


def trust_option(command: Any) -> Any:
    """The trust file."""
    return click.option("--trust", type=FILE, required=True, help="The trust file.")(command)


def out_option(command: Any) -> Any:
    """The new file that is written."""
    return click.option("--out", type=FILE, required=True, help="The new file.")(command)


def read_trust(path: Path) -> Policy:
    """The trust file.

    Raises:
        CeremonyUnusable: it cannot be used; the message names the line.
    """
    try:
        return parse_policy(path.read_bytes())
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error
    except PolicyUnusable as error:
        raise CeremonyUnusable(f"{path}: {error}") from error


def read_entry(path: Path) -> bytes:
    """An entry's text out of a file, whose last line feed is not part of it.

    Raises:
        CeremonyUnusable: it cannot be read, or no log could hold it.
    """
    try:
        text = path.read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error
    if not 1 <= len(text) <= ENTRY_LIMIT:
        raise CeremonyUnusable(f"{path}: an entry has 1 to {ENTRY_LIMIT} bytes, this has {len(text)}")
    return text


def write_new(path: Path, text: bytes) -> None:
    """Writes a file that was not there.

    Raises:
        CeremonyUnusable: it is there, or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(text + b"\n")
    except FileExistsError:
        raise CeremonyUnusable(f"{path} is there already") from None
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error
    sys.stderr.write(f"written: {path}\n")
