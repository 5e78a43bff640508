"""What a PostgreSQL and a Valkey server under our care have in common: one child process on one data folder.

A server holds `<data>/<name>.lock` while it may run, so two owners never touch one folder, and starting may
end whatever a killed predecessor left running on it.

May import: standard library, `accounts`, `errors`, `folders`, `leftovers`, `process`.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from booking_api.embedded.accounts import Account, server_account
from booking_api.embedded.errors import EmbeddedError
from booking_api.embedded.folders import (
    FolderLock,
    folder_tag,
    make_data_folder,
    make_socket_folder,
    remove_socket_folder,
)
from booking_api.embedded.leftovers import end_servers
from booking_api.embedded.process import require_linux, spawn_child

READY_TIMEOUT_S = 60.0
READY_POLL_S = 0.01
STOP_TIMEOUT_S = 20.0
KILL_WAIT_S = 10.0
LEFTOVER_STOP_TIMEOUT_S = 10.0
LOG_TAIL_LINES = 15
LOG_TAIL_BYTES = 8192
# Nothing of the caller's environment (PGPORT, LD_PRELOAD, a locale) may change a server.
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

logger = logging.getLogger("gongdao.embedded")


class EmbeddedServer(ABC):
    """Owns one server process and its lock. Safe to use from several threads."""

    name: ClassVar[str]
    process_names: ClassVar[tuple[str, ...]]
    socket_name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data: Path) -> None:
        """Nothing is created or started before `start`."""
        self.data = data.resolve()
        self.log = self.data / "log" / f"{self.name}.log"
        self._lock = FolderLock(self.data / f"{self.name}.lock")
        self._guard = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None
        self._tag = "(not started)"

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where the server's data is; also its working folder."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect. Raises EmbeddedError `not_started` before the first start."""

    @abstractmethod
    def _prepare(self, account: Account | None) -> None:
        """Make the data folder fit to start on. Nothing runs on it, and the lock is held."""

    @abstractmethod
    def _argv(self, account: Account | None) -> list[str]:
        """The command line; the working folder is `folder`."""

    @abstractmethod
    def _probe(self) -> str | None:
        """None when the server answers as it should, else what it answered instead."""

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        """How the last process ended (negative: by that signal); None if it runs or never ran."""
        return None if self._child is None else self._child.poll()

    @property
    def sockets(self) -> Path:
        """The folder of the socket. Raises EmbeddedError `not_started` before the first start."""
        if self._sockets is None:
            raise EmbeddedError(
                "not_started",
                reason=f"The embedded {self.name} was not started.",
                remedy="Call start() first.",
            )
        return self._sockets

    def is_running(self) -> bool:
        """Whether the process lives; it may not be ready yet."""
        return self.pid is not None

    def start(self) -> None:
        """Start the server unless it runs; returns when it is spawned (see `wait_ready`).

        Raises EmbeddedError: `folder_in_use`, `folder_not_ours`, `folder_unusable`, `binary_missing`,
        `init_failed` and the others that name what is in the way.
        """
        require_linux()
        with self._guard:
            if self.is_running():
                return
            try:
                make_data_folder(self.data)
                self._lock.acquire()
                self._tag = folder_tag(self.data)
                self._spawn()
            except OSError as error:
                self._lock.release()
                raise EmbeddedError(
                    "folder_unusable",
                    reason=f"Cannot keep {self.name} under {self.data}: {error}.",
                    remedy="Make the folder writable with room on its disk, or set GONGDAO_DATA to another one.",
                ) from error
            except BaseException:
                self._lock.release()
                raise

    def _spawn(self) -> None:
        ended = self._end_leftovers(self.stop_signal)
        if ended:
            logger.warning("embedded %s: ended leftover processes %s of an earlier run", self.name, ended)
        account = server_account(self.folder)
        self._prepare(account)
        self._sockets = make_socket_folder(self.data, self.name, account, socket_name=self.socket_name)
        self._child = spawn_child(
            self._argv(account),
            death_signal=self.stop_signal,
            user=account,
            env=SERVER_ENVIRONMENT,
            log=self.log,
            cwd=self.folder,
        )

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until the server answers. Raises EmbeddedError `server_died` or `not_ready`, with the log's end."""
        deadline = time.monotonic() + timeout_s
        while True:
            if not self.is_running():
                raise EmbeddedError(
                    "server_died",
                    reason=f"The embedded {self.name} ended with status {self.exit_status} before it was ready.",
                    remedy=f"See {self.log}, which ends:\n{self.log_tail()}",
                )
            answer = self._probe()
            if answer is None:
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    "not_ready",
                    reason=f"The embedded {self.name} is not ready after {timeout_s:g} s: {answer}.",
                    remedy=f"See {self.log}, which ends:\n{self.log_tail()}",
                )
            time.sleep(READY_POLL_S)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the server in order, by SIGKILL if it takes longer than that; does nothing when it does not run."""
        with self._guard:
            child = self._child
            if child is not None and child.poll() is None:
                child.send_signal(self.stop_signal)
                try:
                    child.wait(timeout_s)
                except subprocess.TimeoutExpired:
                    logger.warning("embedded %s: not stopped after %g s, killing it", self.name, timeout_s)
            self.kill()
            if self._sockets is not None:
                remove_socket_folder(self._sockets, self.data)

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when the process and every child of it is gone.

        Raises EmbeddedError `will_not_die`.
        """
        with self._guard:
            child = self._child
            if child is None:
                return
            if child.poll() is None:
                child.kill()
                self._wait_killed(child)
            self._end_leftovers(None)
            self._lock.release()

    def _wait_killed(self, child: subprocess.Popen[bytes]) -> None:
        try:
            child.wait(KILL_WAIT_S)
        except subprocess.TimeoutExpired as error:
            raise EmbeddedError(
                "will_not_die",
                reason=f"The embedded {self.name} (process {child.pid}) runs {KILL_WAIT_S:g} s after SIGKILL.",
                remedy="It is likely waiting for a disk that does not answer; check the machine.",
            ) from error

    def _end_leftovers(self, polite_signal: signal.Signals | None) -> list[int]:
        return end_servers(
            self.folder,
            names=self.process_names,
            tag=self._tag,
            polite_signal=polite_signal,
            timeout_s=LEFTOVER_STOP_TIMEOUT_S,
        )

    def log_tail(self) -> str:
        """The last lines of the server's log, for error messages."""
        if not self.log.exists():
            return "(no log)"
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])
