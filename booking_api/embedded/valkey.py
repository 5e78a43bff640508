"""The embedded Valkey: append-only data in a folder, reached through a unix socket (or a loopback port for tests).

May import: standard library, `accounts`, `binaries`, `errors`, `folders`, `server`.
"""

import io
import re
import shlex
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from booking_api.embedded.accounts import Account, give
from booking_api.embedded.binaries import VALKEY_WHEEL, find_programs
from booking_api.embedded.errors import EmbeddedError
from booking_api.embedded.folders import make_owned_folder
from booking_api.embedded.server import EmbeddedServer

PROBE_TIMEOUT_S = 2.0
LOOPBACK = "127.0.0.1"
DEFAULT_CONFIG: Mapping[str, str] = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "loglevel": "notice",
}
OURS = frozenset(
    {
        "bind",
        "daemonize",
        "dir",
        "logfile",
        "port",
        "proc-title-template",
        "supervised",
        "unixsocket",
        "unixsocketperm",
    }
)


class ValkeyServer(EmbeddedServer):
    """A Valkey on `<data>/valkey`.

    `config` is added to (and wins over) the defaults; a value is split into arguments as a shell would. With `port`
    it listens on 127.0.0.1 at that port instead of a socket, for clusters of a test.
    """

    name: ClassVar[str] = "valkey"
    process_names: ClassVar[tuple[str, ...]] = ("valkey-server",)
    socket_name: ClassVar[str] = "valkey.sock"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(
        self, data: Path, *, config: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        """Raises EmbeddedError `bad_setting` for a name that is none or that only we may set."""
        super().__init__(data)
        extra = dict(config or {})
        for key in extra:
            if key.lower() in OURS or not re.fullmatch(r"[A-Za-z][\w-]*", key):
                raise EmbeddedError(
                    "bad_setting",
                    reason=f"Valkey setting {key!r} cannot be given.",
                    remedy=f"Use a setting name other than {', '.join(sorted(OURS))}.",
                )
        self._config = {**DEFAULT_CONFIG, **extra}
        self._port = port
        self._program = Path()

    @property
    def folder(self) -> Path:
        """Where the append-only files are."""
        return self.data / "valkey"

    @property
    def url(self) -> str:
        """For redis-py. Raises EmbeddedError `not_started` before the first start, unless it has a port."""
        if self._port is not None:
            return f"redis://{LOOPBACK}:{self._port}"
        return f"unix://{quote(str(self.sockets / self.socket_name))}"

    def _prepare(self, account: Account | None) -> None:
        (self._program,) = find_programs(VALKEY_WHEEL, account)
        make_owned_folder(self.folder, account, mode=0o700)
        give(self.folder, account)

    def _argv(self, account: Account | None) -> list[str]:  # noqa: ARG002 (same for every account)
        # No `dir`: it works in the folder it is started in, which its account may not be able to reach by path.
        argv = [str(self._program), "--proc-title-template", f"{{title}} {{listen-addr}} {self._tag}"]
        if self._port is None:
            socket_path = str(self.sockets / self.socket_name)
            argv += ["--port", "0", "--unixsocket", socket_path, "--unixsocketperm", "700"]
        else:
            argv += ["--port", str(self._port), "--bind", LOOPBACK]
        for key, value in self._config.items():
            argv += [f"--{key}", *(shlex.split(value) or [""])]
        return argv

    def _probe(self) -> str | None:
        """Ask for the process id too: on a port, somebody else's Valkey may answer while ours fails to bind."""
        try:
            with self._connect() as connection, connection.makefile("rwb") as stream:
                facts = _info(stream)
        except OSError as error:
            return f"cannot connect: {error}"
        if facts.get("process_id") != str(self.pid):
            return f"answered by process {facts.get('process_id')}: {facts.get('error', 'not ours')}"
        return None if facts.get("loading") == "0" else "loading its data"

    def _connect(self) -> socket.socket:
        if self._port is not None:
            return socket.create_connection((LOOPBACK, self._port), PROBE_TIMEOUT_S)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(PROBE_TIMEOUT_S)
        try:
            connection.connect(str(self.sockets / self.socket_name))
        except OSError:
            connection.close()
            raise
        return connection


def _info(stream: io.BufferedRWPair) -> dict[str, str]:
    """Valkey's own facts, or its complaint under the name `error`."""
    stream.write(b"INFO server persistence\r\n")
    stream.flush()
    head = stream.readline()
    if not head.startswith(b"$"):
        return {"error": head.decode(errors="replace").strip() or "closed the connection"}
    lines = stream.read(int(head[1:])).decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
