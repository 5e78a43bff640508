"""What one process has refused, by pool and code, until the pool's pace is told. Imports the standard library only.

A refusal costs an addition here; the pace is told once a second at most. A process that is killed takes its last
second along: figures to watch, not to decide by.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

TELL_EVERY_S = 1.0
POOLS_LIMIT = 1_000
"""How many pools one second's refusals may be of; those of further ones are not counted."""


class Refusals:
    """Owns the counts that are still to be told. `tell(pool, words)` runs beside what is served."""

    def __init__(self, tell: Callable[[int, list[str]], Coroutine[Any, Any, None]]) -> None:
        self._tell = tell
        self._counted: dict[int, Counter[str]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def note(self, pool_id: int, code: str) -> None:
        """Counts one refusal of a pool that there is."""
        if not self._counted:
            asyncio.get_running_loop().call_later(TELL_EVERY_S, self._flush)
        if pool_id in self._counted or len(self._counted) < POOLS_LIMIT:
            self._counted.setdefault(pool_id, Counter())[code] += 1

    async def drain(self) -> None:
        """Tells at once what is still to be told."""
        self._flush()
        await asyncio.gather(*self._telling)

    def _flush(self) -> None:
        counted, self._counted = self._counted, {}
        for pool_id, codes in counted.items():
            words = [word for code, times in codes.items() for word in (code, str(times))]
            task = asyncio.create_task(self._tell(pool_id, words), name=f"refusals-of-pool-{pool_id}")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
