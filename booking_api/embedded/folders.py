"""The folders of the embedded backends: the data folder, its locks, and where the sockets live.

    <data>/lock                 flock of the supervisor; names its pid
    <data>/postgres, .../18     a PostgreSQL cluster by major version; postgres.lock beside it
    <data>/valkey               Valkey's append-only files; valkey.lock beside it
    <data>/log/                 postgres.log, valkey.log
    <data>/run/<server>/        sockets, if the path is short enough and the server's account may get there,
                                else <temp>/gongdao-<tag>-<server>/

A lock is released by the kernel when its holder dies, so a crash leaves no lock behind, only a stale pid in it.

May import: standard library, `accounts`, `errors`.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from booking_api.embedded.accounts import Account, can_pass
from booking_api.embedded.errors import EmbeddedError

SOCKET_PATH_LIMIT_BYTES = 107
TAG_DIGITS = 12


class FolderLock:
    """Owns an exclusive flock on a file that says which process holds it.

    Programs we execute do not inherit it; a bare fork would share it, and keep it held beyond our death.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is opened before `acquire`."""
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock; does nothing when we have it. Raises EmbeddedError `folder_in_use`."""
        if self._handle is not None:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 32).decode(errors="replace").strip() or "(not yet written)"
            os.close(handle)
            raise EmbeddedError(
                "folder_in_use",
                reason=f"{self._path.parent} is in use by process {holder} (lock file {self._path.name}).",
                remedy=f"Stop that process (kill {holder}), or set GONGDAO_DATA to another folder.",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would let two holders lock two files."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def make_data_folder(data: Path) -> None:
    """Create the data folder, private; root's may be passed through, as its servers are another account's."""
    data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    (data / "log").mkdir(mode=0o700, exist_ok=True)


def make_owned_folder(folder: Path, account: Account | None, *, mode: int) -> None:
    """Create `folder` if need be and set its owner and mode, whatever the umask."""
    folder.mkdir(exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(mode)


def folder_tag(data: Path) -> str:
    """A short name for this very folder, to know its servers by; a copy of the folder has another."""
    status = data.stat()
    identity = f"{data}\0{status.st_dev}\0{status.st_ino}".encode()
    return f"gongdao-{hashlib.sha256(identity).hexdigest()[:TAG_DIGITS]}"


def make_socket_folder(data: Path, server: str, account: Account | None, *, socket_name: str) -> Path:
    """An empty private folder for the server's socket, short enough for a socket address.

    The caller holds the server's lock and has ended its leftovers, so whatever socket is in there is dead.
    Raises EmbeddedError `socket_folder_unsafe` when no place is short, reachable and ours.
    """
    inside = data / "run" / server
    if _fits(inside, socket_name):
        make_owned_folder(data / "run", None, mode=0o711 if account is not None else 0o700)
        if can_pass(data / "run", account):
            return _emptied(inside, account)
    name = f"{folder_tag(data)}-{server}"
    for place in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 (owner checked below)
        outside = Path(place, name)
        if _fits(outside, socket_name) and Path(place).is_dir() and can_pass(Path(place), account):
            return _emptied(outside, account)
    raise EmbeddedError(
        "socket_folder_unsafe",
        reason=f"No folder for a socket: {inside} is too long or out of the server's reach, so is {name} in temp.",
        remedy="Set GONGDAO_DATA to a path of less than 80 characters that every user may pass through.",
    )


def remove_socket_folder(folder: Path, data: Path) -> None:
    """Remove a socket folder outside the data folder; one inside stays for the next start."""
    if not folder.is_relative_to(data) and folder.exists():
        shutil.rmtree(folder)


def _fits(folder: Path, socket_name: str) -> bool:
    return len(os.fsencode(folder / socket_name)) <= SOCKET_PATH_LIMIT_BYTES


def _emptied(folder: Path, account: Account | None) -> Path:
    """Remake the folder with the server's account as owner and our group let in, nobody else.

    Under a temp folder the name may have been taken by someone else first: then refuse rather than trust it.
    """
    if folder.is_symlink() or folder.exists():
        status = folder.lstat()
        owners = {os.geteuid(), *(() if account is None else (account.uid,))}
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners or status.st_mode & 0o022:
            raise EmbeddedError(
                "socket_folder_unsafe",
                reason=f"{folder} exists, but is not a private folder of ours (uid {status.st_uid}).",
                remedy="Remove it, or set TMPDIR to another folder.",
            )
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    if account is not None:
        os.chown(folder, account.uid, os.getegid())
    folder.chmod(0o700 if account is None else 0o750)
    return folder
