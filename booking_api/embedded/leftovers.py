"""Find and end server processes that still run on a folder, ours or a killed predecessor's.

A pid in a file proves nothing: the number may have been given to another program since. A process is the
folder's server only if it bears the server program's name *and* works in that very folder (/proc/<pid>/cwd), or,
where the kernel will not show the folder of another account's process, carries the folder's tag in its title.

May import: standard library, `errors`.
"""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

from booking_api.embedded.errors import EmbeddedError

POLL_INTERVAL_S = 0.01
KILL_TIMEOUT_S = 10.0


def servers_in(folder: Path, *, names: Collection[str], tag: str | None) -> list[int]:
    """Pids of live processes named one of `names` that serve `folder`; zombies are not live.

    `tag` None: only those whose working folder the kernel shows us.
    """
    if not folder.exists():
        return []
    wanted = folder.stat()
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208 (thousands of names)
    return [pid for pid in pids if _name(pid) in names and _serves(pid, wanted, tag)]


def end_servers(
    folder: Path,
    *,
    names: Collection[str],
    tag: str | None,
    polite_signal: signal.Signals | None,
    timeout_s: float,
) -> list[int]:
    """End every server of the folder, politely first if a signal is given; returns the pids there were.

    The polite signal goes to processes whose parent is not of the same kind: PostgreSQL's children are ended by
    their postmaster. Raises EmbeddedError `will_not_die` when SIGKILL has not ended them after 10 s.
    """
    found = servers_in(folder, names=names, tag=tag)
    if found and polite_signal is not None:
        parents = set(found)
        for pid in found:
            if _parent(pid) not in parents:
                _send(pid, polite_signal)
        if _gone(folder, names=names, tag=tag, timeout_s=timeout_s, killing=False):
            return found
    if found and not _gone(folder, names=names, tag=tag, timeout_s=KILL_TIMEOUT_S, killing=True):
        left = servers_in(folder, names=names, tag=tag)
        raise EmbeddedError(
            "will_not_die",
            reason=f"Processes {left} still run on {folder} {KILL_TIMEOUT_S:g} s after SIGKILL.",
            remedy="They are likely waiting for a disk that does not answer; check the machine.",
        )
    return found


def _gone(folder: Path, *, names: Collection[str], tag: str | None, timeout_s: float, killing: bool) -> bool:
    deadline = time.monotonic() + timeout_s
    while left := servers_in(folder, names=names, tag=tag):
        if time.monotonic() > deadline:
            return False
        if killing:
            for pid in left:
                _send(pid, signal.SIGKILL)
        time.sleep(POLL_INTERVAL_S)
    return True


def _send(pid: int, number: signal.Signals) -> None:
    # It may end between being seen and being signalled, which is what was wanted.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # ended meanwhile, or hidden from us: then it is not ours either


def _serves(pid: int, wanted: os.stat_result, tag: str | None) -> bool:
    try:
        return os.path.samestat(Path(f"/proc/{pid}/cwd").stat(), wanted)
    except (FileNotFoundError, ProcessLookupError):
        return False  # ended meanwhile, or a zombie, which has no folder
    except PermissionError:
        # Another account's: a plain user has none there, root may lack only the right to look (CAP_SYS_PTRACE).
        return os.geteuid() == 0 and tag is not None and tag.encode() in _title(pid)


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # ended meanwhile


def _parent(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None  # ended meanwhile
    return int(status.rpartition(")")[2].split()[1])
