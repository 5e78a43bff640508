"""Is this worker alive, and can it do its work?"""

import asyncio

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from booking_api.description import told
from booking_api.desk import Desk
from reservation import Kernel
from reservation.errors import ReservationError

ANSWER_TIMEOUT_S = 1.0


@get(
    "/health/live",
    summary="Alive",
    tags=["health"],
    include_in_schema=True,
    opt=told(answer={"status": "up"}),
)
async def get_live() -> dict[str, str]:
    """The worker answers."""
    return {"status": "up"}


@get(
    "/health/ready",
    summary="Ready",
    tags=["health"],
    opt=told(
        answer={"status": "up", "postgresql": "up", "valkey": "up"},
        also={503: "A part does not answer; it is told which."},
    ),
)
async def get_ready(desk: NamedDependency[Desk]) -> Response[dict[str, str]]:
    """Every part and whether it answers; 503 when one does not."""
    parts = {"postgresql": await _postgresql(desk.kernel), "valkey": await _valkey(desk.kernel)}
    ready = all(state == "up" for state in parts.values())
    headers = {} if ready else {"Retry-After": "2"}
    return Response(
        {"status": "up" if ready else "down", **parts}, status_code=200 if ready else 503, headers=headers
    )


async def _postgresql(kernel: Kernel) -> str:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S), kernel.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return "down"
    return "up"


async def _valkey(kernel: Kernel) -> str:
    if kernel.valkey.missing():
        return "down"
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            for lane in kernel.valkey.lanes():
                await lane.command("PING")
    except (ReservationError, TimeoutError):
        return "down"
    return "up"
