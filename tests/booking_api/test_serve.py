"""`gongdao serve` as a process: starts, serves, mends itself, drains, ends. Real servers, real HTTP."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.serving import Serving, environment, gongdao


@pytest.fixture
def serve(tmp_path):
    started: list[Serving] = []

    def start(*options: str, data: Path | None = None, **more: str) -> Serving:
        started.append(Serving(data or tmp_path / "data", *options, **more))
        return started[-1]

    yield start
    for serving in started:
        serving.stop()


def assert_eventually_in(line: str, url: str) -> None:
    """Counts reach the shared counters within a second or so."""
    deadline = time.monotonic() + 10
    while line not in (told := httpx.get(url).text):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)


def test_the_demo_is_browsable_at_once_and_audited_clean(serve):
    serving = serve("--demo")
    serving.wait_ready()
    pools = serving.get("/api/v1/pools").json()["pools"]
    assert pools
    assert all(pool["demo"] for pool in pools)
    counted = 'gongdao_requests_total{method="GET",route="/api/v1/pools",status="200"} 1.0'
    assert_eventually_in(counted, f"http://127.0.0.1:{serving.env['GONGDAO_METRICS_PORT']}/metrics")
    audit = serving.run("audit", "--json")
    assert audit.returncode == 0, audit.stderr
    assert json.loads(audit.stdout) == {"clean": True, "findings": []}
    rebuilt = serving.run("rebuild", str(pools[0]["id"]))
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "epoch" in rebuilt.stdout
    assert serving.stop(signal.SIGINT) == 0


def test_a_second_start_on_the_same_data_is_refused_in_one_line(serve):
    first = serve()
    first.wait_ready()
    second = gongdao(environment(Path(first.env["GONGDAO_DATA"])), "serve")
    assert second.returncode == 2
    assert len(second.stderr.strip().splitlines()) == 1
    assert str(first.process.pid) in second.stderr


def test_a_taken_port_is_told_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = environment(tmp_path / "data", GONGDAO_PORT=str(taken.getsockname()[1]))
        told = gongdao(env, "serve")
    assert told.returncode == 2
    assert "GONGDAO_PORT" in told.stderr
    assert not (tmp_path / "data").exists()


def test_killed_servers_come_back_and_health_names_what_is_down(serve):
    serving = serve("--demo")
    serving.wait_ready()
    children = subprocess.run(
        ["ps", "-o", "pid=,comm=", "--ppid", str(serving.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    pids = {name: int(pid) for pid, name in (line.split(None, 1) for line in children.stdout.splitlines())}
    os.kill(pids["valkey-server"], signal.SIGKILL)
    serving.wait_ready()
    pool = serving.get("/api/v1/pools").json()["pools"][0]["id"]
    path = f"/api/v1/pools/{pool}/units?limit=1"
    serving.wait_until(lambda: serving.get(path).json()["units"][0]["free"] is not None)
    os.kill(pids["postgres"], signal.SIGKILL)
    serving.wait_ready()
    assert serving.run("audit").returncode == 0


def test_a_stop_drains_the_requests_it_has_accepted(serve):
    serving = serve("--demo", GONGDAO_WORKERS="1")
    serving.wait_ready()
    answers: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=serving.url, timeout=20) as client:
            while not stop.is_set():
                try:
                    answers.append(client.get("/api/v1/pools").status_code)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    # A kept-alive connection may be closed between two requests; one that was sent is answered.
                    if "without sending" not in str(error):
                        answers.append(0)
                    return

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert serving.stop() == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert len(answers) > 8
    assert set(answers) == {200}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["audit"], "gongdao serve"),
        (["rebuild"], "--all"),
        (["rebuild", "x"], "x"),
        (["nothing"], "nothing"),
        (["audit", "--nothing"], "--nothing"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(tmp_path, arguments, names):
    told = gongdao(environment(tmp_path), *arguments)
    assert told.returncode == 2
    assert told.stdout == ""
    assert len(told.stderr.strip().splitlines()) == 1
    assert names in told.stderr


def test_every_command_has_help(tmp_path):
    for command in ([], ["serve"], ["audit"], ["rebuild"], ["backup"], ["restore"], ["demo"]):
        told = gongdao(environment(tmp_path), *command, "--help")
        assert told.returncode == 0
        assert "Usage" in told.stdout
