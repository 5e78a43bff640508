"""`gongdao serve` as a process: starts, serves, mends itself, drains, ends. Real servers, real HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

START_TIMEOUT_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(data: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "GONGDAO_DATA": str(data),
        "GONGDAO_PORT": str(free_port()),
        "GONGDAO_METRICS_PORT": str(free_port()),
        **more,
    }


class Serving:
    """A running `gongdao serve`."""

    def __init__(self, env: dict[str, str], *options: str) -> None:
        self.env = env
        self.process = subprocess.Popen(
            [sys.executable, "-m", "booking_api.cli", "serve", *options],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = f"http://127.0.0.1:{env['GONGDAO_PORT']}"
        self.lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self._reader.start()

    def wait_ready(self) -> None:
        self.poll(lambda: self.get("/health/ready").status_code == 200)

    def poll(self, good, timeout_s: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "".join(self.lines)
            try:
                if good():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("not in time:\n" + "".join(self.lines))

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=5)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(40)
        self._reader.join()
        self.process.stdout.close()
        return status


@pytest.fixture
def serve(tmp_path):
    started: list[Serving] = []

    def start(*options: str, data: Path | None = None, **more: str) -> Serving:
        started.append(Serving(environment(data or tmp_path / "data", **more), *options))
        return started[-1]

    yield start
    for serving in started:
        serving.end()


def gongdao(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "booking_api.cli", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_demo_is_browsable_at_once_and_audited_clean(serve):
    serving = serve("--demo")
    serving.wait_ready()
    pools = serving.get("/api/v1/pools").json()["pools"]
    assert pools
    assert all(pool["demo"] for pool in pools)
    metrics = httpx.get(f"http://127.0.0.1:{serving.env['GONGDAO_METRICS_PORT']}/metrics").text
    assert 'gongdao_request_seconds_count{method="GET",route="/api/v1/pools",status="200"}' in metrics
    audit = gongdao(serving.env, "audit", "--json")
    assert audit.returncode == 0, audit.stderr
    assert json.loads(audit.stdout) == {"clean": True, "findings": []}
    rebuilt = gongdao(serving.env, "rebuild", str(pools[0]["id"]))
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "epoch" in rebuilt.stdout
    assert serving.end(signal.SIGINT) == 0


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
        ["ps", "-o", "pid=,comm=", "--ppid", str(serving.process.pid)], capture_output=True, text=True, check=True
    )
    pids = {name: int(pid) for pid, name in (line.split(None, 1) for line in children.stdout.splitlines())}
    os.kill(pids["valkey-server"], signal.SIGKILL)
    serving.wait_ready()
    pool = serving.get("/api/v1/pools").json()["pools"][0]["id"]
    path = f"/api/v1/pools/{pool}/units?limit=1"
    serving.poll(lambda: serving.get(path).json()["units"][0]["free"] is not None)
    os.kill(pids["postgres"], signal.SIGKILL)
    serving.wait_ready()
    assert gongdao(serving.env, "audit").returncode == 0


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
    assert serving.end() == 0
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
    for command in ([], ["serve"], ["audit"], ["rebuild"], ["demo"]):
        told = gongdao(environment(tmp_path), *command, "--help")
        assert told.returncode == 0
        assert "Usage" in told.stdout
