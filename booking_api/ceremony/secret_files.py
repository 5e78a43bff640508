"""Secret keys as files of one line, mode 0600: those that sign a log or cosign it, and those that contribute to a seed.

Signing keys are written as Go's note package writes them, so that other tools of C2SP read them too.
"""

import os
import secrets
from pathlib import Path
from typing import NamedTuple

from booking_api.ceremony.errors import CeremonyUnusable
from fairness.canonical import NotCanonical, name_of
from fairness.note import NoteRefused, SigningKey, parse_signing_key
from fairness.vrf import SECRET_BYTES, public_key

_CONTRIBUTOR = "GONGDAO+VRF+SECRET"


class ContributorKey(NamedTuple):
    """Whose proofs go into a seed: a name and a VRF secret."""

    name: str
    secret: bytes

    @property
    def public(self) -> bytes:
        """The 32-byte public key."""
        return public_key(self.secret)

    def __repr__(self) -> str:
        """Without the secret."""
        return f"ContributorKey({self.name!r}, {self.public.hex()})"


def new_signing_key(path: Path, *, name: str) -> SigningKey:
    """A new key for a log or a witness, written to a new file.

    Raises:
        CeremonyUnusable: the file is there already or cannot be written, or the name cannot be a key's.
    """
    try:
        key = SigningKey(name, secrets.token_bytes(SECRET_BYTES))
    except NoteRefused as error:
        raise CeremonyUnusable(f"--name: {error}") from error
    _write_new(path, key.secret_text())
    return key


def new_contributor_key(path: Path, *, name: str) -> ContributorKey:
    """A new key for a contributor, written to a new file.

    Raises:
        CeremonyUnusable: as `new_signing_key`.
    """
    try:
        name_of(name, "--name")
    except NotCanonical as error:
        raise CeremonyUnusable(str(error)) from error
    if " " in name:
        raise CeremonyUnusable("--name: a contributor's name has no spaces, a trust file could not say it")
    key = ContributorKey(name, secrets.token_bytes(SECRET_BYTES))
    _write_new(path, f"{_CONTRIBUTOR} {name} {key.secret.hex()}")
    return key


def read_signing_key(path: Path) -> SigningKey:
    """The log's or witness's key in a file.

    Raises:
        CeremonyUnusable: there is none.
    """
    try:
        return parse_signing_key(_line(path))
    except NoteRefused as error:
        raise CeremonyUnusable(f"{path}: no signing key: {error}") from None


def read_contributor_key(path: Path) -> ContributorKey:
    """The contributor's key in a file.

    Raises:
        CeremonyUnusable: there is none.
    """
    start, _, rest = _line(path).partition(" ")
    name, _, secret = rest.partition(" ")
    try:
        found = bytes.fromhex(secret)
    except ValueError:
        found = b""
    if start != _CONTRIBUTOR or not name or len(found) != SECRET_BYTES:
        raise CeremonyUnusable(f"{path}: no contributor's key")
    return ContributorKey(name, found)


def _line(path: Path) -> str:
    try:
        return path.read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CeremonyUnusable(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _write_new(path: Path, line: str) -> None:
    """Never over a key that is there: who holds it could no longer prove anything."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as opened:
            opened.write(line + "\n")
    except FileExistsError:
        raise CeremonyUnusable(f"{path} is there already") from None
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error
