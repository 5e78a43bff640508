"""Start child processes that die with us.

Each child gets its own session, so Ctrl-C in a terminal reaches only the supervisor, which stops things in
order; and a death signal (PR_SET_PDEATHSIG) that the kernel sends should we be killed. That signal is tied to
the *thread* that forked, not to the process: a child started from a short-lived thread would be killed when the
thread ends. So one thread per process, which never ends before the process does, does all the forking.

May import: standard library, `accounts`, `errors`.
"""

import contextlib
import functools
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from booking_api.embedded.accounts import Account
from booking_api.embedded.errors import EmbeddedError

LAUNCHER = Path(__file__).with_name("launch.py")
LOG_LIMIT_BYTES = 16 * 1024 * 1024
SPAWN_TIMEOUT_S = 30.0

_Job = Callable[[], subprocess.Popen[bytes]]


class _Spawner:
    """Owns the thread that forks."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[_Job, Future[subprocess.Popen[bytes]]]] = queue.SimpleQueue()
        # A daemon, so that it outlives atexit handlers: they may still want to stop the children in order.
        threading.Thread(target=self._serve, name="gongdao-spawner", daemon=True).start()

    def spawn(self, job: _Job) -> subprocess.Popen[bytes]:
        done: Future[subprocess.Popen[bytes]] = Future()
        self._jobs.put((job, done))
        return done.result(SPAWN_TIMEOUT_S)

    def _serve(self) -> None:
        while True:
            job, done = self._jobs.get()
            try:
                done.set_result(job())
            except Exception as error:  # noqa: BLE001 (belongs to the caller waiting on the future)
                done.set_exception(error)


@functools.cache
def _spawner(_pid: int) -> _Spawner:
    """One for each process: a forked child of ours has no such thread and needs its own."""
    return _Spawner()


def spawn_child(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals,
    user: Account | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Run `argv` as a child that receives `death_signal` when this process dies, however it dies.

    `user` (only for root) is the account to drop to, `env` replaces the environment, `log` is appended to with
    stdout and stderr (inherited without it), unless these have a file of their own. May be called from any thread.
    The pid is the program's own.
    A program that cannot be executed exits with 127 and says so in the log.
    Raises EmbeddedError `unsupported_platform` outside Linux, `spawn_failed` when no process can be made.
    """
    require_linux()
    account = user or Account(-1, -1)
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(death_signal))]
    command = [*launcher, str(account.uid), str(account.gid), *argv]
    with contextlib.ExitStack() as opened:
        output = opened.enter_context(_open_log(log)) if log is not None else None

        def fork() -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603 (argv is ours, no shell)
                command,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=output if stdout is None else stdout,
                stderr=output if stderr is None else stderr,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )

        try:
            return _spawner(os.getpid()).spawn(fork)
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(
                "spawn_failed",
                reason=f"Cannot start {argv[0]} with {sys.executable}: {error}.",
                remedy="Check that this Python can be executed and that the process limit is not reached.",
            ) from error


def require_linux() -> None:
    """Raise EmbeddedError `unsupported_platform` where children cannot be tied to their parent."""
    if sys.platform != "linux":
        raise EmbeddedError(
            "unsupported_platform",
            reason=f"Embedded backends need Linux (parent-death signals, /proc); this is {sys.platform}.",
            remedy="Set GONGDAO_DATABASE_URL and GONGDAO_VALKEY_URL to servers of your own.",
        )


def _open_log(path: Path) -> IO[bytes]:
    """Append to the log; one that outgrew the limit becomes `.1` first, so a log is bounded over restarts."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")
