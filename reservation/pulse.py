"""How a pool stands this second and what has happened to it in the last minutes, over all processes. Imports the kernel.

The functions of `lua/` count what they do in the second in which it happens (see `pace` in `lua/pool.lua`), so the
figures are the same whichever worker is asked. They are to be watched; what is booked is PostgreSQL's to say.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from reservation.kernel import Kernel

MINUTES_LIMIT = 19
"""The pace is kept for a little longer than this."""
REAPED_PER_UNIT = 500
MINUTE_S = 60


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """How the units asked for stand, and the pool's pace.

    `free` and `held` are places by unit, `confirming` holds of the whole pool whose confirm is on its way. `pace`: what has
    happened ("held", "full", "released", "expired", "confirmed", or a refusal's code) by second since 1970.
    """

    at_ms: int
    free: dict[int, int]
    held: dict[int, int]
    confirming: int
    pace: dict[str, dict[int, int]]

    def total(self, what: str, *, since_s: int = 0) -> int:
        """How often something has happened, from a second on."""
        return sum(times for second, times in self.pace.get(what, {}).items() if second >= since_s)


async def read_pulse(kernel: Kernel, *, pool_id: int, units: Sequence[int], minutes: int) -> Pulse:
    """The pulse of these units of a pool, and its pace of the last `minutes` and the one that has begun.

    Raises:
        UnknownPool: there is none.
        Rebuilding, Unavailable, Busy: try again later.
    """
    await kernel.pool(pool_id)
    asked = min(minutes, MINUTES_LIMIT)
    answer = await kernel.call(pool_id, "pulse", asked, REAPED_PER_UNIT, *map(str, units))
    _, at_ms, ended, confirming, stand, kept = answer
    kernel.tally.expired += ended
    return Pulse(
        at_ms=at_ms,
        free=dict(zip(units, stand[::2], strict=True)),
        held=dict(zip(units, stand[1::2], strict=True)),
        confirming=confirming,
        pace=_by_what(kept),
    )


def _by_what(kept: list[Any]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for minute, counted in zip(kept[::2], kept[1::2], strict=True):
        for told, times in zip(counted[::2], counted[1::2], strict=True):
            what, _, second = told.decode().rpartition(" ")
            found[what][minute * MINUTE_S + int(second)] = int(times)
    return dict(found)
