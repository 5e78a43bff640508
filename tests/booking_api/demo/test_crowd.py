"""One client of a rush against a server that answers by script: what it repeats, what it gives up, what it reports."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from booking_api.demo import crowd
from booking_api.demo.crowd import Person, Scene, retry_after_s, take_part
from booking_api.demo.tally import Outcome, Tally, quantile
from booking_api.demo.wire import Connection, NoAnswerError, Origin

HELD = (201, {}, {"id": "hold-1", "expires_at_ms": 0})
BOOKED = (201, {}, {"id": "hold-1", "unit": 7})
HANG_UP = None
Scripted = tuple[int, dict[str, str], object] | None


def refusal(status: int, code: str, **headers: str) -> Scripted:
    return (
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        {"code": code, "detail": "no"},
    )


class Script:
    """A server that gives the next answer of its list to each request, whichever connection it comes on."""

    def __init__(self, *answers: Scripted) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError):  # the client has hung up
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                    await reader.readexactly(int(headers.get("content-length", 0)))
                    self.seen.append((head[0].removesuffix(" HTTP/1.1"), headers))
                    self.asked.set()
                    answer = self.answers.pop(0)
                    if answer is HANG_UP:
                        return
                    status, extra, content = answer
                    body = b"" if content is None else json.dumps(content).encode()
                    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
                    lines += [f"{name}: {value}" for name, value in extra.items()]
                    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        finally:
            writer.close()


@asynccontextmanager
async def scripted(*answers: Scripted) -> AsyncIterator[tuple[Script, Origin]]:
    script = Script(*answers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    try:
        yield script, Origin("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(crowd, "THINKING_S", 0.0)
    monkeypatch.setattr(crowd, "ARRIVAL_SPREAD_S", 0.0)
    monkeypatch.setattr(crowd, "CHANGE_OF_MIND_S", 0.0)
    monkeypatch.setattr(crowd, "RECONNECT_PAUSE_S", 0.0)
    monkeypatch.setattr(crowd, "SEAT_PATIENCE_S", 0.2)
    monkeypatch.setattr(crowd, "SEAT_JITTER_S", 0.0)
    monkeypatch.setattr(crowd, "ABANDON_SHARE", 0.0)


@pytest.fixture
def play() -> Callable:
    """Plays one client against a script; gives the tally and what the server saw."""

    async def run(*answers: Scripted, seats: int = 5, deadline_s: float = 30.0, free_later: bool = False):
        tally = Tally(clients=1, seats=seats)
        deadline = asyncio.get_running_loop().time() + deadline_s
        scene = Scene(pool=3, unit=7, seed=1, deadline=deadline, tally=tally)
        scene.gates.set()
        async with scripted(*answers) as (script, origin):
            connection = Connection(origin, source="127.0.0.1")
            client = asyncio.create_task(take_part(scene, Person(0, "token", None), connection))
            if free_later:
                await asyncio.sleep(0.1)
                scene.tell_free(1)
            await client
            assert script.answers == []
        return tally, script.seen

    return run


async def test_a_client_holds_and_confirms_with_a_key_of_its_own(play):
    tally, seen = await play(HELD, BOOKED)
    assert tally.outcomes == {Outcome.BOOKED: 1}
    assert tally.bookings == {"hold-1"}
    assert [request for request, _ in seen] == ["POST /api/v1/holds", "POST /api/v1/holds/hold-1/confirm"]
    assert seen[1][1]["idempotency-key"]
    assert seen[1][1]["authorization"] == "bearer token"


async def test_a_confirm_whose_answer_is_lost_is_repeated_with_the_same_key(play):
    tally, seen = await play(HELD, HANG_UP, refusal(503, "busy", retry_after="0"), BOOKED)
    assert tally.outcomes == {Outcome.BOOKED: 1}
    assert (tally.reconnects, tally.repeats) == (1, 2)
    assert len({headers["idempotency-key"] for _, headers in seen[1:]}) == 1


async def test_a_lost_hold_is_held_again_with_a_new_key(play):
    again = (201, {}, {"id": "hold-2", "expires_at_ms": 0})
    booked = (201, {}, {"id": "hold-2", "unit": 7})
    tally, seen = await play(HELD, refusal(409, "hold_lost"), again, booked)
    assert tally.outcomes == {Outcome.BOOKED: 1}
    assert tally.unexpected == []
    assert seen[1][1]["idempotency-key"] != seen[3][1]["idempotency-key"]


async def test_a_rate_limited_client_waits_as_long_as_it_is_told(play):
    started = asyncio.get_running_loop().time()
    tally, _ = await play(refusal(429, "rate_limited", retry_after="1"), HELD, BOOKED)
    assert asyncio.get_running_loop().time() - started >= 1.0
    assert tally.refused == {"rate_limited": 1}
    assert tally.outcomes == {Outcome.BOOKED: 1}


async def test_a_refused_client_leaves_when_no_seat_comes_back(play):
    tally, _ = await play(refusal(409, "full"))
    assert tally.outcomes == {Outcome.FULL: 1}


async def test_a_refused_client_tries_again_when_a_seat_comes_back(play):
    tally, _ = await play(refusal(409, "full"), HELD, BOOKED, free_later=True)
    assert tally.outcomes == {Outcome.BOOKED: 1}


async def test_a_client_that_changes_its_mind_gives_the_hold_back(play, monkeypatch):
    monkeypatch.setattr(crowd, "ABANDON_SHARE", 1.0)
    tally, seen = await play(HELD, (204, {}, None))
    assert tally.outcomes == {Outcome.LEFT: 1}
    assert (tally.released, tally.holding) == (1, 0)
    assert seen[1][0] == "DELETE /api/v1/holds/hold-1"


@pytest.mark.parametrize(
    "answers",
    [
        (refusal(500, "internal"),),
        (refusal(401, "token_invalid"),),
        (HELD, refusal(409, "already_confirmed")),
        ((502, {}, None),),
        (refusal(503, "something_else"),),
    ],
)
async def test_an_answer_that_a_rush_does_not_explain_is_reported(play, answers):
    tally, _ = await play(*answers)
    assert tally.outcomes == {Outcome.FAILED: 1}
    assert tally.unexpected_total == 1


async def test_a_booking_of_another_unit_is_reported(play):
    tally, _ = await play(HELD, (201, {}, {"id": "hold-1", "unit": 8}))
    assert tally.unexpected_total == 1


async def test_a_client_gives_up_at_the_deadline(play):
    tally, _ = await play(refusal(503, "busy", retry_after="5"), deadline_s=2.0)
    assert tally.outcomes == {Outcome.GAVE_UP: 1}


async def test_the_same_seed_has_the_same_people(play):
    def people(seed: int) -> list[float]:
        scene = Scene(pool=1, unit=1, seed=seed, deadline=0, tally=Tally(clients=1, seats=1))
        return [scene.chance(number, "abandons") for number in range(2_000)]

    assert people(1) == people(1)
    assert people(1) != people(2)
    assert 0.45 < sum(people(1)) / 2_000 < 0.55


async def test_a_cancelled_request_does_not_leave_its_answer_to_the_next():
    async with scripted((200, {}, {"n": 1}), (200, {}, {"n": 2})) as (script, origin):
        connection = Connection(origin, source=None)
        waiting = asyncio.create_task(connection.request("GET", "/first", headers={}))
        await script.asked.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        answer = await connection.request("GET", "/second", headers={})
        connection.close()
    assert json.loads(answer.body) == {"n": 2}
    assert connection.opened == 2


async def test_a_server_that_is_not_there_is_told():
    async with scripted() as (_, origin):
        pass
    with pytest.raises(NoAnswerError):
        await Connection(origin, source=None).request("GET", "/", headers={})


def test_quantiles_are_nearest_rank():
    times = [float(n) for n in range(1, 101)]
    assert [quantile(times, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50.0, 95.0, 99.0, 100.0]
    assert quantile([7.0], 0.5) == 7.0


@pytest.mark.parametrize(("told", "wait_s"), [("3", 3.0), ("999", 10.0), ("soon", 1.0), ("", 1.0)])
def test_retry_after_is_honoured_within_reason(told, wait_s):
    assert retry_after_s({"retry-after": told}) == wait_s
