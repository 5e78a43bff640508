"""Many open pages that follow one pool's live counts, holds that change them, and somebody who asks ordinary questions.

The streams are one process, asyncio, HTTP/1.1 over loopback. Imports the demo's lean client.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import NamedTuple

import msgspec

from booking_api import clock
from booking_api.demo.tally import quantile
from booking_api.demo.wire import Answer, Connection, NoAnswerError, Origin
from booking_api.identity.tokens import issue_token, load_key
from loadtest.memory import worker_kib
from loadtest.stage import LOOPBACK, Stage

ALL_SEEN_TIMEOUT_S = 20.0
OPEN_TIMEOUT_S = 60.0
OPENED_AT_ONCE = 100
ACCOUNTS = 200
"""Each holds for a moment now and then, well within the limits of one account."""
HOLDERS = 4
HELD_S = 0.25
ASKED_EVERY_S = 0.05
SETTLED_S = 1.5
"""Two ticks of the counts and more: what was the last change has been told by then."""

Counts = dict[int, int | None]
Say = Callable[[str], None]


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds to the whole answer of an ordinary request."""

    requests: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Asked(NamedTuple):
    """The times of ordinary requests, and how many were refused."""

    latency: Latency
    refused: dict[str, int]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How it went. Memory is the worker's, resident, in MiB; `late` are watchers who have not seen the last counts."""

    watchers: int
    seconds: float
    holds: int
    refused: dict[str, int]
    events: int
    start_mib: float
    connected_mib: float
    end_mib: float
    late: int
    lost: int
    alone: Latency
    during: Latency

    @property
    def events_per_s(self) -> float:
        """All watchers' together."""
        return self.events / self.seconds

    @property
    def growth_mib(self) -> float:
        """What it grew while the streams were open and the counts changed."""
        return self.end_mib - self.connected_mib


class _Stretch(NamedTuple):
    """The time in which counts change: events, the worker's memory at both ends, ordinary requests."""

    seconds: float
    events: int
    connected_mib: float
    end_mib: float
    during: Latency


class Watcher:
    """One open page: what it has been told, as its browser would show it."""

    def __init__(self, origin: Origin, pool: int) -> None:
        self._connection = Connection(origin, source=None)
        self._path = f"/api/v1/pools/{pool}/availability"
        self.counts: Counts = {}
        self.events = 0
        self.lost = False
        self.opened = asyncio.Event()

    async def watch(self) -> None:
        """Follows the stream until it is cancelled, or lost."""
        # A stream that breaks and one that ends are the same to who follows it: lost, and counted so.
        with suppress(NoAnswerError):
            async for event, data in self._connection.events(self._path):
                if event == "availability":
                    self.events += 1
                    self.counts.update(msgspec.json.decode(data, type=Counts))
                    self.opened.set()
        self.lost = True
        self.opened.set()


class Play:
    """Owns what happens beside the watchers: holds that come and go, and ordinary requests."""

    def __init__(self, stage: Stage, pool: int, asker: Executor) -> None:
        self._asker = asker
        self.origin = Origin(LOOPBACK, int(stage.url.rpartition(":")[2]))
        self.pool = pool
        self.refused: Counter[str] = Counter()
        self.held = 0
        key, now_s = load_key(stage.key_file), clock.now_s()
        self._tokens = [
            issue_token(key, account=f"holder-{n}", now_s=now_s, life_s=86_400, verified=True)
            for n in range(ACCOUNTS)
        ]

    async def ask(self, seconds: float) -> Latency:
        """The times of ordinary requests for so many seconds."""
        loop = asyncio.get_running_loop()
        asked = await loop.run_in_executor(self._asker, ask_for, self.origin, self.pool, seconds)
        self.refused.update(asked.refused)
        return asked.latency

    async def units(self) -> Counts:
        """What there is now, asked as a page asks."""
        connection = Connection(self.origin, source=None)
        try:
            answer = await connection.request("GET", f"/api/v1/pools/{self.pool}/units?limit=500", headers={})
        finally:
            connection.close()
        return {unit["id"]: unit["free"] for unit in msgspec.json.decode(answer.body)["units"]}

    def begin_holding(
        self, group: asyncio.TaskGroup, units: list[int], *, per_s: float
    ) -> list[asyncio.Task[None]]:
        """So many holds a second, until cancelled."""
        return [
            group.create_task(self._hold(units[n:] + units[:n], first=n, per_s=per_s / HOLDERS))
            for n in range(HOLDERS)
        ]

    async def _hold(self, units: Sequence[int], *, first: int, per_s: float) -> None:
        """Holds a place and gives it back a moment later, again and again."""
        connection = Connection(self.origin, source=None)
        mine = range(first, ACCOUNTS, HOLDERS)
        turn = 0
        while True:
            began = time.monotonic()
            account, unit = mine[turn % len(mine)], units[turn % len(units)]
            turn += 1
            headers = {"Authorization": f"Bearer {self._tokens[account]}"}
            body = msgspec.json.encode({"pool": self.pool, "units": [unit]})
            answer = await connection.request("POST", "/api/v1/holds", headers=headers, body=body)
            if self._good(answer):
                self.held += 1
                hold = msgspec.json.decode(answer.body)["id"]
                await asyncio.sleep(HELD_S)
                self._good(await connection.request("DELETE", f"/api/v1/holds/{hold}", headers=headers))
            await asyncio.sleep(max(0.0, 1 / per_s - (time.monotonic() - began)))

    def _good(self, answer: Answer) -> bool:
        if answer.status < 400:
            return True
        self.refused[_refusal(answer)] += 1
        return False


def ask_for(origin: Origin, pool: int, seconds: float) -> Asked:
    """Asks for a page and for the API's list in turn, and notes how long each takes.

    In a process of its own: two thousand events that are read here come before an answer that is there already.

    Raises:
        NoAnswerError: one got no answer.
    """
    return asyncio.run(_ask(origin, pool, seconds))


async def _ask(origin: Origin, pool: int, seconds: float) -> Asked:
    connection, ends = Connection(origin, source=None), time.monotonic() + seconds
    paths = (f"/?pool={pool}", f"/api/v1/pools/{pool}/units?limit=50")
    times_ms: list[float] = []
    refused: Counter[str] = Counter()
    while time.monotonic() < ends:
        began = time.perf_counter()
        answer = await connection.request("GET", paths[len(times_ms) % 2], headers={})
        times_ms.append((time.perf_counter() - began) * 1_000)
        if answer.status >= 400:
            refused[_refusal(answer)] += 1
        await asyncio.sleep(ASKED_EVERY_S)
    connection.close()
    times_ms.sort()
    found = Latency(len(times_ms), quantile(times_ms, 0.5), quantile(times_ms, 0.99), times_ms[-1])
    return Asked(found, dict(refused))


def _refusal(answer: Answer) -> str:
    told = msgspec.json.decode(answer.body) if answer.headers.get("content-type", "").endswith("json") else {}
    return f"{answer.status} {told.get('code', '')}".strip()


async def watch_pool(
    stage: Stage,
    pool: int,
    asker: Executor,
    *,
    watchers: int,
    seconds: float,
    holds_per_s: float,
    say: Say,
) -> Watched:
    """Opens the streams, plays for so many seconds, and looks whether every watcher has seen the last counts.

    `asker` runs the ordinary requests, in a process of its own.

    Raises:
        NoAnswerError: an ordinary request got no answer.
        LookupError: the worker is gone.
    """
    play = Play(stage, pool, asker)
    units = list(await play.units())
    people = [Watcher(play.origin, pool) for _ in range(watchers)]
    async with asyncio.TaskGroup() as group:
        # (1) alone: what an ordinary request takes with the holds and nobody watching
        say("alone")
        holders = play.begin_holding(group, units, per_s=holds_per_s)
        alone, start_kib = await play.ask(min(10.0, seconds / 4)), worker_kib()
        # (2) everybody opens the page
        say(f"opening {watchers:,} streams")
        streams = await _open(group, people)
        # (3) the counts change
        say("counts change")
        stretch = await _follow(play, people, seconds)
        # (4) the last change is seen by everybody
        say("the last counts")
        for task in holders:
            task.cancel()
        late, lost = await _late(play, people), sum(one.lost for one in people)
        for task in streams:
            task.cancel()
    return Watched(
        watchers=watchers,
        holds=play.held,
        refused=dict(play.refused),
        start_mib=start_kib / 1024,
        late=late,
        lost=lost,
        alone=alone,
        **stretch._asdict(),
    )


async def _follow(play: Play, people: Sequence[Watcher], seconds: float) -> _Stretch:
    connected_kib, before = worker_kib(), sum(one.events for one in people)
    began = time.monotonic()
    latency = await play.ask(seconds)
    took_s, events = time.monotonic() - began, sum(one.events for one in people) - before
    return _Stretch(took_s, events, connected_kib / 1024, worker_kib() / 1024, latency)


async def _open(group: asyncio.TaskGroup, people: Sequence[Watcher]) -> list[asyncio.Task[None]]:
    """Opens every stream, some at once; each has its first counts then."""
    streams: list[asyncio.Task[None]] = []
    for first in range(0, len(people), OPENED_AT_ONCE):
        some = people[first : first + OPENED_AT_ONCE]
        streams += [group.create_task(one.watch()) for one in some]
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await asyncio.gather(*(one.opened.wait() for one in some))
    return streams


async def _late(play: Play, people: Sequence[Watcher]) -> int:
    """How many have not been told the counts that stand once nothing changes any more."""
    await asyncio.sleep(SETTLED_S)
    late = len(people)
    with suppress(TimeoutError):
        async with asyncio.timeout(ALL_SEEN_TIMEOUT_S):
            while late:
                last = await play.units()
                late = sum(one.counts != last for one in people)
                if late:
                    await asyncio.sleep(SETTLED_S)
    return late
