"""A disk so small that a test can fill it: a tmpfs of its own, for root on Linux. Imports the standard library, pytest."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler"
FILL_TRIES = 100


class SmallDisk:
    """Owns a mounted tmpfs and the file that fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / FILLER

    def free_bytes(self) -> int:
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def fill(self) -> int:
        """Takes every free block; gives how many bytes that were."""
        free = self.free_bytes()
        handle = os.open(self._filler, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for _ in range(FILL_TRIES):
                left = self.free_bytes()
                if left == 0:
                    break
                try:
                    os.posix_fallocate(handle, os.fstat(handle).st_size, left)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    # The server took some of it between our look and our grip.
        finally:
            os.close(handle)
        return free

    def empty(self) -> None:
        """Gives the room back."""
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, *, size_mb: int) -> Iterator[SmallDisk]:
    """A disk of this size mounted at `folder`. The test is skipped, and says why, where mounting is not permitted."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0711", "gongdao-test", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"NOT TESTED: a full disk needs the program mount: {error}")
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED: a full disk needs the right to mount a tmpfs: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
