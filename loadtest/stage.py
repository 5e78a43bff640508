"""A `gongdao serve` of one's own for the length of a load test: temporary data, free ports, loopback only.

Everything started here dies with us (`spawn_child`), and nothing else is ever signalled: the Valkey to be killed is
the one whose working folder is in our own data folder.
"""

import errno
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from booking_api.cli import Unusable
from booking_api.cli.surroundings import ADDRESSES_FILE, Addresses
from booking_api.embedded import spawn_child

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 5.0
POLL_S = 0.05
PORTS = (20_000, 32_000)
LOG_TAIL_LINES = 15
SERVE = "from booking_api.cli import main; main()"


class Stage(msgspec.Struct, frozen=True):
    """A running platform: its data folder, where it answers and its servers' addresses."""

    data: Path
    url: str
    addresses: Addresses

    @property
    def key_file(self) -> Path:
        """The key its tokens are signed with."""
        return self.data / "keys" / "token.jwk"


@contextmanager
def running_stage(folder: Path, *, limits: Mapping[str, str]) -> Generator[Stage]:
    """Serves on `folder/data` until the block ends. `limits` are further settings, e.g. the rate limits.

    Raises:
        Unusable: it does not come up; the end of its log says why.
    """
    data, log = folder / "data", folder / "serve.log"
    port, metrics_port = _free_ports(2)
    url = f"http://{LOOPBACK}:{port}"
    # Settings of another installation must not leak into this one.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GONGDAO_")}
    settings = {
        "GONGDAO_DATA": str(data),
        "GONGDAO_HOST": LOOPBACK,
        "GONGDAO_PORT": str(port),
        "GONGDAO_METRICS_PORT": str(metrics_port),
    }
    server = spawn_child(
        [sys.executable, "-c", SERVE, "serve"],
        death_signal=signal.SIGTERM,
        env={**inherited, **settings, **limits},
        log=log,
    )
    try:
        _wait_ready(server, url, log)
        addresses = msgspec.json.decode((data / ADDRESSES_FILE).read_bytes(), type=Addresses)
        yield Stage(data, url, addresses)
    finally:
        end_child(server, timeout_s=STOP_TIMEOUT_S)


def end_child(child: subprocess.Popen[bytes], *, timeout_s: float) -> None:
    """Asks our own child to end, and kills it if it does not in time."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def log_tail(log: Path) -> str:
    """The last lines of a log, for a message."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])


def _free_ports(count: int) -> list[int]:
    """Ports below those the kernel gives to outgoing connections.

    A client that tries a port of that range before its server listens may be given the very same port to call from,
    reaches itself, and the server finds the port taken.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(*PORTS)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex((LOOPBACK, port)) == errno.ECONNREFUSED:
                found.append(port)
    return found


def _wait_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unusable(f"gongdao serve ended with status {server.returncode}:\n{log_tail(log)}")
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=ANSWER_TIMEOUT_S):  # noqa: S310 (loopback)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_S)
    raise Unusable(f"gongdao serve is not ready after {START_TIMEOUT_S:g} s:\n{log_tail(log)}")


def kill_valkey(stage: Stage) -> int:
    """SIGKILL to this stage's Valkey, as a crash would; gives the process id it had.

    Raises:
        Unusable: it does not answer, or what answers is not ours.
    """
    try:
        with Redis.from_url(stage.addresses.valkey_url) as client:
            about: Any = client.info("server")
    except RedisError as error:
        raise Unusable(f"Valkey does not say which process it is: {error}") from error
    process = int(about["process_id"])
    # A process id is only a number: what it names now must work in our own folder.
    working_folder = Path(f"/proc/{process}/cwd").resolve()
    if working_folder != (stage.data / "valkey").resolve():
        raise Unusable(f"process {process} works in {working_folder}, which is not this test's")
    os.kill(process, signal.SIGKILL)
    return process
