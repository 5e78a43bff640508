"""A memory of reads so short that nobody minds: a crowd asking the same thing at once is one read.

Imports the standard library only.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

FRESH_S = 0.25
KEPT = 512

Value = TypeVar("Value")


class Fresh(Generic[Value]):
    """Owns the last read of each key, for `fresh_s` from its start; at most KEPT of them."""

    def __init__(self, fresh_s: float = FRESH_S) -> None:
        self._fresh_s = fresh_s
        self._reads: dict[Hashable, tuple[float, asyncio.Task[Value]]] = {}

    def known(self, key: Hashable) -> Value | None:
        """What was read within the last `fresh_s` for this key, without waiting; None when `get` is needed."""
        until, task = self._reads.get(key, (0.0, None))
        if task is None or not task.done() or asyncio.get_running_loop().time() >= until:
            return None
        return None if task.cancelled() or task.exception() is not None else task.result()

    async def get(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """What `read` gave within the last `fresh_s` for this key, or gives now. A failure is not kept.

        Raises:
            what `read` raises, for everybody who shares it.
        """
        now = asyncio.get_running_loop().time()
        until, task = self._reads.get(key, (0.0, None))
        if task is None or now >= until or (task.done() and task.exception() is not None):
            self._forget(now)
            task = asyncio.create_task(read())
            self._reads[key] = now + self._fresh_s, task
        return await asyncio.shield(task)

    def _forget(self, now: float) -> None:
        if len(self._reads) >= KEPT:
            self._reads = {key: kept for key, kept in self._reads.items() if kept[0] > now}
        while len(self._reads) >= KEPT:
            self._reads.pop(next(iter(self._reads)))
