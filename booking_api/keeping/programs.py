"""PostgreSQL's own clients, run as children that die with us. The password reaches them by their environment only.

May import: SQLAlchemy's URLs, the embedded servers' programs and processes, `errors`.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy.engine import make_url

from booking_api.embedded import spawn_child
from booking_api.embedded.binaries import find_client
from booking_api.keeping.errors import KeepingError

PLACES = ("/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin")
"""Where Debian and Red Hat keep the clients of each version."""
INHERITED = (
    "PATH",
    "HOME",
    "TMPDIR",
    "PGPASSFILE",
    "PGSERVICEFILE",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
)
VERSION_TIMEOUT_S = 20.0
POLL_S = 0.05
SAID_LIMIT_BYTES = 64 * 1024

_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)[\w.]*)")


class Program(NamedTuple):
    """A client program and its version."""

    path: Path
    version: str
    major: int


def find_program(name: str, *, embedded: bool, server_major: int) -> Program:
    """The client that belongs to the server: the wheel's for embedded ones, else the server's version, else PATH's.

    Raises:
        KeepingError: there is none, or it cannot be run.
        EmbeddedError: the wheel is not installed.
    """
    if embedded:
        return _program(find_client(name))
    for place in PLACES:
        path = Path(place.format(major=server_major), name)
        if path.is_file():
            return _program(path)
    found = shutil.which(name)
    if found is None:
        raise KeepingError(f"{name}: not found; install PostgreSQL's client programs, version {server_major}")
    return _program(Path(found))


def _program(path: Path) -> Program:
    try:
        said = subprocess.run(  # noqa: S603 (a program found by its fixed name)
            [path, "--version"], capture_output=True, text=True, check=True, timeout=VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KeepingError(f"{path}: cannot be run ({error})") from error
    match = _VERSION.search(said.stdout)
    if match is None:
        raise KeepingError(f"{path}: does not say which version it is")
    return Program(path, match[1], int(match[2]))


def connection_environment(url: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """How libpq is told where the database of a URL is, and nothing else that would change what it does."""
    parts = make_url(url)
    query = {
        name: value if isinstance(value, str) else ",".join(value) for name, value in parts.query.items()
    }
    told = {
        "PGHOST": parts.host or query.get("host"),
        "PGPORT": str(parts.port) if parts.port else query.get("port"),
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password or query.get("password"),
        "PGDATABASE": parts.database,
        "PGSSLMODE": query.get("ssl") or query.get("sslmode"),
        "PGPASSFILE": query.get("passfile"),
    }
    kept = {name: inherited[name] for name in INHERITED if name in inherited}
    ours = {"LC_ALL": "C", "PGTZ": "UTC", "PGAPPNAME": "gongdao-keeping"}
    return kept | ours | {name: str(value) for name, value in told.items() if value}


async def run_program(
    argv: Sequence[str],
    *,
    url: str,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    while_waiting: Callable[[], None] = lambda: None,
) -> None:
    """Runs a client to its end; it is killed if we are, or give up waiting.

    Raises:
        KeepingError: it failed; the sentence has the first error it told. What follows that may quote rows: people.
    """
    with tempfile.TemporaryFile() as said:
        child = spawn_child(
            argv,
            death_signal=signal.SIGKILL,
            env=connection_environment(url, os.environ),
            stdin=stdin,
            stdout=stdout or said,
            stderr=said,
        )
        try:
            while child.poll() is None:
                while_waiting()
                await asyncio.sleep(POLL_S)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if child.returncode != 0:
            said.seek(0)
            raise KeepingError(
                f"{Path(argv[0]).name}: {_first_error(said.read(SAID_LIMIT_BYTES), child.returncode)}"
            )


def _first_error(said: bytes, status: int) -> str:
    lines = said.decode(errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line.lower()]
    return (errors or lines or [f"ended with status {status} and said nothing"])[0]
