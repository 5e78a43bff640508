"""The files that commands read and write. What is written is whole or not there, and nothing but a file is replaced."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from booking_api.cli import Unusable

FILE = click.Path(path_type=Path, dir_okay=False)


class New(msgspec.Struct, frozen=True):
    """A file to be written, and the option that names it."""

    path: Path
    text: bytes
    option: str


def read_file(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        Unusable: it cannot be read; the message names it.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror or error}") from error


def check_writable(path: Path, option: str, *, besides: Sequence[Path | None] = ()) -> None:
    """Refuses before long work what could not be written after it, and what is read or written `besides`.

    Raises:
        Unusable: it has no name, is something else than a file, is one of the files `besides`, or its folder is missing or closed.
    """
    if not path.name:
        raise Unusable(f"{option}: it is empty, the name of a file is needed")
    if any(one is not None and _place(one) == _place(path) for one in besides):
        raise Unusable(f"{option}: {path} is named twice, another file is needed")
    try:
        _check_place(path)
    except OSError as error:
        raise Unusable(f"{option}: {path}: {error.strerror or error}") from error


def write_whole(*files: New) -> None:
    """Writes files; what was there is replaced once all new ones are complete, `.part` beside each until then.

    Raises:
        Unusable: one cannot be written; the message names its option, and none is replaced by then.
    """
    made: list[Path] = []
    try:
        for one in files:
            check_writable(one.path, one.option)
            _write_part(one, made)
        for one in files:
            _rename(one, made)
    finally:
        for part in made:
            part.unlink(missing_ok=True)


def write_page(path: Path, text: str) -> None:
    """Writes the page that `--out` names, and says so.

    Raises:
        Unusable: it cannot be written.
    """
    # A page tells paths, and a name that the surroundings could not decode goes as it came.
    write_whole(New(path, text.encode("utf-8", "surrogateescape"), "--out"))
    sys.stderr.write(f"written: {path}\n")


def _place(path: Path) -> Path:
    """Where a path leads: a link stays a link, the file behind it is the one that is replaced."""
    return Path(os.path.realpath(path))


def _part(path: Path) -> Path:
    place = _place(path)
    return place.with_name(place.name + ".part")


def _check_place(path: Path) -> None:
    place, part = _place(path), _part(path)
    if not place.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {place.parent}")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"nothing can be written into {place.parent}")
    if _there(place) and not stat.S_ISREG(place.stat().st_mode):
        raise FileExistsError("it is there and no file")
    if _there(part):
        raise FileExistsError(f"{part} is there, of a run that is not over or was broken off: remove it")


def _there(path: Path) -> bool:
    """Unlike `exists`, this says why where it cannot say."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _write_part(new: New, made: list[Path]) -> None:
    part = _part(new.path)
    try:
        with part.open("xb") as file:
            made.append(part)
            file.write(new.text)
    except OSError as error:
        raise Unusable(f"{new.option}: {new.path}: {error.strerror or error}") from error


def _rename(new: New, made: list[Path]) -> None:
    part = _part(new.path)
    try:
        part.replace(_place(new.path))
    except OSError as error:
        raise Unusable(f"{new.option}: {new.path}: {error.strerror or error}") from error
    made.remove(part)
