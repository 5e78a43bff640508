"""One simulated person: an account with its own token and address, whose every answer goes into the journal.

Loaded by Locust's processes only. Imports Locust, gevent, joserfc through `booking_api.identity`.
"""

import functools
import itertools
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import User
from locust.env import Environment

from booking_api.identity.tokens import issue_token, load_key
from loadtest.connection import Answer, Connection
from loadtest.journal import BINDING, NO_ANSWER, Action, Journal, Line
from loadtest.plan import CLIENTS_PER_PROCESS, Plan, read_plan, source_address

TRIES_LIMIT = 40
"""How often one request is repeated when the answer was to try again."""
PAUSE_MAX_S = 5.0
NO_ANSWER_PAUSE_S = 1.0
AT_ONCE = 2
TOKEN_LIFE_MARGIN_S = 900
TRY_AGAIN = frozenset({"unavailable", "rebuilding", "busy", "rate_limited", NO_ANSWER})

PLAN: Plan = read_plan(os.environ)
_KEY = load_key(Path(PLAN.key_file))
_numbers = itertools.count()


@functools.cache
def _journal() -> Journal:
    """Opened with the first client, not on import: Locust forks its workers after that."""
    return Journal(Path(PLAN.journal), PLAN.wave)


class Client(User):
    """A person with a browser: asks, is told, waits when told to wait."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._arrive()

    def _arrive(self) -> None:
        process: int = getattr(self.environment.runner, "worker_index", 0)
        number = next(_numbers) + process * CLIENTS_PER_PROCESS
        self.account = f"{PLAN.wave}-{number}"
        self.chance = random.Random(PLAN.seed * 1_000_003 + number)
        token = issue_token(
            _KEY,
            account=self.account,
            now_s=int(time.time()),
            life_s=PLAN.seconds + TOKEN_LIFE_MARGIN_S,
            verified=True,
        )
        self._authorization = f"Bearer {token}"
        self._connection = Connection(PLAN.url, source=source_address(number), at_once=AT_ONCE)
        self._asked = itertools.count(1)

    def make_room(self) -> None:
        """This person leaves; another one, with an own account and address, comes."""
        self.on_stop()
        self._arrive()

    def on_stop(self) -> None:
        """Hangs up."""
        self._connection.close()

    # What a person can ask for, one request each

    def units(self) -> list[dict[str, Any]]:
        """The pool's units with their live counts; empty while that is not known."""
        answer = self.ask(Action.LOOK, "GET", f"/api/v1/pools/{PLAN.pool}/units?limit=500")
        return answer.body.get("units", [])

    def hold(self, unit: int) -> Answer:
        """A place in this unit, for some minutes."""
        body = {"pool": PLAN.pool, "units": [unit]}
        return self.ask(Action.HOLD, "POST", "/api/v1/holds", body=body, unit=unit)

    def release(self, hold: str, *, action: Action = Action.RELEASE) -> Answer:
        """Gives a hold back."""
        return self.ask(action, "DELETE", f"/api/v1/holds/{hold}", hold=hold)

    def confirm(self, hold: str, key: str, *, action: Action = Action.CONFIRM) -> Answer:
        """Books a hold."""
        return self.ask(action, "POST", f"/api/v1/holds/{hold}/confirm", hold=hold, key=key)

    def cancel(self, booking: str, *, action: Action = Action.CANCEL) -> Answer:
        """Ends a booking."""
        return self.ask(action, "POST", f"/api/v1/bookings/{booking}/cancel", booking=booking)

    def reschedule(self, booking: str, hold: str, *, action: Action = Action.RESCHEDULE) -> Answer:
        """Moves a booking to a hold."""
        path = f"/api/v1/bookings/{booking}/reschedule"
        return self.ask(action, "POST", path, body={"hold": hold}, booking=booking, hold=hold)

    def bookings(self) -> Answer:
        """My bookings."""
        return self.ask(Action.BOOKINGS, "GET", "/api/v1/bookings?limit=20")

    # How a person asks

    def insist(self, request: Any, *arguments: Any) -> Answer:
        """Repeats one request until it is answered, as long as Retry-After says and TRIES_LIMIT times at most."""
        answer: Answer = request(*arguments)
        for _ in range(TRIES_LIMIT):
            if answer.code not in TRY_AGAIN:
                break
            wait_s = answer.retry_after_s if answer.code != NO_ANSWER else NO_ANSWER_PAUSE_S
            gevent.sleep(min(wait_s, PAUSE_MAX_S) + self.chance.uniform(0.0, 0.5))
            answer = request(*arguments)
        return answer

    def twice(self, request: Any, *arguments: Any) -> Sequence[Answer]:
        """A double click: the same request twice at once."""
        clicks = [gevent.spawn(request, *arguments) for _ in range(AT_ONCE)]
        try:
            return [click.get() for click in clicks]
        finally:
            gevent.killall(clicks)

    def ask(
        self,
        action: Action,
        method: str,
        path: str,
        *,
        body: Any = None,
        unit: int = 0,
        hold: str = "",
        booking: str = "",
        key: str = "",
    ) -> Answer:
        """One request of the API."""
        headers = {"Authorization": self._authorization}
        if key:
            headers["Idempotency-Key"] = key
        content = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        about = self._about(action, unit=unit, hold=hold, booking=booking, key=key)
        return self._noted(
            about, method, lambda: self._connection.ask(method, path, body=content, headers=headers)
        )

    def _about(
        self, action: Action, *, unit: int = 0, hold: str = "", booking: str = "", key: str = ""
    ) -> Line:
        return Line(
            at_ms=_now_ms(),
            account=self.account,
            n=next(self._asked),
            action=action,
            pool=PLAN.pool,
            unit=unit,
            hold=hold,
            booking=booking,
            key=key,
        )

    def _noted(self, about: Line, method: str, send: Callable[[], Answer]) -> Answer:
        """Sends; noted before it is sent if it binds, and with its answer."""
        if about.action in BINDING:
            # A crash after this line leaves a request that may have been sent: its outcome counts as unknown.
            _journal().write(msgspec.structs.replace(about, asked=True))
        began = time.perf_counter()
        answer = send()
        took_ms = round((time.perf_counter() - began) * 1000, 3)
        _journal().write(_told(about, answer, took_ms=took_ms))
        self.environment.events.request.fire(
            request_type=method,
            name=f"{about.action} {answer.code or answer.status}",
            response_time=took_ms,
            response_length=len(answer.body),
            context={},
            exception=ConnectionError(NO_ANSWER) if answer.status == 0 else None,
        )
        return answer


def _told(about: Line, answer: Answer, *, took_ms: float) -> Line:
    body = answer.body if about.action is not Action.LOOK and about.action is not Action.BOOKINGS else {}
    # A refusal may name the hold one has; a success names what became of the request.
    named = body.get("hold", "") if answer.code == "another_hold" else body.get("id", "")
    return msgspec.structs.replace(
        about,
        at_ms=_now_ms(),
        status=answer.status,
        code=answer.code,
        why=answer.why,
        took_ms=took_ms,
        became=str(named) if answer.succeeded or answer.code == "another_hold" else "",
        unit=int(body["unit"]) if answer.succeeded and "unit" in body else about.unit,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
