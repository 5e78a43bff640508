"""A memory of reads so short that nobody notices: a crowd asking the same thing at once is one read.

Imports the standard library only.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

FRESH_S = 0.25
KEPT = 512

Value = TypeVar("Value")


class Fresh(Generic[Value]):
    """Owns the last read of each key, for FRESH_S from its start; at most KEPT of them."""

    def __init__(self) -> None:
        self._reads: dict[Hashable, tuple[float, asyncio.Task[Value]]] = {}

    async def get(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """What `read` gave within the last FRESH_S for this key, or gives now. A failure is not kept.

        Raises:
            what `read` raises, for everybody who shares it.
        """
        now = asyncio.get_running_loop().time()
        until, task = self._reads.get(key, (0.0, None))
        if task is None or now >= until or (task.done() and task.exception() is not None):
            self._forget(now)
            task = asyncio.create_task(read())
            self._reads[key] = now + FRESH_S, task
        return await asyncio.shield(task)

    def _forget(self, now: float) -> None:
        if len(self._reads) >= KEPT:
            self._reads = {key: kept for key, kept in self._reads.items() if kept[0] > now}
        while len(self._reads) >= KEPT:
            self._reads.pop(next(iter(self._reads)))
