"""Real servers on a fresh folder, and supervisors in processes of their own that can be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from booking_api.embedded import Supervisor, embedded_backends

ROOT = Path(__file__).parents[3]
MEMORY = Path("/dev/shm")  # noqa: S108 (mkdtemp makes a private folder in it)
ROOMY_BYTES = 1024**3
PARENT = """
import json, sys, time
from pathlib import Path
from booking_api.embedded import embedded_backends
with embedded_backends(Path(sys.argv[1])) as backends:
    print(json.dumps({"database_url": backends.database_url, "valkey_url": backends.valkey_url,
                      "postgres": backends.postgres.pid, "valkey": backends.valkey.pid}), flush=True)
    time.sleep(120)
"""


class Parent:
    """A supervisor in its own process."""

    def __init__(self, data: Path, program: str = PARENT):
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(data)], cwd=ROOT, stdout=subprocess.PIPE
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_ready(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> None:
        """What Ctrl-C in a terminal does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def close(self) -> None:
        """Let it tidy up unless it is dead, and drop the pipe, which a surviving child may still hold."""
        if self.process.poll() is None:
            self.interrupt()
        assert self.process.stdout is not None
        self.process.stdout.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended but was not waited for by its new parent does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def eventually(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


async def sql(database_url: str, *statements: str) -> Any:
    """Run statements in one transaction; the first column of the last one's first row, if it has rows."""
    engine = create_async_engine(database_url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        await engine.dispose()


async def ask(valkey_url: str, *command: str) -> Any:
    async with Redis.from_url(valkey_url, decode_responses=True) as client:
        return await client.execute_command(*command)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder to be, in memory where there is room: a cluster is a thousand files, made anew for each test."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY_BYTES
    with tempfile.TemporaryDirectory(prefix="gongdao-test-", dir=MEMORY if roomy else None) as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="session")
def shared_backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """Running servers for tests that only look at them."""
    with embedded_backends(tmp_path_factory.mktemp("shared") / "data") as backends:
        yield backends


@pytest.fixture
def tools() -> Any:
    """The helpers above, since test folders are no packages to import from."""
    return sys.modules[__name__]


@pytest.fixture
def parent_on() -> Iterator[Callable[..., Parent]]:
    parents: list[Parent] = []

    def start(data: Path, program: str = PARENT) -> Parent:
        parents.append(Parent(data, program))
        return parents[-1]

    yield start
    for parent in parents:
        parent.close()


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: it is about what root's servers run as")
