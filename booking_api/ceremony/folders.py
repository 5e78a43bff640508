"""A log as files in a folder, by the paths of c2sp.org/tlog-tiles, and the same read from a server. Imports httpx."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from booking_api.ceremony.errors import CeremonyUnusable

CHECKPOINT = "checkpoint"
KEPT = "checkpoints"
"""Every cosigned checkpoint by its size, beside what C2SP asks for: a bundle shows some of them."""
ANSWER_TIMEOUT_S = 10.0
ANSWER_LIMIT = 20_000_000
NOT_FOUND = 404


class LogFolder:
    """Owns nothing but the path: one writer at a time is `writing`'s to ensure."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None where there is none.

        Raises:
            CeremonyUnusable: it cannot be read.
        """
        try:
            return (self.path / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CeremonyUnusable(f"{self.path / path}: {error.strerror or error}") from error

    def write(self, path: str, data: bytes) -> None:
        """Writes a file, whole or not at all, and on the disk before it returns.

        A crash before the rename leaves a file that ends in `.part`, which nobody reads.

        Raises:
            CeremonyUnusable: it cannot be written.
        """
        target = self.path / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(target.name + ".part")
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise CeremonyUnusable(f"{target}: {error.strerror or error}") from error

    @contextmanager
    def writing(self) -> Generator[None]:
        """The only writer, until the block ends; a second one waits.

        Raises:
            CeremonyUnusable: the folder cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / ".lock").open("w")
        except OSError as error:
            raise CeremonyUnusable(f"{self.path}: {error.strerror or error}") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def kept_sizes(self) -> list[int]:
        """The sizes of the checkpoints that are kept, ascending."""
        folder = self.path / KEPT
        return sorted(int(file.name) for file in folder.glob("*") if file.name.isdigit())


class LogServer:
    """A log that somebody serves, read over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=ANSWER_TIMEOUT_S, follow_redirects=True)

    def read(self, path: str) -> bytes | None:
        """What is served under this path, None where there is nothing.

        Raises:
            CeremonyUnusable: the server does not answer, or with something else.
        """
        try:
            answer = self._client.get(f"{self._url}/{path}")
        except httpx.HTTPError as error:
            raise CeremonyUnusable(f"{self._url}/{path}: {error}") from error
        if answer.status_code == NOT_FOUND:
            return None
        if not answer.is_success or len(answer.content) > ANSWER_LIMIT:
            raise CeremonyUnusable(f"{self._url}/{path}: answered {answer.status_code}")
        return answer.content


def log_at(place: str) -> LogFolder | LogServer:
    """The log in a folder, or at an http(s) address."""
    return LogServer(place) if urlsplit(place).scheme in {"http", "https"} else LogFolder(Path(place))
