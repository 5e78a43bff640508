"""The test's side of `worker`: starts worker processes, asks them in turn, kills them. Imports `worker`'s messages."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.acts import WORKER_GONE, Refused
from tests.faults.drivers import ROOT
from tests.faults.worker import LINE_LIMIT_BYTES, Reply, Request
from tests.faults.worlds import eventually

READY_WITHIN_S = 20.0
STOPPED_WITHIN_S = 20.0


class Worker:
    """Owns one worker process, the connection to it and the requests it has not answered."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path) -> None:
        self.process = process
        self._path = path
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, *, database_url: str, valkey_url: str, path: Path) -> "Worker":
        await asyncio.to_thread(path.unlink, missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.worker", database_url, valkey_url, str(path), cwd=ROOT
        )
        worker = cls(process, path)
        await eventually(worker._unreachable, within_s=READY_WITHIN_S)
        return worker

    async def _unreachable(self) -> str:
        assert self.process.returncode is None, f"the worker ended with {self.process.returncode}"
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT_BYTES)
        except OSError as error:
            return str(error)
        self._listening = asyncio.create_task(self._listen(reader))
        return ""

    @property
    def serves(self) -> bool:
        return self._listening is not None and not self._listening.done()

    async def ask(self, act: str, given: dict[str, Any]) -> dict[str, Any]:
        """One act.

        Raises:
            Refused: by the kernel, or because the worker went away (WORKER_GONE).
        """
        assert self._writer is not None
        number = next(self._numbers)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._writer.write(msgspec.json.encode(Request(number, act, given)) + b"\n")
        reply = await future
        assert reply.failed is None, f"{act} {given}: {reply.failed}"
        if reply.answer is None:
            raise Refused(reply.refused or "")
        return reply.answer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionResetError):  # it was killed with requests unread
            while line := await reader.readline():
                reply = msgspec.json.decode(line, type=Reply)
                self._waiting.pop(reply.n).set_result(reply)
        for number, future in self._waiting.items():
            future.set_result(Reply(n=number, refused=WORKER_GONE))
        self._waiting.clear()

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await self._ended()

    async def stop(self) -> None:
        """Lets it end in order.

        Raises:
            TimeoutError: it did not, and was killed.
        """
        assert self._writer is not None
        self._writer.close()
        self.process.terminate()
        try:
            async with asyncio.timeout(STOPPED_WITHIN_S):
                await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()
            await self._ended()

    async def _ended(self) -> None:
        await self.process.wait()
        if self._listening is not None:
            await self._listening
        if self._writer is not None:
            self._writer.close()


class Workers:
    """Owns several workers on one database and one Valkey; asks them in turn, passing over those that are gone."""

    def __init__(self, *, database_url: str, valkey_url: str) -> None:
        self._urls = {"database_url": database_url, "valkey_url": valkey_url}
        self._folder = tempfile.TemporaryDirectory(prefix="gongdao-workers-")
        self._workers: dict[int, Worker] = {}
        self._turn = 0

    async def start(self, number: int) -> None:
        path = Path(self._folder.name, f"{number}.sock")
        self._workers[number] = await Worker.start(**self._urls, path=path)

    async def kill(self, number: int) -> None:
        await self._workers.pop(number).kill()

    async def ask(self, act: str, **given: Any) -> dict[str, Any]:
        """One act at the next worker that is there.

        Raises:
            Refused: see `Worker.ask`.
        """
        serving = [worker for worker in self._workers.values() if worker.serves]
        if not serving:
            raise Refused(WORKER_GONE)
        self._turn += 1
        return await serving[self._turn % len(serving)].ask(act, given)

    async def close(self) -> None:
        for worker in self._workers.values():
            await worker.stop()
        self._folder.cleanup()
