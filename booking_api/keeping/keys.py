"""What is kept beside the database: the files with keys, and how the installation was set up.

Without the token key nobody's authenticator app, check-in code or webhook signature works any more: it is as much part
of an installation as its rows. May import settings and `archive`, `errors`, `manifest`.
"""

import hashlib
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from booking_api.keeping.archive import copy_member, sync_folder
from booking_api.keeping.errors import KeepingError
from booking_api.keeping.manifest import Manifest, Member
from booking_api.settings import PREFIX, Settings

KEY_ENDINGS = ("_key_file", "_secret_file")
OF_THIS_PLACE = frozenset({f"{PREFIX}DATABASE_URL", f"{PREFIX}VALKEY_URL"})
"""They name servers, with passwords: what is brought back may go to others."""


class Placed(NamedTuple):
    """A key of the archive: the setting it belongs to, where it goes (None: nowhere), whether it is there already."""

    member: Member
    setting: str
    path: Path | None
    there: bool


def key_files(settings: Settings) -> dict[str, Path]:
    """Setting -> file, of every key this installation has."""
    fields = [name for name in settings.__struct_fields__ if name.endswith(KEY_ENDINGS)]
    named = {name: getattr(settings, name) for name in fields} | {"token_key_file": settings.key_file}
    return {name: path for name, path in named.items() if path is not None}


def settings_text(environment: Mapping[str, str]) -> bytes:
    """The installation's settings as they stand in its environment, for people to read when they set it up again."""
    told = {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in OF_THIS_PLACE
    }
    return msgspec.json.format(msgspec.json.encode(told, order="sorted")) + b"\n"


def place_keys(manifest: Manifest, settings: Settings, *, folder: Path | None) -> list[Placed]:
    """Where each key of the archive goes: where the settings say, or into a folder.

    Raises:
        KeepingError: another key is there, which is never overwritten.
    """
    files = key_files(settings)
    placed: list[Placed] = []
    for member in manifest.only("key"):
        name = member.name.removeprefix("keys/")
        path = files.get(name) if folder is None else folder / name
        there = path is not None and path.exists()
        if path is not None and there and hashlib.sha256(path.read_bytes()).hexdigest() != member.sha256:
            raise KeepingError(
                f"{path}: another key than the archive's is there; move it away, or --keys-to FOLDER"
            )
        placed.append(Placed(member, f"{PREFIX}{name.upper()}", path, there))
    return placed


def write_keys(tar: tarfile.TarFile, placed: list[Placed]) -> None:
    """Writes the keys that are not there yet, each whole or not at all, readable by their owner only.

    Raises:
        ArchiveBroken: a key is not what its digest says.
        OSError: it cannot be written.
    """
    for key in placed:
        if key.path is None or key.there:
            continue
        key.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = key.path.with_name(f"{key.path.name}.{os.getpid()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                copy_member(tar, key.member, file.write)
                file.flush()
                os.fsync(file.fileno())
            # A link, not a rename: a key that came to be there meanwhile is not overwritten.
            os.link(fresh, key.path)
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(key.path.parent)
