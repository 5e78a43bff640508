"""One wave of clients: Locust, headless and in a process of its own, and the crash in the middle of it.

One process is all that two cores bear beside the servers: it makes several thousand requests a second. The locust
files work under `locust --processes` too, each process with its own journal.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from booking_api.cli import Unusable
from booking_api.embedded import spawn_child
from loadtest.plan import ARRIVALS_PER_S, PLAN_VARIABLE, Plan, write_plan
from loadtest.stage import Stage, end_child, kill_valkey, log_tail

LOCUST_FILES = Path(__file__).parent
GATHER_LIMIT_S = 90.0
"""From Locust's start to the opening: imports, tokens, the lobby; and people have to arrive there."""
STOP_TIMEOUT_S = 20
MARGIN_S = 30.0
POLL_S = 0.02


class Crash(msgspec.Struct, frozen=True):
    """Valkey's process, and when it was killed (milliseconds since 1970)."""

    process: int
    at_ms: int


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """A wave that is over; it opened at `opened_ms` (since 1970)."""

    name: str
    clients: int
    opened_ms: int
    crash: Crash | None = None


def run_wave(stage: Stage, plan: Plan, *, locust_file: str, kill_valkey_at_s: float | None = None) -> Wave:
    """Runs the clients to the end of the wave; kills Valkey so many seconds after its opening.

    Raises:
        Unusable: Locust failed, did not end in time, or had ended before the crash was due.
    """
    Path(plan.journal).mkdir(parents=True, exist_ok=True)
    log = Path(plan.journal) / f"{plan.wave}.log"
    plan_file = Path(plan.journal) / f"{plan.wave}.plan.json"
    write_plan(plan, plan_file)
    locust = spawn_child(
        [
            *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--loglevel", "WARNING"),
            *("--locustfile", str(LOCUST_FILES / locust_file), "--host", plan.url),
            *("--stop-timeout", str(STOP_TIMEOUT_S), "--exit-code-on-error", "0"),
        ],
        death_signal=signal.SIGTERM,
        env={**os.environ, PLAN_VARIABLE: str(plan_file)},
        log=log,
        cwd=Path(plan.journal),
    )
    try:
        crash = _watch(locust, stage, plan, kill_valkey_at_s=kill_valkey_at_s)
    finally:
        end_child(locust, timeout_s=STOP_TIMEOUT_S)
    opened_ms = plan.opened_at_ms()
    if locust.returncode != 0 or opened_ms is None:
        raise Unusable(f"Locust ended with status {locust.returncode}:\n{log_tail(log)}")
    if kill_valkey_at_s is not None and crash is None:
        raise Unusable(f"all clients had finished before Valkey was to be killed, {kill_valkey_at_s:g} s in")
    return Wave(name=plan.wave, clients=plan.clients, opened_ms=opened_ms, crash=crash)


def _watch(
    locust: subprocess.Popen[bytes], stage: Stage, plan: Plan, *, kill_valkey_at_s: float | None
) -> Crash | None:
    crash: Crash | None = None
    gather_s = GATHER_LIMIT_S + plan.clients / ARRIVALS_PER_S
    deadline = time.monotonic() + gather_s + plan.seconds + STOP_TIMEOUT_S + MARGIN_S
    while locust.poll() is None:
        if time.monotonic() > deadline:
            raise Unusable(
                f"Locust does not end; its log: {log_tail(Path(plan.journal) / f'{plan.wave}.log')}"
            )
        if kill_valkey_at_s is not None and crash is None and _open_for_s(plan) >= kill_valkey_at_s:
            crash = Crash(kill_valkey(stage), time.time_ns() // 1_000_000)
        time.sleep(POLL_S)
    return crash


def _open_for_s(plan: Plan) -> float:
    """Seconds since the opening; negative before it."""
    opened_ms = plan.opened_at_ms()
    return -1.0 if opened_ms is None else time.time() - opened_ms / 1000
