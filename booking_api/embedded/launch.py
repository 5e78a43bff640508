"""The program between fork and server: drop the account, tie our life to the parent's, become the server.

Run as `python -I -S launch.py PARENT_PID SIGNAL UID GID COMMAND...` by `process.spawn_child`, never imported.
A program of its own because code run in a forked child of a threaded process may deadlock, and because the
unprivileged account may not be able to execute this Python: it is loaded before the account is dropped.
UID -1 keeps the account. May import: standard library only (it runs without site-packages).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EXIT_ORPHANED = 125
EXIT_CANNOT_EXECUTE = 127
# Python ignores SIGPIPE and SIGXFSZ, nohup SIGHUP, a shell's `&` SIGINT: an ignored signal outlives exec.
RESET_SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGPIPE", "SIGXFSZ", "SIGCHLD")


def drop_account(uid: int, gid: int) -> None:
    """Become uid and gid for good, with no supplementary group; does nothing for uid -1."""
    if uid == -1:
        return
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def die_with_parent(parent_pid: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent dies; leave now if it died before we could ask."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        sys.exit(EXIT_ORPHANED)


def main() -> None:
    """Steps in the only order that works: a change of account clears the death signal, exec keeps it."""
    parent_pid, death_signal, uid, gid = map(int, sys.argv[1:5])
    command = sys.argv[5:]
    try:
        drop_account(uid, gid)
        die_with_parent(parent_pid, death_signal)
        for name in RESET_SIGNALS:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvp(command[0], command)  # noqa: S606 (no shell is the point)
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]} as uid {uid}: {error}\n")
        sys.exit(EXIT_CANNOT_EXECUTE)


if __name__ == "__main__":
    main()
