"""Open pages that follow live counts, for real: a platform of its own, a hundred streams, and holds meanwhile."""

import json
import subprocess
import sys

import pytest

from loadtest.watchers import GROWTH_LIMIT_MIB, wrongs
from loadtest.watching import Latency, Watched

QUIET = Latency(100, 2.0, 5.0, 8.0)
GOOD = {
    "watchers": 100,
    "seconds": 3.0,
    "holds": 30,
    "refused": {},
    "events": 900,
    "start_mib": 120.0,
    "connected_mib": 130.0,
    "end_mib": 131.0,
    "late": 0,
    "lost": 0,
    "alone": QUIET,
    "during": QUIET,
}


@pytest.mark.slow
def test_every_watcher_sees_the_last_counts():
    command = [sys.executable, "-m", "loadtest.watchers", "--json", "--watchers", "100", "--seconds", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    seen = json.loads(run.stdout)
    assert (seen["late"], seen["lost"], seen["refused"]) == (0, 0, {})
    assert seen["events"] >= seen["watchers"]
    assert seen["during"]["requests"] > 0
    assert 0 < seen["start_mib"] < seen["end_mib"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"late": 1}, "have not seen the last counts"),
        ({"lost": 2}, "streams were lost"),
        ({"refused": {"503 busy": 3}}, "503 busy"),
        ({"end_mib": 130.0 + GROWTH_LIMIT_MIB + 1}, "grew by 17.0 MiB"),
        ({"holds": 0}, "nothing happened"),
    ],
)
def test_each_thing_that_is_not_as_it_should_be_is_named(changed, words):
    assert wrongs(Watched(**GOOD)) == []
    [told] = wrongs(Watched(**GOOD | changed))
    assert words in told


def test_more_watchers_than_a_worker_takes_are_refused_before_anything_starts():
    command = [sys.executable, "-m", "loadtest.watchers", "--watchers", "1000000"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
