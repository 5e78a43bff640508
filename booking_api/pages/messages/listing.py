"""`/messages`: what is not read first, each with the booking it is about. Marked as read by a form: looking is no writing."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.organisations.register import organisation_names
from booking_api.outbox.errors import UnknownNotice
from booking_api.outbox.notices import Notice, notices_of, read_all_notices, read_notice
from booking_api.pages.catalogue import Words
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import posted, visit
from booking_api.paging import cursor_or_start, page
from booking_api.request import AnyRequest

SHOWN = 30
NOTICE_ID_LIMIT = 2**53
MESSAGES = "/messages"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as its reader sees it; `booking` is the one it is about."""

    notice: Notice
    title: str
    reason: str
    booking: str | None


@page_get("/messages", access=Access.ACCOUNT)
async def get_messages(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """One page of them."""
    visitor = await visit(request, desk)
    of = ("messages",)
    before = cursor_or_start(visitor.query.get("cursor"), of=of, kind=int)
    found = await notices_of(desk.kernel.reads, account=visitor.me.id, before=before, limit=SHOWN + 1)
    shown, following = page(found, limit=SHOWN, key=lambda notice: notice.id, of=of)
    schools = await organisation_names(
        desk.kernel.reads, [str(each.facts["school"]) for each in shown if "school" in each.facts]
    )
    names = {school: visitor.words.named(name) for school, name in schools.items()}
    messages = [_message(visitor.words, notice, names) for notice in shown]
    return render(
        "messages/list.html",
        visitor,
        unread=[message for message in messages if message.notice.read_at is None],
        read=[message for message in messages if message.notice.read_at is not None],
        following=f"{MESSAGES}?cursor={following}" if following else None,
        earlier=before is not None,
    )


@page_post("/messages/{notice_id:int}/read", access=Access.ACCOUNT)
async def post_read(
    request: AnyRequest, notice_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[None]:
    """Marks one as read; on to its booking where the form says so."""
    visitor, form = await posted(request, desk)
    if not 0 < notice_id < NOTICE_ID_LIMIT:
        raise UnknownNotice(notice=str(notice_id)[:64])
    read = await read_notice(desk.kernel.engine, account=visitor.me.id, notice_id=notice_id)
    booking = booking_of(read)
    return go_to(visitor, f"/bookings/{booking}" if booking and form.one("open") else MESSAGES)


@page_post("/messages/read", access=Access.ACCOUNT)
async def post_read_all(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[None]:
    """Marks all as read."""
    visitor, _ = await posted(request, desk)
    await read_all_notices(desk.kernel.engine, account=visitor.me.id)
    return go_to(visitor, MESSAGES)


def booking_of(notice: Notice) -> str | None:
    """Whose ticket a message leads to: the booking of its reader that it names."""
    named = notice.facts.get("booking") or notice.facts.get("from_booking")
    return str(named) if named else None


def _message(words: Words, notice: Notice, schools: dict[str, str]) -> Message:
    facts: dict[str, Any] = dict(notice.facts)
    school = str(facts.get("school", ""))
    told = facts | {"school": schools.get(school, school)}
    if "amount_fen" in facts:
        told["amount"] = words.money(int(facts["amount_fen"]))
    # Of a substitution each learner is told their own half.
    kind = "substitution.gave" if "from_booking" in facts else notice.kind
    return Message(
        notice=notice,
        title=words.code(f"message.{kind}", told, instead=notice.kind),
        reason=str(facts.get("reason") or ""),
        booking=booking_of(notice),
    )
