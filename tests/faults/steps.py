"""The steps a kernel takes outside its own process, counted; at one of them something happens to the process.

A step is one command sent to Valkey, one SQL statement, or one COMMIT. "Early" is before it is sent, "late" is after
the server has done it and before the kernel hears of it. Imports `reservation` and SQLAlchemy.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import event

from reservation import Kernel
from reservation.lane import Lane

_command = Lane.command


class Steps:
    """Counts the steps from now on; `strike()` is called at each number in `at`. One per process."""

    def __init__(
        self, kernel: Kernel, *, at: Collection[int], late: bool, strike: Callable[[], None]
    ) -> None:
        self.names: list[str] = []
        self._at = at
        self._late = late
        self._strike = strike
        self._watch_valkey()
        self._watch_postgresql(kernel)

    def _early(self, name: str) -> int:
        """Counts a step that is about to be taken; gives its number."""
        self.names.append(name)
        number = len(self.names) - 1
        if number in self._at and not self._late:
            self._strike()
        return number

    def _done(self, number: int) -> None:
        if number in self._at and self._late:
            self._strike()

    def _watch_valkey(self) -> None:
        steps = self

        def command(self: Lane, *command: bytes | str | float) -> asyncio.Future[Any]:
            number = steps._early(_command_name(command))
            future = _command(self, *command)
            # The first callback of the future: it runs before whoever awaits the answer.
            future.add_done_callback(lambda _: steps._done(number))
            return future

        Lane.command = command

    def _watch_postgresql(self, kernel: Kernel) -> None:
        engine = kernel.engine.sync_engine
        running: list[int] = []

        def before(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            running.append(self._early(_statement_name(statement)))

        def after(*_: Any) -> None:
            self._done(running.pop())

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        do_commit = engine.dialect.do_commit

        def commit(dbapi_connection: Any) -> None:
            number = self._early("COMMIT")
            do_commit(dbapi_connection)
            self._done(number)

        engine.dialect.do_commit = commit


def _command_name(words: tuple[bytes | str | float, ...]) -> str:
    text = [word.decode() if isinstance(word, bytes) else str(word) for word in words[:2]]
    return f"FCALL {text[1].rpartition('_')[0]}" if text[0] == "FCALL" else text[0]


def _statement_name(statement: str) -> str:
    lines = [line for line in statement.splitlines() if line.strip() and not line.lstrip().startswith("--")]
    return " ".join(" ".join(lines).split())[:40]
