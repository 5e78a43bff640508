"""A whole rush, for real: a platform of its own, Locust, the aftermath."""

import json
import subprocess
import sys

import pytest

TIMEOUT_S = 150


def rush(*arguments, kind="rush"):
    command = [sys.executable, "-m", "loadtest.run", kind, "--json", "--hold-ttl", "5", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


def answers(result):
    return {(answer["action"], answer["code"]) for answer in result["aftermath"]["answers"]}


@pytest.mark.fault
@pytest.mark.slow
def test_a_rush_gives_out_every_seat_once_though_valkey_is_killed_in_the_middle():
    result = rush("--clients", "150", "--seats", "40", "--kill-valkey-at", "1")
    aftermath = result["aftermath"]
    assert (aftermath["told_booked"], aftermath["stored_booked"]) == (40, 40)
    assert aftermath["differences"] == aftermath["audit"] == []
    assert result["waves"][0]["crash"]["process"] > 1
    assert result["back_after_s"] is not None


@pytest.mark.slow
def test_people_with_browsers_and_people_with_the_api_book_in_one_rush():
    """A page's button holds and its form confirms: a crowd that only looked at pages would have tested nothing.

    The limit per network is below what all clients ask for together: each must come from its own network.
    """
    asked = (
        "--clients",
        "150",
        "--seats",
        "40",
        "--page-share",
        "0.8",
        "--network-rate",
        "5/40",
        "--seconds",
        "12",
    )
    result = rush(*asked, kind="pages")
    aftermath = result["aftermath"]
    assert (aftermath["told_booked"], aftermath["stored_booked"], aftermath["capacity"]) == (40, 40, 40)
    assert ("hold", "full") in answers(result)
    assert aftermath["told_on_pages"] >= 1
    assert aftermath["differences"] == aftermath["audit"] == []
    assert not {code for _, code in answers(result)} - {"", "full"}


def test_locust_and_gevent_stay_in_processes_of_their_own():
    """Locust patches the standard library; the kernel's asyncio code must not share a process with it."""
    code = (
        "import sys, loadtest.run, loadtest.aftermath\n"
        "print([name for name in ('locust', 'gevent', 'geventhttpclient') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"


def test_a_platform_that_does_not_come_up_is_said_in_one_go(tmp_path):
    """Exit code 2, with the reason the platform gave, and no trace of Python's."""
    command = [sys.executable, "-m", "loadtest.run", "rush", "--clients", "1", "--account-rate", "nonsense"]
    command += ["--keep", str(tmp_path / "kept")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert run.returncode == 2
    assert "GONGDAO_ACCOUNT_RATE" in run.stderr
    assert "Traceback" not in run.stderr
