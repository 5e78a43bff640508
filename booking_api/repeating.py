"""Work that every worker does again and again while it serves. Imports SQLAlchemy's and the kernel's errors.

What such work leaves when its process dies is in the database, and the next round of any worker goes on from there.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from booking_api.metrics import JOB_ROUNDS
from reservation.errors import ReservationError
from reservation.failure import describe

log = logging.getLogger(__name__)


async def repeat(work: Callable[[], Awaitable[bool]], *, name: str, every_s: float) -> None:
    """Does the work until cancelled: at once again while it says there is more, else `every_s` later.

    What fails is logged and tried again: our own mistake with its trace, a server that does not answer without.
    """
    done, failed = JOB_ROUNDS.labels(name, "done"), JOB_ROUNDS.labels(name, "failed")
    while True:
        more = False
        try:
            more = await work()
            done.inc()
        except (ReservationError, SQLAlchemyError, OSError, TimeoutError) as error:
            failed.inc()
            log.warning("%s: %s", name, describe(error))
        except Exception:
            failed.inc()
            log.exception("%s failed", name)
        await asyncio.sleep(0 if more else every_s)


@asynccontextmanager
async def repeated(
    work: Callable[[], Awaitable[bool]], *, name: str, every_s: float
) -> AsyncGenerator[None, None]:
    """Runs `repeat` beside the body; ended, wherever it is, when the body is left."""
    task = asyncio.create_task(repeat(work, name=name, every_s=every_s), name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
