"""The embedded PostgreSQL: one cluster in a data folder, reached through a unix socket only.

May import: standard library, `accounts`, `binaries`, `cluster`, `errors`, `server`.
"""

import re
import signal
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from booking_api.embedded.accounts import Account, give
from booking_api.embedded.binaries import POSTGRES_MAJOR, POSTGRES_WHEEL, find_programs
from booking_api.embedded.cluster import (
    DATABASE,
    USER,
    ClusterTools,
    create_cluster,
    data_argument,
    remove_unfinished,
)
from booking_api.embedded.errors import EmbeddedError
from booking_api.embedded.folders import make_owned_folder
from booking_api.embedded.server import SERVER_ENVIRONMENT, EmbeddedServer

PROBE_TIMEOUT_S = 2.0
PROTOCOL_3_0 = 196608
DEFAULT_SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "min_wal_size": "80MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_destination": "stderr",
    # A DETAIL line would carry the values of the row that a constraint refused: people.
    "log_error_verbosity": "terse",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
}
OURS = frozenset({"cluster_name", "data_directory", "listen_addresses", "port", "unix_socket_directories"})


class PostgresServer(EmbeddedServer):
    """A PostgreSQL on `<data>/postgres/<major>`, with user and database `gongdao`.

    `settings` are added to (and win over) the defaults, as on the server's command line.
    """

    name: ClassVar[str] = "postgres"
    process_names: ClassVar[tuple[str, ...]] = ("postgres",)
    socket_name: ClassVar[str] = ".s.PGSQL.5432"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Raises EmbeddedError `bad_setting` for a name that is none or that only we may set."""
        super().__init__(data)
        extra = dict(settings or {})
        for key in extra:
            if key.lower() in OURS or not re.fullmatch(r"[A-Za-z_][\w.]*", key):
                raise EmbeddedError(
                    "bad_setting",
                    reason=f"PostgreSQL setting {key!r} cannot be given.",
                    remedy=f"Use a setting name other than {', '.join(sorted(OURS))}.",
                )
        self._settings = {**DEFAULT_SETTINGS, **extra}
        self._postgres = Path()

    @property
    def folder(self) -> Path:
        """The cluster; by major version, so another version's cluster is never opened by mistake."""
        return self.data / "postgres" / str(POSTGRES_MAJOR)

    @property
    def url(self) -> str:
        """For SQLAlchemy with asyncpg. Raises EmbeddedError `not_started` before the first start."""
        return f"postgresql+asyncpg://{USER}@/{DATABASE}?host={quote(str(self.sockets), safe='')}"

    def _prepare(self, account: Account | None) -> None:
        self._postgres, initdb = find_programs(POSTGRES_WHEEL, account)
        home = self.folder.parent
        # Root's own folder, which the server passes through on its way to the cluster.
        make_owned_folder(home, None, mode=0o700 if account is None else 0o711)
        remove_unfinished(self.folder)
        if not self.folder.exists():
            self._refuse_other_version(home)
            create_cluster(
                self.folder,
                ClusterTools(
                    postgres=self._postgres,
                    initdb=initdb,
                    account=account,
                    log=self.log,
                    env=SERVER_ENVIRONMENT,
                ),
            )
        give(self.folder, account)
        # Nothing runs here any more, so this can only be stale; PostgreSQL would take it for alive if its pid was
        # given to another program of the same account.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _refuse_other_version(self, home: Path) -> None:
        others = sorted(mark.parent.name for mark in home.glob("*/PG_VERSION"))
        if others:
            raise EmbeddedError(
                "cluster_version",
                reason=f"{home} holds the data of PostgreSQL {', '.join(others)}; this is {POSTGRES_MAJOR}.",
                remedy="Dump it with that version and restore it here, or set GONGDAO_DATA to another folder.",
            )

    def _argv(self, account: Account | None) -> list[str]:
        ours = {
            "cluster_name": self._tag,  # shown in every process title, see `leftovers`
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self.sockets),
        }
        argv = [str(self._postgres), "-D", data_argument(self.folder, account)]
        for key, value in {**self._settings, **ours}.items():
            argv += ["-c", f"{key}={value}"]
        return argv

    def _probe(self) -> str | None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(PROBE_TIMEOUT_S)
                connection.connect(str(self.sockets / self.socket_name))
                return _greet(connection)
        except OSError as error:
            return f"cannot connect: {error}"


def _greet(connection: socket.socket) -> str | None:
    """Sign in to the database as a client would; None once it is ready for a query."""
    parameters = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    connection.sendall(struct.pack("!ii", 8 + len(parameters), PROTOCOL_3_0) + parameters)
    with connection.makefile("rb") as answers:
        while len(header := answers.read(5)) == 5:
            kind, length = struct.unpack("!ci", header)
            body = answers.read(length - 4)
            if kind == b"Z":
                connection.sendall(struct.pack("!ci", b"X", 4))
                return None
            if kind == b"E":
                fields = {
                    field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field
                }
                return fields.get(b"M", "an error without a message")
    return "the connection was closed during sign-in"
