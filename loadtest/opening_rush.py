"""Locustfile: everybody at the opening second.

Clients come to the lobby, look at the sessions, and hold at the opening second; then confirm, and go on until they
are booked or told that it is full. A few abandon what they hold, and patient ones wait for what comes back.
"""

import time
from typing import Any, ClassVar

import gevent
import gevent.event
from locust import LoadTestShape, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner

from loadtest.client import PLAN, Client
from loadtest.connection import Answer
from loadtest.plan import ARRIVALS_PER_S

LOBBY_S = 30.0
"""The opening does not wait longer for clients who are still coming."""
GATHER_LIMIT_S = 60.0
"""From Locust's start to the opening, however slow the machine is."""
UNITS_TRIED = 4
ROUNDS_LIMIT = 30
"""How often one person begins again: after a lost hold, or having waited for places to come back."""
THINK_S = (0.3, 2.5)
LOOK_AGAIN_S = (1.0, 3.0)
_ARRIVAL_S = PLAN.clients / ARRIVALS_PER_S


class _Lobby:
    """Owns the opening: how many have come, and the moment when the doors open."""

    def __init__(self) -> None:
        self.came = 0
        self.doors = gevent.event.Event()

    def open_when_full(self, runner: Runner) -> None:
        """Waits for the clients of this process, some of whom may have been sent home meanwhile."""
        deadline = time.monotonic() + LOBBY_S + _ARRIVAL_S
        while self.came < runner.user_count and time.monotonic() < deadline:
            gevent.sleep(0.05)
        if PLAN.opened_at_ms() is None:
            PLAN.opened_file.write_text(str(time.time_ns() // 1_000_000))
        self.doors.set()


_LOBBY = _Lobby()


@events.init.add_listener
def _await_spawning(environment: Environment, **_: Any) -> None:
    def all_spawned(**_: Any) -> None:
        runner = environment.runner
        if runner is not None and not isinstance(runner, MasterRunner) and not _LOBBY.doors.is_set():
            gevent.spawn(_LOBBY.open_when_full, runner)

    environment.events.spawning_complete.add_listener(all_spawned)


def _open_for_s() -> float:
    opened_ms = PLAN.opened_at_ms()
    return 0.0 if opened_ms is None else time.time() - opened_ms / 1000


class OpeningSpike(LoadTestShape):
    """All clients at once, until each has finished or the time is over."""

    abstract: ClassVar[bool] = False

    def tick(self) -> tuple[int, float] | None:
        """The same number all the time; None ends the test."""
        open_for_s = _open_for_s()
        finished = open_for_s > 0 and self.get_current_user_count() == 0
        if (
            finished
            or open_for_s > PLAN.seconds
            or self.get_run_time() > GATHER_LIMIT_S + _ARRIVAL_S + PLAN.seconds
        ):
            return None
        return PLAN.clients, float(PLAN.clients)


class Applicant(Client):
    """Wants one place, in whatever session."""

    @task
    def rush(self) -> None:
        """The whole rush of one person; never returns."""
        abandons = self.chance.random() < PLAN.abandoning_share
        patient = self.chance.random() < PLAN.patient_share
        key = f"{self.account}-key"
        gevent.sleep(self.chance.uniform(0.0, _ARRIVAL_S))
        seen = [int(unit["id"]) for unit in self.insist_on_units()]
        _LOBBY.came += 1
        _LOBBY.doors.wait()
        for _ in range(ROUNDS_LIMIT):
            if _open_for_s() > PLAN.seconds:
                break
            held = self.hold_somewhere(seen)
            if held is None and (not patient or (seen := self.wait_for_free()) is None):
                break
            if held is not None and abandons:
                self.abandon(held)
                break
            if held is not None and self.book(held, key):
                break
        raise StopUser

    def insist_on_units(self) -> list[dict[str, Any]]:
        """The units, once they can be had."""
        for _ in range(ROUNDS_LIMIT):
            if units := self.units():
                return units
            gevent.sleep(self.chance.uniform(*LOOK_AGAIN_S))
        return []

    def hold_somewhere(self, units: list[int]) -> str | None:
        """A hold's id; None when every unit one tried was full."""
        for unit in self.chance.sample(units, min(len(units), UNITS_TRIED)):
            answer = self.insist(self.hold, unit)
            if answer.succeeded:
                return str(answer.body["id"])
            if answer.code == "another_hold":
                # An earlier answer was lost on its way; the hold it spoke of is still ours.
                return str(answer.body["hold"])
            if answer.code != "full":
                return None
        return None

    def wait_for_free(self) -> list[int] | None:
        """Looks again after a while: the units with free places. None: every place is booked, nothing comes back."""
        gevent.sleep(self.chance.uniform(*LOOK_AGAIN_S))
        units = self.units()
        if units and all(unit["booked"] >= unit["capacity"] for unit in units):
            return None
        return [int(unit["id"]) for unit in units if unit["free"]]

    def book(self, hold: str, key: str) -> bool:
        """Confirms with one key until it is known. False: the hold is lost, begin again."""
        gevent.sleep(self.chance.uniform(*THINK_S))
        answer: Answer = self.insist(self.confirm, hold, key)
        if answer.code == "full":
            # Lost with Valkey's data and given to another; the hold itself is still ours to give back.
            self.insist(self.release, hold)
        return answer.code not in {"full", "hold_lost"}

    def abandon(self, hold: str) -> None:
        """Half give the place back, half just close the page."""
        gevent.sleep(self.chance.uniform(*THINK_S))
        if self.chance.random() < 0.5:
            self.insist(self.release, hold)
