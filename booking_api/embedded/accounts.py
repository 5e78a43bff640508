"""Which system account an embedded server runs as, and what that account may reach.

PostgreSQL refuses to run as root, and Valkey has no reason to. So when the supervisor is root, both servers run
as the owner of their data if that is not root, else as `postgres` if the machine knows it, else as `nobody`;
a plain user's servers run as that user. Reach is judged by the mode bits alone: where an access list grants
more than they say, the only cost is a copy of the binaries or a socket under the temp folder.

May import: standard library, msgspec, `errors`.
"""

import os
import pwd
from pathlib import Path

import msgspec

from booking_api.embedded.errors import EmbeddedError

PREFERRED_ACCOUNTS = ("postgres", "nobody")
UNPRIVILEGED_ID = 65534


class Account(msgspec.Struct, frozen=True):
    """A system account by its numbers; supplementary groups are always dropped."""

    uid: int
    gid: int


def server_account(folder: Path) -> Account | None:
    """The account for the server whose data is `folder` (which need not exist); None means our own.

    Raises EmbeddedError `folder_not_ours` when we are a plain user and the folder belongs to somebody else.
    """
    owner = folder.stat() if folder.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise EmbeddedError(
                "folder_not_ours",
                reason=f"{folder} belongs to uid {owner.st_uid}, but this process runs as uid {os.geteuid()}.",
                remedy="Run as that user, change the owner (chown -R), or set GONGDAO_DATA to another folder.",
            )
        return None
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in PREFERRED_ACCOUNTS:
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid)
    return Account(UNPRIVILEGED_ID, UNPRIVILEGED_ID)


def can_pass(folder: Path, account: Account | None) -> bool:
    """Whether the account may enter `folder` and every folder above it."""
    if account is None:
        return True
    real = folder.resolve()
    return all(_granted(step, 0o1, account) for step in (real, *real.parents))


def can_execute(path: Path, account: Account | None) -> bool:
    """Whether the account may get to `path` and read and execute (or enter) it."""
    if account is None:
        return True
    return _granted(path.resolve(), 0o5, account) and can_pass(path.resolve().parent, account)


def _granted(path: Path, bits: int, account: Account) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return status.st_mode >> 6 & bits == bits
    if status.st_gid == account.gid:
        return status.st_mode >> 3 & bits == bits
    return status.st_mode & bits == bits


def give(folder: Path, account: Account | None) -> None:
    """Make the account own `folder` and all in it, e.g. after root restored it from a copy."""
    if account is None:
        return
    _give_one(folder, account)
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _give_one(Path(here, name), account)


def _give_one(path: Path, account: Account) -> None:
    status = path.lstat()
    if (status.st_uid, status.st_gid) != (account.uid, account.gid):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
