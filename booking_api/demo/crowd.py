"""One client of an opening rush, over real HTTP: hold, think, confirm; or let go; try again while there is hope.

What a client does is read off a digest of the seed and its number, never off the clock, so that two rushes with one
seed have the same people in them. May import `demo.wire` and `demo.tally`.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from booking_api.demo.tally import Outcome, Tally
from booking_api.demo.wire import Answer, Connection, NoAnswerError

ARRIVAL_SPREAD_S = 0.5
THINKING_S = 0.4
CHANGE_OF_MIND_S = 1.5
ABANDON_SHARE = 0.04
SEAT_PATIENCE_S = 6.0
SEAT_JITTER_S = 0.3
RECONNECT_PAUSE_S = 0.2
RETRY_AFTER_DEFAULT_S = 1.0
RETRY_AFTER_MOST_S = 10.0

PASSING = frozenset({"rebuilding", "busy", "unavailable", "rate_limited"})
"""Refusals that ask to come again; the server's Retry-After says when."""


class Problem(msgspec.Struct, frozen=True):
    """What the crowd needs to know of a problem document."""

    code: str
    detail: str = ""


class _Held(msgspec.Struct, frozen=True):
    id: str


class _Booked(msgspec.Struct, frozen=True):
    id: str
    unit: int


class Person(NamedTuple):
    """One client: its number in the crowd, its token, and the address it calls from."""

    number: int
    token: str
    source: str | None


class Scene:
    """What the clients of one rush share. `deadline` is of the loop's clock; `gates` opens the rush."""

    def __init__(self, *, pool: int, unit: int, seed: int, deadline: float, tally: Tally) -> None:
        self.pool = pool
        self.unit = unit
        self.seed = seed
        self.deadline = deadline
        self.tally = tally
        self.gates = asyncio.Event()
        self._news = asyncio.Event()

    def chance(self, number: int, what: str) -> float:
        """A number in [0, 1) that belongs to this client and question for good."""
        digest = hashlib.blake2b(f"{self.seed}/{number}/{what}".encode(), digest_size=6).digest()
        return int.from_bytes(digest) / 2**48

    def tell_free(self, free: int | None) -> None:
        """The live count, as every open page sees it. Wakes those who wait for a seat."""
        self.tally.free = free
        if free:
            self._wake()

    def tell_booked(self, booking_id: str) -> None:
        """A client was told of its booking. When the last seat is booked, nobody waits any longer."""
        self.tally.bookings.add(booking_id)
        if self.sold_out:
            self._wake()

    @property
    def sold_out(self) -> bool:
        """Every seat there was is booked."""
        return len(self.tally.bookings) >= self.tally.seats

    async def seat_came_back(self) -> bool:
        """Waits for the live count to show a seat; False when all are booked, or patience or time is over."""
        if self.sold_out:
            return False
        patience_s = min(SEAT_PATIENCE_S, self.time_left_s)
        try:
            await asyncio.wait_for(self._news.wait(), max(0.0, patience_s))
        except TimeoutError:
            return False
        return not self.sold_out

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @property
    def time_left_s(self) -> float:
        """Seconds until everybody gives up."""
        return self.deadline - asyncio.get_running_loop().time()


class TimeIsUpError(Exception):
    """The rush's deadline passed while the server still asked to come again."""


async def take_part(scene: Scene, person: Person, connection: Connection) -> None:
    """One client from the opening to its outcome, which is tallied."""
    await scene.gates.wait()
    await asyncio.sleep(scene.chance(person.number, "arrival") * ARRIVAL_SPREAD_S)
    scene.tally.arrived += 1
    try:
        outcome = await _rush(scene, person, connection)
    except TimeIsUpError:
        outcome = Outcome.GAVE_UP
    finally:
        connection.close()
    scene.tally.outcomes[outcome] += 1


async def _rush(scene: Scene, person: Person, connection: Connection) -> Outcome:
    body = msgspec.json.encode({"pool": scene.pool, "units": [scene.unit]})
    fickle = scene.chance(person.number, "abandons") < ABANDON_SHARE
    while True:
        answer = await _ask(scene, person, connection, "hold", path="/api/v1/holds", body=body)
        if answer.status not in {200, 201}:
            if _refused(scene, "hold", answer) != "full":
                return Outcome.FAILED
            if not await scene.seat_came_back():
                return Outcome.FULL
            await asyncio.sleep(scene.chance(person.number, "jitter") * SEAT_JITTER_S)
            continue
        hold_id = msgspec.json.decode(answer.body, type=_Held).id
        scene.tally.held += 1
        scene.tally.holding += 1
        try:
            if fickle:
                return await _let_go(scene, person, connection, hold_id)
            outcome = await _confirm(scene, person, connection, hold_id)
        finally:
            scene.tally.holding -= 1
        if outcome is not None:
            return outcome


async def _confirm(scene: Scene, person: Person, connection: Connection, hold_id: str) -> Outcome | None:
    """Books the hold; None when it was lost, and the client holds again."""
    await asyncio.sleep(scene.chance(person.number, "thinks") * THINKING_S)
    # One key per hold, the same on every repeat: however often it is sent, it books once.
    headers = {"Idempotency-Key": f"rush-{hold_id}"}
    path = f"/api/v1/holds/{hold_id}/confirm"
    answer = await _ask(scene, person, connection, "confirm", path=path, headers=headers)
    if answer.status == 201:
        booked = msgspec.json.decode(answer.body, type=_Booked)
        if booked.unit != scene.unit or booked.id in scene.tally.bookings:
            scene.tally.surprise(f"confirm answered booking {booked.id} of unit {booked.unit}")
        scene.tell_booked(booked.id)
        return Outcome.BOOKED
    return None if _refused(scene, "confirm", answer) == "hold_lost" else Outcome.FAILED


async def _let_go(scene: Scene, person: Person, connection: Connection, hold_id: str) -> Outcome:
    await asyncio.sleep(scene.chance(person.number, "changes its mind") * CHANGE_OF_MIND_S)
    path = f"/api/v1/holds/{hold_id}"
    answer = await _ask(scene, person, connection, "release", method="DELETE", path=path)
    if answer.status == 204:
        scene.tally.released += 1
        return Outcome.LEFT
    # A release whose first answer was lost finds nothing to release: gone is what was wanted.
    return Outcome.LEFT if _refused(scene, "release", answer) == "hold_lost" else Outcome.FAILED


def _refused(scene: Scene, step: str, answer: Answer) -> str:
    """Counts a refusal; gives its code, after noting as a surprise what a rush does not explain."""
    code = _problem(answer).code
    scene.tally.refused[code] += 1
    if code != ("full" if step == "hold" else "hold_lost"):
        scene.tally.surprise(f"{step}: {answer.status} {code} {_problem(answer).detail}".strip())
    return code


def _problem(answer: Answer) -> Problem:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except msgspec.DecodeError:
        return Problem(code=f"http_{answer.status}")


async def _ask(
    scene: Scene,
    person: Person,
    connection: Connection,
    step: str,
    *,
    method: str = "POST",
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """Sends a request until it has an answer that is final: repeats after a lost connection, waits as told on 503 and 429.

    Raises:
        TimeIsUpError: the deadline would pass before the next try.
    """
    sent = {"Authorization": f"Bearer {person.token}", **(headers or {})}
    while True:
        started = time.perf_counter()
        try:
            answer = await connection.request(method, path, headers=sent, body=body)
        except NoAnswerError:
            scene.tally.reconnects += 1
            wait_s = RECONNECT_PAUSE_S
        else:
            scene.tally.answered(step, (time.perf_counter() - started) * 1000)
            if answer.status not in {429, 503}:
                return answer
            code = _problem(answer).code
            if code not in PASSING:
                return answer
            scene.tally.refused[code] += 1
            wait_s = retry_after_s(answer.headers)
        # Spread over a second, lest all who were refused together come back together.
        wait_s += scene.chance(person.number, f"retry {scene.tally.repeats}")
        if wait_s > scene.time_left_s:
            raise TimeIsUpError
        scene.tally.repeats += 1
        await asyncio.sleep(wait_s)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds to wait as the answer says, within RETRY_AFTER_MOST_S.

    >>> retry_after_s({"retry-after": "2"}), retry_after_s({}), retry_after_s({"retry-after": "86400"})
    (2.0, 1.0, 10.0)
    """
    told = headers.get("retry-after", "")
    wait_s = float(told) if told.isascii() and told.isdigit() else RETRY_AFTER_DEFAULT_S
    return min(wait_s, RETRY_AFTER_MOST_S)
