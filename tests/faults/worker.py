"""A worker process: one kernel that serves acts over a unix socket, sweeps and heals. Imports `acts` and `worlds`.

Run as `python -m tests.faults.worker DATABASE_URL VALKEY_URL SOCKET`. One JSON `Request` or `Reply` to a line.
"""

import asyncio
import logging
import signal
import sys
from typing import Any

import msgspec

from reservation import Kernel
from tests.faults.acts import Refused, act
from tests.faults.worlds import World

CONNECTIONS = 8
LINE_LIMIT_BYTES = 1 << 20


class Request(msgspec.Struct, frozen=True):
    """One act; `n` is repeated in its reply."""

    n: int
    act: str
    given: dict[str, Any]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or the code of a refusal, or what went wrong that never should."""

    n: int
    answer: dict[str, Any] | None = None
    refused: str | None = None
    failed: str | None = None


async def reply_to(kernel: Kernel, request: Request) -> Reply:
    """Does the act."""
    try:
        answer = await act(kernel, request.act, request.given)
    except Refused as refusal:
        return Reply(n=request.n, refused=refusal.code)
    except Exception as error:  # noqa: BLE001 (told to the test, which fails of it)
        return Reply(n=request.n, failed=repr(error))
    return Reply(n=request.n, answer=answer)


async def serve(database_url: str, valkey_url: str, path: str) -> None:
    """Serves until SIGTERM."""
    world = World(database_url=database_url, valkey_url=valkey_url)
    kernel = await world.open_kernel(connections=CONNECTIONS)
    world.keep_swept(kernel)
    under_way: set[asyncio.Task[None]] = set()

    async def answer(line: bytes, writer: asyncio.StreamWriter) -> None:
        reply = await reply_to(kernel, msgspec.json.decode(line, type=Request))
        writer.write(msgspec.json.encode(reply) + b"\n")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            task = asyncio.create_task(answer(line, writer))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        writer.close()

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_unix_server(connected, path, limit=LINE_LIMIT_BYTES)
    async with server:
        await stop.wait()
    await world.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(*sys.argv[1:4]))
