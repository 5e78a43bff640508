"""Hold and durable confirm over HTTP, everything on, against the bare routes of the same server in the same run.

Each round plays the floor's slice and then the real one, so that both see the same machine; the ratio printed is the
median over rounds. Goals: hold >= 0.45, confirm >= 0.35 of the floor; an API worker under 150 MB.
"""

import statistics
from collections.abc import Iterator

import pytest

from benchmarks import wire
from benchmarks.arena import Arena, arena, bearer, confirm_requests, hold_requests

ROUNDS = 9
SLICE = 1_500
CONNECTIONS = 256
SESSIONS = 50


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    accounts = (ROUNDS + 1) * 2 * SLICE
    with arena(
        tmp_path_factory.mktemp("arena"), accounts=accounts, sessions=SESSIONS, capacity=accounts
    ) as started:
        yield started


class Duel:
    """Rounds of floor and real one on slices of fresh accounts; keeps each round's ratio."""

    def __init__(self, running: Arena, first_account: int) -> None:
        self.running = running
        self.next_account = first_account
        self.floors: list[float] = []
        self.real: list[float] = []

    def accounts(self) -> range:
        """The next slice. Its clients have asked something before the rush opens: the worker knows their tokens."""
        taken = range(self.next_account, self.next_account + SLICE)
        self.next_account += SLICE
        asked = [
            wire.get("/api/v1/bookings?limit=1", headers=[bearer(self.running.tokens[n])]) for n in taken
        ]
        answers = wire.play(asked, port=self.running.port, connections=CONNECTIONS)
        assert answers.statuses == {200: SLICE}, answers.statuses
        return taken

    def play(self, requests: list[bytes]) -> wire.Answers:
        answers = wire.play(requests, port=self.running.port, connections=CONNECTIONS)
        assert answers.statuses == {201: SLICE}, answers.statuses
        return answers

    def report(self, benchmark, name: str) -> None:
        ratios = [real / floor for real, floor in zip(self.real, self.floors, strict=True)]
        benchmark.extra_info["ratio"] = round(statistics.median(ratios), 3)
        print(
            f"\n{name}: {statistics.median(self.real):,.0f}/s, floor {statistics.median(self.floors):,.0f}/s, "
            f"ratio {statistics.median(ratios):.2f} (rounds {min(ratios):.2f} to {max(ratios):.2f})"
        )


def test_hold(benchmark, running):
    duel = Duel(running, 0)

    def floor():
        accounts = duel.accounts()
        duel.floors.append(duel.play(hold_requests(running, accounts, path="/bare/holds")).per_s)
        return (hold_requests(running, accounts),), {}

    def real(requests):
        duel.real.append(duel.play(requests).per_s)

    benchmark.pedantic(real, setup=floor, rounds=ROUNDS, warmup_rounds=1)
    duel.report(benchmark, "hold")


def test_confirm(benchmark, running):
    duel = Duel(running, (ROUNDS + 1) * SLICE)

    def floor():
        accounts = duel.accounts()
        holds = duel.play(hold_requests(running, accounts)).bodies
        duel.floors.append(duel.play(confirm_requests(running, accounts, holds, prefix="/bare")).per_s)
        return (confirm_requests(running, accounts, holds),), {}

    def real(requests):
        duel.real.append(duel.play(requests).per_s)

    benchmark.pedantic(real, setup=floor, rounds=ROUNDS, warmup_rounds=1)
    duel.report(benchmark, "durable confirm")


def test_memory_of_a_worker_after_the_load(benchmark, running):
    megabytes = benchmark.pedantic(lambda: running.worker.memory_info().rss / 1e6, rounds=1)
    print(f"\nAPI worker: {megabytes:.0f} MB resident")
