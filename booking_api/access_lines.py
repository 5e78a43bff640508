"""A line in the log for a request: which route, which status, how long. Imports the standard library only.

Never the path or the query, which carry ids, nor an address, a header or a body. By default only what an operator may
have to look into: failures, slow answers, and a few of the refusals. A rush refuses thousands a second and an outage
fails as many; lines are limited, and the next line says how many were left out. Metrics count them all.
"""

import logging
import os
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

FIELDS = frozenset({"method", "route", "status", "duration_ms", "worker", "left_out"})
"""What a line has beside the request's id."""

SLOW_S = 1.0
KEPT = {"failed": (50, 100), "slow": (50, 100), "refused": (5, 20)}
"""Lines a second and at once, of each kind and worker."""


class Allowance:
    """Owns the count of one kind of line: `burst` at once, then `per_s` a second."""

    def __init__(self, per_s: float, burst: int, *, now_s: Callable[[], float]) -> None:
        self._per_s, self._burst, self._now_s = per_s, burst, now_s
        self._left = float(burst)
        self._at_s = now_s()
        self._left_out = 0

    def take(self) -> int | None:
        """None: no line now. Else how many were left out since the last one."""
        now_s = self._now_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            self._left_out += 1
            return None
        self._left -= 1
        left_out, self._left_out = self._left_out, 0
        return left_out


class AccessLines:
    """Owns what one worker writes of its requests. `kept` is failures, all or none (`GONGDAO_LOG_REQUESTS`)."""

    def __init__(self, kept: str, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self.off = kept == "none"
        self._all = kept == "all"
        self._worker = os.getpid()
        self._allowances = {kind: Allowance(*limits, now_s=now_s) for kind, limits in KEPT.items()}

    def wants(self, status: int, elapsed_s: float) -> bool:
        """Whether `write` may have something to say of it; asked for every request, so it must cost next to nothing."""
        return not self.off and (status >= 400 or elapsed_s >= SLOW_S or self._all)

    def write(self, *, method: str, route: str, status: int, elapsed_s: float) -> None:
        """Writes the line, unless it is one too many."""
        kind = "failed" if status >= 500 else "slow" if elapsed_s >= SLOW_S else "refused"
        left_out = 0 if self._all else self._allowances[kind].take()
        if left_out is None:
            return
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(elapsed_s * 1000, 1),
            "worker": self._worker,
        } | ({"left_out": left_out} if left_out else {})
        level = logging.WARNING if status >= 500 or elapsed_s >= SLOW_S else logging.INFO
        log.log(level, "request", extra=fields)
