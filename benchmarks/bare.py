"""The floor: bare Litestar routes beside the real application, in the same worker process.

They decode the same bodies and answer the same bytes as hold and confirm, and do nothing else: no sign-in, no limits,
no metrics, no store.
"""

from datetime import UTC, datetime

from litestar import Litestar, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp, Receive, Scope, Send

from booking_api import worker
from booking_api.routes.holds import ConfirmRequest, HoldRequest
from reservation import Booking, BookingState, Hold

PREFIX = "/bare"
_ID = "01a2077b-1510-8000-8000-05ca6e83c22d"
_HOLD = Hold(id=_ID, pool=1, units=(1,), expires_at_ms=1_795_422_136_561)
_BOOKING = Booking(
    id=_ID,
    pool=1,
    unit=1,
    state=BookingState.BOOKED,
    created_at=datetime(2026, 11, 23, 8, 17, 16, 592186, UTC),
)


@post("/bare/holds")
async def post_hold(data: JSONBody[HoldRequest]) -> Hold:
    """Decodes, answers."""
    assert data.units
    return _HOLD


@post("/bare/holds/{hold_id:str}/confirm")
async def post_confirm(hold_id: FromPath[str], data: JSONBody[ConfirmRequest | None] = None) -> Booking:
    """Decodes, answers."""
    assert hold_id
    assert data is None or data.unit is None
    return _BOOKING


def create() -> ASGIApp:
    """The real application, with the floor beside it."""
    real = worker.create()
    bare = Litestar([post_hold, post_confirm], openapi_config=None, logging_config=None)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await bare(scope, receive, send)
        else:
            await real(scope, receive, send)

    return dispatch  # pyright: ignore[reportReturnType]
