"""A `gongdao serve --demo` of this folder's own, and a way to run commands beside it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

START_TIMEOUT_S = 40
COMMAND_TIMEOUT_S = 150


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A running `gongdao serve`; `run` starts another command of it with the same environment."""

    def __init__(self, data: Path, *options: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("GONGDAO_")} | {
            "GONGDAO_DATA": str(data),
            "GONGDAO_PORT": str(port),
            "GONGDAO_METRICS_PORT": str(free_port()),
        }
        self.log = data.with_suffix(".log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "booking_api.cli", "serve", *options],
            env=self.env,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, Path(self.log.name).read_text()
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.1)
        raise AssertionError("not ready in time:\n" + Path(self.log.name).read_text())

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "booking_api.cli", *words],
            env=self.env | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)
        self.log.close()


def _running(data: Path, *options: str) -> Iterator[Running]:
    running = Running(data, *options)
    try:
        running.wait_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demo that runs."""
    yield from _running(tmp_path_factory.mktemp("demo") / "data", "--demo")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A platform that runs and is no demo."""
    yield from _running(tmp_path_factory.mktemp("plain") / "data")
