"""What an archive says of itself: `manifest.json`, canonical (RFC 8785), every other byte of the archive under a SHA-256.

    {"created_at": "2026-11-20T02:15:00Z", "database": {...}, "format": "gongdao-backup", "members": [...],
     "product": "0.1.0", "version": 1}

Each member has a kind. A reader that meets a kind it does not know refuses the archive: half of an installation brought
back would look like all of it. The tiles of a transparency log can so join as members of a kind `log`, under the names
the log serves them by, without old readers passing over them. May import msgspec and `errors`.
"""

import json
from typing import Annotated, Any, Literal

import msgspec

from booking_api.keeping.errors import ArchiveBroken, KeepingError

FORMAT = "gongdao-backup"
VERSION = 1
MANIFEST_LIMIT_BYTES = 16 * 1024 * 1024
"""A country's log has some ten thousand full tiles; a member's line is some hundred bytes."""

Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*$")
]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file in the archive."""

    name: Name
    kind: Literal["database", "key", "settings"]
    bytes: Count
    sha256: Digest


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The database as the dump's snapshot shows it: schema revisions, and every table's number of rows."""

    name: Text
    postgresql: Text
    pg_dump: Text
    revisions: list[Text]
    rows: dict[Text, Count]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The archive's own description."""

    format: Literal["gongdao-backup"]
    version: Literal[1]
    product: Text
    created_at: Text
    database: Database
    members: list[Member]

    def only(self, kind: str) -> list[Member]:
        """The members of this kind, in their order."""
        return [member for member in self.members if member.kind == kind]


class _Head(msgspec.Struct, frozen=True):
    """What every version has."""

    format: str
    version: int


def encode_manifest(manifest: Manifest) -> bytes:
    """The one canonical text of a manifest.

    Its names are ASCII and its numbers whole, for which sorted keys, no blanks and the short escapes are all that
    RFC 8785 asks.
    """
    return _canonical(msgspec.to_builtins(manifest))


def decode_manifest(raw: bytes) -> Manifest:
    """Reads a manifest.

    Raises:
        ArchiveBroken: it is not canonical, or not a manifest.
        KeepingError: it is one of a newer version.
    """
    try:
        head = msgspec.json.decode(raw, type=_Head)
        if head.format == FORMAT and head.version != VERSION:
            raise KeepingError(f"an archive of version {head.version}: this product reads version {VERSION}")
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveBroken(f"manifest.json: {error}") from error
    if encode_manifest(manifest) != raw:
        raise ArchiveBroken("manifest.json: not in its canonical form")
    if len({member.name for member in manifest.members}) < len(manifest.members):
        raise ArchiveBroken("manifest.json: two members have one name")
    if len(manifest.only("database")) != 1:
        raise ArchiveBroken("manifest.json: an archive has one database")
    return manifest


def _canonical(told: Any) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
