"""An opening rush as it happens: holds, confirms, refusals and what is left, told every second by a stream.

The page works without scripts: it is then loaded anew every few seconds.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.catalogue import Words
from booking_api.pages.operator.office import Office, enter, show
from booking_api.pages.operator.rush_figures import SPANS, as_event, rush_view
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import Visitor
from booking_api.request import AnyRequest
from reservation import Pool, PoolFilter, pools_of
from reservation.errors import ReservationError, UnknownPool

TAB = "rush"
POOLS_LIMIT = 200
TICK_S = 1.0
STREAM_LIFE_S = 300.0
"""The browser comes again after that, and is asked who it is again."""
SPAN = 5


@page_get("/operator/{authority:str}/rush", access=Access.OPERATOR)
async def get_rush(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """How one pool stands now, and its last minutes."""
    visitor, office = await enter(request, desk, authority)
    pools = await _pools(desk, office)
    if not pools:
        return show("rush", visitor, office, tab=TAB, pools=[], pool=None)
    pool, span = _chosen(visitor, pools), _span(visitor)
    view = rush_view(await desk.pulses.now(pool.id), visitor.words, span=span)
    return show("rush", visitor, office, tab=TAB, pools=pools, pool=pool, span=span, spans=SPANS, view=view)


@page_get("/operator/{authority:str}/rush/events", access=Access.OPERATOR)
async def get_rush_events(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> ServerSentEvent:
    """Server-sent events `rush`: the page's figures, plots and tables, every second."""
    visitor, office = await enter(request, desk, authority)
    pools = await _pools(desk, office)
    if not pools:
        raise UnknownPool
    pool = _chosen(visitor, pools)
    return ServerSentEvent(_events(desk, visitor.words, pool_id=pool.id, span=_span(visitor)))


async def _events(
    desk: Desk, words: Words, *, pool_id: int, span: int
) -> AsyncGenerator[ServerSentEventMessage, None]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + STREAM_LIFE_S
    async with desk.pulses.watching():
        while loop.time() < ends:
            try:
                view = rush_view(await desk.pulses.now(pool_id), words, span=span)
            except ReservationError as error:
                yield ServerSentEventMessage(event="still", data=error.code)
            else:
                yield ServerSentEventMessage(event="rush", data=msgspec.json.encode(as_event(view)).decode())
            await asyncio.sleep(TICK_S)


async def _pools(desk: Desk, office: Office) -> list[Pool]:
    return await pools_of(desk.kernel, wanted=PoolFilter(authority=office.id), limit=POOLS_LIMIT)


def _chosen(visitor: Visitor, pools: list[Pool]) -> Pool:
    """The pool that is asked for, which must be the office's, else its first.

    Raises:
        UnknownPool: it has no such one.
    """
    wanted = visitor.query.get("pool")
    if wanted is None:
        return pools[0]
    for pool in pools:
        if str(pool.id) == wanted:
            return pool
    raise UnknownPool


def _span(visitor: Visitor) -> int:
    wanted = visitor.query.get("minutes", "")
    return next((span for span in SPANS if str(span) == wanted), SPAN)


RUSH_PAGES = [get_rush, get_rush_events]
