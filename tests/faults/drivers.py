"""The test's side of `driver`: starts it and talks to it. Imports `driver` for its messages."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.driver import Case, Fate
from tests.faults.worlds import World

ROOT = Path(__file__).parents[2]
ANSWER_WITHIN_S = 30.0


class Driver:
    """Owns one driver process; `world` says where its children work."""

    def __init__(self, process: asyncio.subprocess.Process, world: World) -> None:
        self._process = process
        self._world = world

    @classmethod
    async def start(cls, world: World) -> "Driver":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.driver",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process, world)

    async def run(self, act: str, given: dict[str, Any], **options: Any) -> Fate:
        """One case, until its child ended or stopped itself."""
        case = Case(
            database_url=self._world.database_url,
            valkey_url=self._world.valkey_url,
            act=act,
            given=given,
            **options,
        )
        return await self._say(msgspec.json.encode(case))

    async def pause(self, act: str, given: dict[str, Any], *at: int, **options: Any) -> None:
        """Starts a case whose child stops itself (SIGSTOP) before each of these steps; leaves it at the first."""
        fate = await self.run(act, given, at=at, signal=signal.SIGSTOP, **options)
        assert fate.stopped, f"the child went past step {at}: {fate}"

    async def resume(self) -> Fate:
        """Continues the stopped child until its end, or until it stops again."""
        return await self._say(b"")

    async def _say(self, line: bytes) -> Fate:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + b"\n")
        async with asyncio.timeout(ANSWER_WITHIN_S):
            answer = await self._process.stdout.readline()
        assert answer, f"the driver ended with {await self._process.wait()}"
        return msgspec.json.decode(answer, type=Fate)

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            # It waits for a child that hangs: end both, which are a group of their own.
            os.killpg(self._process.pid, signal.SIGKILL)
            raise
