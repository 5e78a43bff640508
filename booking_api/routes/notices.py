"""A person's notices: what they were told, and that they have read it."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from booking_api.description import told
from booking_api.desk import Desk
from booking_api.outbox.errors import UnknownNotice
from booking_api.outbox.notices import Notice, notices_of, read_notice
from booking_api.paging import Cursor, page, read_cursor
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_bookings as examples

NOTICES_PAGE_LIMIT = 200
NOTICE_ID_LIMIT = 2**53


class Notices(msgspec.Struct, frozen=True):
    """The newest first; `next` is the cursor of the page after this one, null at the end."""

    notices: list[Notice]
    next: str | None


@get("/notices", summary="My notices", tags=["notices"], opt=told(answer=examples.NOTICES))
async def get_notices(
    request: AnyRequest,
    desk: NamedDependency[Desk],
    limit: Annotated[int, QueryParameter(ge=1, le=NOTICES_PAGE_LIMIT, description="Items in a page.")] = 50,
    cursor: Cursor = None,
) -> Response[Notices]:
    """What the account was told: bookings confirmed or cancelled, payments, plans. Newest first."""
    account, headers = await desk.gate.enter(request, reads=True)
    before = read_cursor(cursor, of=("notices",), kind=int)
    found = await notices_of(desk.kernel.reads, account=account.id, before=before, limit=limit + 1)
    shown = page(found, limit=limit, key=lambda notice: notice.id, of=("notices",))
    return Answer(Notices(*shown), status_code=200, headers=headers)


@post(
    "/notices/{notice_id:int}/read",
    summary="Mark a notice as read",
    tags=["notices"],
    status_code=200,
    opt=told(UnknownNotice, answer=examples.READ_NOTICE),
)
async def post_read(
    request: AnyRequest, notice_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Notice]:
    """Marks a notice as read. Repeating it changes nothing."""
    account, headers = await desk.gate.enter(request)
    if not 0 < notice_id < NOTICE_ID_LIMIT:
        raise UnknownNotice(notice=str(notice_id)[:64])
    read = await read_notice(desk.kernel.engine, account=account.id, notice_id=notice_id)
    return Answer(read, status_code=200, headers=headers)
