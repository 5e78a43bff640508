"""Start the embedded PostgreSQL and Valkey of a data folder, watch them, restart what dies, stop them in order.

The lock on the folder is the supervisor's; if it is killed, the kernel frees the lock and ends both servers
(`process`), and the next start ends whatever is still shutting down before it goes on.

May import: standard library, `errors`, `folders`, `postgres`, `server`, `valkey`.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from booking_api.embedded.errors import EmbeddedError
from booking_api.embedded.folders import FolderLock, make_data_folder
from booking_api.embedded.postgres import PostgresServer
from booking_api.embedded.server import READY_TIMEOUT_S, STOP_TIMEOUT_S, EmbeddedServer
from booking_api.embedded.valkey import ValkeyServer

WATCH_INTERVAL_S = 0.1
RESTART_LIMIT = 5
RESTART_WINDOW_S = 60.0
RESTART_DELAY_S = (
    0.1  # before the second restart in the window, doubled for each one more; the first is at once
)

logger = logging.getLogger("gongdao.embedded")


class _Restarts:
    """Owns the restarts of one server within the window."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: deque[float] = deque(maxlen=limit)

    def exhausted(self, now: float) -> bool:
        while self._times and now - self._times[0] > RESTART_WINDOW_S:
            self._times.popleft()
        return len(self._times) >= self._limit

    def due(self, now: float) -> bool:
        """Whether the pause after the latest restart is over."""
        return not self._times or now - self._times[-1] >= RESTART_DELAY_S * 2 ** (len(self._times) - 1)

    def count(self, now: float) -> None:
        self._times.append(now)


class Supervisor:
    """Owns the lock of a data folder, its two servers and the thread that watches them."""

    def __init__(
        self,
        data: Path,
        *,
        postgres_settings: Mapping[str, str] | None = None,
        valkey_config: Mapping[str, str] | None = None,
        restart_limit: int = RESTART_LIMIT,
        on_failure: Callable[[EmbeddedError], None] | None = None,
    ) -> None:
        """`on_failure` is called, on the watching thread, if a server had to be given up."""
        self.data = data.resolve()
        self.postgres = PostgresServer(data, settings=postgres_settings)
        self.valkey = ValkeyServer(data, config=valkey_config)
        self._lock = FolderLock(self.data / "lock")
        self._restarts: dict[EmbeddedServer, _Restarts] = {
            server: _Restarts(restart_limit) for server in (self.postgres, self.valkey)
        }
        self._on_failure = on_failure
        self._failure: EmbeddedError | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def database_url(self) -> str:
        """For SQLAlchemy. Raises EmbeddedError `not_started`."""
        return self.postgres.url

    @property
    def valkey_url(self) -> str:
        """For redis-py. Raises EmbeddedError `not_started`."""
        return self.valkey.url

    def start(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Take the lock, start both servers, wait until both answer, then watch.

        Raises EmbeddedError, e.g. `folder_in_use` with the holder's pid; nothing runs then.
        """
        try:
            make_data_folder(self.data)
            self._lock.acquire()
        except OSError as error:
            raise EmbeddedError(
                "folder_unusable",
                reason=f"Cannot use the data folder {self.data}: {error}.",
                remedy="Make it a folder this user may write to, or set GONGDAO_DATA to another one.",
            ) from error
        began = time.monotonic()
        self._failure = None
        try:
            # Valkey comes up while PostgreSQL's start, the longer one, is waited for.
            self.valkey.start()
            self.postgres.start()
            self.valkey.wait_ready(timeout_s)
            self.postgres.wait_ready(timeout_s)
        except BaseException:  # Ctrl-C too must not leave servers behind
            self.stop()
            raise
        logger.info("embedded backends ready in %.2f s under %s", time.monotonic() - began, self.data)
        self._stopping.clear()
        self._watcher = threading.Thread(target=self._watch, name="gongdao-supervisor", daemon=True)
        self._watcher.start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the watch, then Valkey, then PostgreSQL, each within `timeout_s` or by SIGKILL; free the lock."""
        self._stopping.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()  # on the watcher itself, in `on_failure`, there is nothing to wait for
        self._watcher = None
        try:
            self.valkey.stop(timeout_s)
        finally:
            try:
                self.postgres.stop(timeout_s)
            finally:
                self._lock.release()

    def _watch(self) -> None:
        while self._failure is None and not self._stopping.wait(WATCH_INTERVAL_S):
            for server, restarts in self._restarts.items():
                if not server.is_running():
                    self._revive(server, restarts)

    def _revive(self, server: EmbeddedServer, restarts: _Restarts) -> None:
        now = time.monotonic()
        if restarts.exhausted(now):
            self._give_up(server)
        elif restarts.due(now):
            restarts.count(now)
            logger.warning(
                "embedded %s ended with status %s, starting it again", server.name, server.exit_status
            )
            try:
                server.start()
            except EmbeddedError as error:  # counted: tried again until the limit is reached
                logger.warning("embedded %s could not be started: %s", server.name, error)

    def _give_up(self, server: EmbeddedServer) -> None:
        self._failure = EmbeddedError(
            "restarts_exhausted",
            reason=f"The embedded {server.name} keeps ending (status {server.exit_status}) and is given up.",
            remedy=f"See {server.log}, which ends:\n{server.log_tail()}",
        )
        logger.error("%s", self._failure)
        if self._on_failure is not None:
            self._on_failure(self._failure)


@contextmanager
def embedded_backends(
    data: Path,
    *,
    postgres_settings: Mapping[str, str] | None = None,
    valkey_config: Mapping[str, str] | None = None,
    on_failure: Callable[[EmbeddedError], None] | None = None,
) -> Generator[Supervisor, None, None]:
    """Run both servers on `data` for the length of the block; raises what `Supervisor.start` raises."""
    supervisor = Supervisor(
        data, postgres_settings=postgres_settings, valkey_config=valkey_config, on_failure=on_failure
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
