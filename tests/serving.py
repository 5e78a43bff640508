"""A `gongdao serve` of a test's own: a real process on free ports, and commands beside it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from tests.logs import LOGS
from tests.ports import ours

GONGDAO = [sys.executable, "-m", "booking_api.cli"]
START_TIMEOUT_S = 90
"""Of a machine whose cores others want as well; a start takes a few seconds."""
STOP_TIMEOUT_S = 40
COMMAND_TIMEOUT_S = 150
PORTS = ours(range(20_000, 32_000))
"""Below the ports the kernel hands out: probing one of those before anyone listens may connect to itself."""
PORT_ATTEMPTS = 50


def free_port() -> int:
    """A loopback port nobody listens on."""
    for _ in range(PORT_ATTEMPTS):
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port found")


def environment(data: Path, **more: str) -> dict[str, str]:
    """The environment of a serve on this data folder, and of commands beside it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GONGDAO_")}
    ports = {"GONGDAO_PORT": str(free_port()), "GONGDAO_METRICS_PORT": str(free_port())}
    return inherited | ports | {"GONGDAO_DATA": str(data)} | more


def gongdao(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    done = subprocess.run(
        [*GONGDAO, *words], env=env, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S
    )
    LOGS.take_error_output(done.stderr, of=" ".join(["gongdao", *words]))
    return done


def token_of(demo: str, account: str) -> dict[str, str]:
    """The header of one of the demo's people, where a demo is served at this address."""
    told = httpx.post(f"{demo}/demo/sign-in", json={"account": account}).json()
    return {"Authorization": f"Bearer {told['token']}"}


class Serving:
    """A running `gongdao serve`."""

    def __init__(self, data: Path, *options: str, **more: str) -> None:
        self.env = environment(data, **more)
        self.url = f"http://127.0.0.1:{self.env['GONGDAO_PORT']}"
        data.parent.mkdir(parents=True, exist_ok=True)
        self._log = data.with_suffix(".log").open("a+")
        self.process = subprocess.Popen(
            [*GONGDAO, "serve", *options], env=self.env, stdout=self._log, stderr=subprocess.STDOUT
        )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=5)

    def wait_ready(self) -> None:
        self.wait_until(lambda: self.get("/health/ready").status_code == 200)

    def wait_until(self, good: Callable[[], bool], timeout_s: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            with suppress(httpx.TransportError):  # not listening yet, or a worker is being replaced
                if good():
                    return
            time.sleep(0.05)
        raise AssertionError("not in time:\n" + self.said())

    def said(self) -> str:
        """What it has printed and logged."""
        return Path(self._log.name).read_text()

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Another command beside it."""
        return gongdao(self.env | more, *words)

    def stop(self, number: int | None = None) -> int:
        """Ends it in order; gives its exit status."""
        if self.process.poll() is None:
            self.process.terminate() if number is None else self.process.send_signal(number)
        status = self.process.wait(STOP_TIMEOUT_S)
        self._log.close()
        return status
