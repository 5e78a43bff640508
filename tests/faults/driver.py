"""A warm process that forks one child for each case; the child does one act and strikes itself at one step of it.

Run as `python -m tests.faults.driver`. Reads a `Case` in JSON from each line of standard input and writes a `Fate` to
standard output. A child that stopped itself is continued by an empty line. Imports `acts`, `steps`, msgspec.
"""

import asyncio
import logging
import os
import signal
import sys
from typing import Any

import msgspec

from booking_api import clock
from booking_api.gate.limits import gate_library
from reservation import Kernel, database
from reservation.database import create_engine
from tests.faults.acts import Refused, act
from tests.faults.mutants import MUTANTS
from tests.faults.steps import Steps


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One act, and the steps at which `signal` strikes the process that does it (none: it is left alone).

    `mutant` names a guard that is switched off; `idle_limit_ms` replaces PostgreSQL's patience with silent sessions.
    """

    database_url: str
    valkey_url: str
    act: str
    given: dict[str, Any]
    at: tuple[int, ...] = ()
    late: bool = False
    signal: int = signal.SIGKILL
    mutant: str = ""
    idle_limit_ms: int | None = None


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the child. `answer` or `refused` is what its client heard before the strike, if anything."""

    killed: bool = False
    stopped: bool = False
    answer: dict[str, Any] | None = None
    refused: str | None = None
    steps: list[str] = []


async def run_case(case: Case, told: int) -> list[str]:
    """Does the act in this process; gives the names of its steps. The client's answer is written to `told`."""
    if case.idle_limit_ms is not None:
        database.IDLE_IN_TRANSACTION_TIMEOUT_MS = case.idle_limit_ms
    if case.mutant:
        MUTANTS[case.mutant]()
    kernel = Kernel(
        create_engine(case.database_url, connections=4),
        case.valkey_url,
        clock=clock.now_ms,
        libraries=[gate_library()],
    )
    await kernel.open()
    steps = Steps(kernel, at=case.at, late=case.late, strike=lambda: os.kill(os.getpid(), case.signal))
    try:
        answer: dict[str, Any] = {"answer": await act(kernel, case.act, case.given)}
    except Refused as refusal:
        answer = {"refused": refusal.code}
    os.write(told, msgspec.json.encode(answer) + b"\n")
    await kernel.close()
    return steps.names


def fork(case: Case) -> tuple[int, int]:
    """Starts the child; gives its pid and where it tells what its client heard."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    status = 1
    try:
        names = asyncio.run(run_case(case, writing))
        os.write(writing, msgspec.json.encode({"steps": names}) + b"\n")
        status = 0
    finally:
        # Not `sys.exit`: what the parent has buffered is the parent's to write.
        os._exit(status)


def wait(pid: int, reading: int) -> Fate:
    """Waits until the child ended or stopped itself.

    Raises:
        ChildProcessError: it failed in a way that was not asked for; its traceback is on standard error.
    """
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return Fate(stopped=True)
    with os.fdopen(reading, "rb") as lines:
        heard: dict[str, Any] = {}
        for line in lines:
            heard |= msgspec.json.decode(line)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and status != 0:
        raise ChildProcessError(f"the child ended with status {status}")
    return Fate(killed=killed, **heard)


def main() -> None:
    """Serves cases until standard input ends."""
    stopped: tuple[int, int] | None = None
    for line in sys.stdin.buffer:
        if stopped is not None:
            os.kill(stopped[0], signal.SIGCONT)
            child, stopped = stopped, None
        else:
            child = fork(msgspec.json.decode(line, type=Case))
        fate = wait(*child)
        if fate.stopped:
            stopped = child
        sys.stdout.buffer.write(msgspec.json.encode(fate) + b"\n")
        sys.stdout.buffer.flush()
    if stopped is not None:
        os.kill(stopped[0], signal.SIGKILL)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    main()
