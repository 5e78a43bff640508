"""How much memory a platform's HTTP workers have, as the system counts it. Linux; imports the standard library only."""

import os
from pathlib import Path

SERVER_MODULE = b"booking_api.server"


def worker_kib() -> int:
    """Resident memory of the largest HTTP worker among this process's descendants, in KiB.

    Raises:
        LookupError: none is running.
    """
    servers = [child for child in descendants(os.getpid()) if SERVER_MODULE in _words(child)]
    workers = [resident_kib(child) for server in servers for child in children(server)]
    if not workers:
        raise LookupError("no HTTP worker is running below this process")
    return max(workers)


def descendants(process: int) -> list[int]:
    """Processes below this one; those that end meanwhile are left out."""
    found = children(process)
    return found + [below for child in found for below in descendants(child)]


def children(process: int) -> list[int]:
    """The processes that this one has started, from any of its threads; none when it is gone."""
    told: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            told += map(int, listed.read_text().split())
        except OSError:
            continue  # the thread has ended
    return told


def resident_kib(process: int) -> int:
    """Resident memory; 0 when the process is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)


def _words(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
