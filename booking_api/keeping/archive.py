"""The archive: a tar (POSIX.1-2001) that begins with its manifest and the manifest's digest.

    manifest.json, manifest.sha256, database.dump, settings.json, keys/...

Any tar unpacks it, `sha256sum --check manifest.sha256` checks it, and `pg_restore` reads the dump. It is not encrypted:
that is better left to a tool made for it, which can encrypt to a public key so that the machine which backs up cannot
read what it has written. The file is readable by its owner only.

It is written under another name, synced, then renamed. A kill leaves a `.partial` file that no reader takes for an
archive and the next backup into the same folder removes. May import the standard library, `manifest` and `errors`.
"""

import fcntl
import hashlib
import os
import secrets
import tarfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Literal, NamedTuple

from booking_api.keeping.errors import ArchiveBroken, KeepingError
from booking_api.keeping.manifest import (
    MANIFEST_LIMIT_BYTES,
    Manifest,
    Member,
    decode_manifest,
    encode_manifest,
)

MANIFEST_NAME = "manifest.json"
DIGEST_NAME = "manifest.sha256"
PARTIAL = ".gongdao-backup-{}.partial"
BLOCK_BYTES = 1024 * 1024

Progress = Callable[[str], None]


class Source(NamedTuple):
    """What becomes a member: an open file, read from its beginning."""

    name: str
    kind: Literal["database", "key", "settings"]
    file: IO[bytes]


def measure(source: Source) -> Member:
    """The member a source will be."""
    digest, total = hashlib.sha256(), 0
    source.file.seek(0)
    while block := source.file.read(BLOCK_BYTES):
        digest.update(block)
        total += len(block)
    return Member(name=source.name, kind=source.kind, bytes=total, sha256=digest.hexdigest())


def write_archive(path: Path, manifest: Manifest, sources: Sequence[Source]) -> None:
    """Writes the archive of these sources, whose members the manifest names in the same order.

    Raises:
        KeepingError: `path` is there already, or another backup removed the unfinished file.
        OSError: it cannot be written.
    """
    raw = encode_manifest(manifest)
    created_at_s = int(datetime.fromisoformat(manifest.created_at).timestamp())
    with _partial(path) as (file, partial):
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in ((MANIFEST_NAME, raw), (DIGEST_NAME, _digest_line(raw))):
                with _memory_file(content) as opened:
                    tar.addfile(_header(name, len(content), created_at_s), opened)
            for member, source in zip(manifest.members, sources, strict=True):
                source.file.seek(0)
                tar.addfile(_header(member.name, member.bytes, created_at_s), source.file)
        file.flush()
        os.fsync(file.fileno())
        if path.exists():
            raise KeepingError(f"{path}: is there already, and nothing is overwritten")
        # A kill before this line leaves no archive, after it a complete one.
        partial.rename(path)
        sync_folder(path.parent)


@contextmanager
def open_archive(path: Path) -> Generator[tuple[tarfile.TarFile, Manifest]]:
    """The archive and its manifest, which is whole and names every member there is. Contents are not read yet.

    Raises:
        ArchiveBroken: it is not what a backup wrote.
        KeepingError: a newer version wrote it.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                yield tar, _read_manifest(tar)
        except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
            raise ArchiveBroken(f"{path.name}: {error}") from error


def check_archive(path: Path, *, progress: Progress = lambda _: None) -> Manifest:
    """Reads every byte of the archive against its digest.

    Raises:
        ArchiveBroken, KeepingError, OSError: as `open_archive`; or a member is not what its digest says.
    """
    with open_archive(path) as (tar, manifest):
        for member in manifest.members:
            progress(f"{member.name}: {member.bytes:,} bytes")
            copy_member(tar, member, lambda _: None)
        return manifest


def copy_member(tar: tarfile.TarFile, member: Member, write: Callable[[bytes], object]) -> None:
    """Gives a member's content to `write`, block by block.

    Raises:
        ArchiveBroken: it was not what its digest says; found out when all has been given.
    """
    digest = hashlib.sha256()
    opened = tar.extractfile(member.name)
    if opened is None:
        raise ArchiveBroken(f"{member.name}: not a file")
    while block := opened.read(BLOCK_BYTES):
        digest.update(block)
        write(block)
    if digest.hexdigest() != member.sha256:
        raise ArchiveBroken(f"{member.name}: its bytes are not those that were written (SHA-256 differs)")


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    found = tar.getmembers()
    if [info.name for info in found[:2]] != [MANIFEST_NAME, DIGEST_NAME] or not all(map(_plain, found)):
        raise ArchiveBroken(f"it does not begin with {MANIFEST_NAME}: not a backup")
    if max(info.size for info in found[:2]) > MANIFEST_LIMIT_BYTES:
        raise ArchiveBroken(f"{MANIFEST_NAME}: longer than {MANIFEST_LIMIT_BYTES:,} bytes")
    raw, digest = (_small(tar, info) for info in found[:2])
    if digest != _digest_line(raw):
        raise ArchiveBroken(f"{MANIFEST_NAME}: its bytes are not those that were written (SHA-256 differs)")
    manifest = decode_manifest(raw)
    there = [(info.name, info.size) for info in found[2:]]
    if there != [(member.name, member.bytes) for member in manifest.members]:
        raise ArchiveBroken("its files are not those that the manifest names")
    return manifest


def _plain(info: tarfile.TarInfo) -> bool:
    return info.type == tarfile.REGTYPE


def _small(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    opened = tar.extractfile(info)
    return b"" if opened is None else opened.read()


def _digest_line(raw: bytes) -> bytes:
    return f"{hashlib.sha256(raw).hexdigest()}  {MANIFEST_NAME}\n".encode()


def _header(name: str, size: int, created_at_s: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, created_at_s
    return info


@contextmanager
def _memory_file(content: bytes) -> Generator[IO[bytes]]:
    handle = os.memfd_create("gongdao-manifest")
    with os.fdopen(handle, "w+b") as file:
        file.write(content)
        file.seek(0)
        yield file


@contextmanager
def _partial(path: Path) -> Generator[tuple[IO[bytes], Path]]:
    """A file beside `path` that only we write: locked, so that the next backup knows it from a killed one's."""
    _remove_leftovers(path.parent)
    partial = path.with_name(PARTIAL.format(secrets.token_hex(4)))
    handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink == 0:
                raise KeepingError(
                    f"{partial}: removed by another backup that began at the same moment; repeat"
                )
            yield file, partial
        finally:
            partial.unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(PARTIAL.format("*")):
        # Another backup may have finished with it between the look and the opening.
        with suppress(FileNotFoundError, BlockingIOError), leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()
