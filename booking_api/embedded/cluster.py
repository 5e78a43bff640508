"""Make a PostgreSQL cluster: initdb once, whole or not at all.

The cluster is built in `<major>.init-<random>` beside its final place, with its database, synced to disk and only
then renamed. A crash anywhere before the rename leaves such a folder, which the next start removes; none is ever
mistaken for a cluster. Both names are in one folder, so this works when that folder is a mount of its own.

May import: standard library, `accounts`, `errors`, `folders`, `leftovers`, `process`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from booking_api.embedded.accounts import Account, can_pass
from booking_api.embedded.errors import EmbeddedError
from booking_api.embedded.folders import make_owned_folder
from booking_api.embedded.leftovers import KILL_TIMEOUT_S, end_servers
from booking_api.embedded.process import spawn_child

INITDB_STEP_TIMEOUT_S = 120.0
INIT_MARK = ".init-"
DATABASE = "gongdao"
USER = "gongdao"
# The builtin C.UTF-8 sorts by code point whatever libc the machine has. Trust is safe: the only way in is a socket
# in a private folder.
INITDB_OPTIONS = (
    f"--username={USER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--no-sync",
)
WORKING_FOLDER = "/proc/self/cwd"


class ClusterTools(msgspec.Struct, frozen=True):
    """What making a cluster needs: programs, the account they run as, where they log, their environment."""

    postgres: Path
    initdb: Path
    account: Account | None
    log: Path
    env: Mapping[str, str]


def data_argument(cluster: Path, account: Account | None) -> str:
    """How to name the cluster to PostgreSQL, which is always started inside it.

    An account that may not pass through the folders above (root's data in /root) cannot use the path; but it may
    stay in the folder it was started in, and /proc/self/cwd names that one without walking down to it. So the data
    stays where it was asked to be, and there is no second place to know of.
    """
    return str(cluster) if can_pass(cluster.parent, account) else WORKING_FOLDER


def create_cluster(cluster: Path, tools: ClusterTools) -> None:
    """Build the cluster with its user and database and put it at `cluster`, which must not exist.

    Raises EmbeddedError `init_failed`.
    """
    building = Path(tempfile.mkdtemp(prefix=f"{cluster.name}{INIT_MARK}", dir=cluster.parent))
    try:
        make_owned_folder(building, tools.account, mode=0o700)
        _run([str(tools.initdb), "-D", WORKING_FOLDER, *INITDB_OPTIONS], building, tools)
        with tempfile.TemporaryFile() as statement:
            statement.write(f"CREATE DATABASE {DATABASE};\n".encode())
            statement.seek(0)
            single_user = [str(tools.postgres), "--single", "-D", WORKING_FOLDER, "-c", "exit_on_error=on"]
            _run([*single_user, "postgres"], building, tools, stdin=statement)
        _run([str(tools.initdb), "-D", WORKING_FOLDER, "--sync-only"], building, tools)
    except BaseException:
        remove_unfinished(cluster)
        raise
    # A crash before this line leaves a folder to be removed; after it, a cluster complete on disk.
    building.rename(cluster)
    _sync_folder(cluster.parent)


def remove_unfinished(cluster: Path) -> None:
    """Remove what starts that were cut short in initdb left beside `cluster`, ending whoever still writes there."""
    for unfinished in cluster.parent.glob(f"{cluster.name}{INIT_MARK}*"):
        # The tag is not in these processes' titles: where their folder is hidden from us, they end by themselves
        # when initdb does, which dies with its parent.
        end_servers(
            unfinished, names=("initdb", "postgres"), tag=None, polite_signal=None, timeout_s=KILL_TIMEOUT_S
        )
        shutil.rmtree(unfinished)


def _run(argv: Sequence[str], folder: Path, tools: ClusterTools, *, stdin: IO[bytes] | None = None) -> None:
    step = spawn_child(
        argv,
        death_signal=signal.SIGKILL,
        user=tools.account,
        env=tools.env,
        log=tools.log,
        cwd=folder,
        stdin=stdin,
    )
    try:
        status = step.wait(INITDB_STEP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        if step.poll() is None:
            step.kill()
            step.wait()
    if status != 0:
        took_too_long = f"took more than {INITDB_STEP_TIMEOUT_S:g} s"
        raise EmbeddedError(
            "init_failed",
            reason=f"Making the database failed: {Path(argv[0]).name} "
            f"{took_too_long if status is None else f'ended with status {status}'}.",
            remedy=f"See {tools.log}; nothing was left behind, so starting again tries again.",
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
