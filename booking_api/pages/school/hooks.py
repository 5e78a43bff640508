"""A school's webhooks: listed, registered (the secret told once), pinged, looked at, deleted. Imports the outbox."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.gate.access import Access
from booking_api.organisations.register import Organisation
from booking_api.outbox.addresses import URL_LENGTH_LIMIT
from booking_api.outbox.errors import TooManyWebhooks, UnknownWebhook, WebhookOff
from booking_api.outbox.events import EventKind
from booking_api.outbox.webhooks import (
    NewWebhook,
    Webhook,
    delete_webhook,
    deliveries_of,
    ping_webhook,
    register_webhook,
    webhooks_of,
)
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.school.entering import enter, enter_posted, show
from booking_api.pages.visiting import Visitor
from booking_api.request import AnyRequest

KINDS = (
    EventKind.BATCH_FINISHED,
    EventKind.SUBSTITUTION_MADE,
    EventKind.SESSION_CANCELLED,
)
"""What a school is told of."""


class HookForm(msgspec.Struct, frozen=True):
    """Where to tell the school's own system of what."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=URL_LENGTH_LIMIT)]
    kinds: list[EventKind]


@page_get("/school/{school:str}/webhooks", access=Access.SCHOOL)
async def get_webhooks(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The school's webhooks."""
    visitor, mine = await enter(request, desk, school)
    found = await webhooks_of(desk.kernel.reads, organisations=[_name(mine)])
    return show("webhooks.html", visitor, mine, "webhooks", hooks=found)


@page_get("/school/{school:str}/webhooks/new", access=Access.SCHOOL)
async def get_new_webhook(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The form."""
    visitor, mine = await enter(request, desk, school)
    return _form(visitor, mine)


@page_post("/school/{school:str}/webhooks/new", access=Access.SCHOOL)
async def post_webhook(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Registers one and tells its secret, this once."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        told = form.read(HookForm)
        made = await register_webhook(
            desk.kernel.engine,
            desk.key,
            NewWebhook(_name(mine), told.url, told.kinds),
            organisations=[_name(mine)],
            account=visitor.me.id,
            loopback=desk.settings.webhooks_loopback,
        )
    except (FieldsRefused, InvalidRequest, TooManyWebhooks) as error:
        return _form(visitor, mine, form=form, refused=refusal_of(visitor.words, error))
    return show("webhook_made.html", visitor, mine, "webhooks", made=made)


@page_get("/school/{school:str}/webhooks/{hook:str}", access=Access.SCHOOL)
async def get_webhook(
    request: AnyRequest, school: FromPath[str], hook: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """One webhook and its last deliveries."""
    visitor, mine = await enter(request, desk, school)
    return await _one(desk, visitor, mine, hook)


@page_post("/school/{school:str}/webhooks/{hook:str}/ping", access=Access.SCHOOL)
async def post_ping(
    request: AnyRequest, school: FromPath[str], hook: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Sends a message to try it."""
    visitor, _, mine = await enter_posted(request, desk, school)
    try:
        await ping_webhook(desk.kernel.engine, hook, organisations=[_name(mine)], at=clock.now())
    except WebhookOff as error:
        return await _one(desk, visitor, mine, hook, refused=refusal_of(visitor.words, error))
    return go_to(visitor, f"/school/{mine.id}/webhooks/{hook}", told="pinged")


@page_get("/school/{school:str}/webhooks/{hook:str}/delete", access=Access.SCHOOL)
async def get_delete(
    request: AnyRequest, school: FromPath[str], hook: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What deleting means."""
    visitor, mine = await enter(request, desk, school)
    return show("delete_webhook.html", visitor, mine, "webhooks", hook=await _find(desk, mine, hook))


@page_post("/school/{school:str}/webhooks/{hook:str}/delete", access=Access.SCHOOL)
async def post_delete(
    request: AnyRequest, school: FromPath[str], hook: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Deletes it and what waits for it."""
    visitor, _, mine = await enter_posted(request, desk, school)
    await delete_webhook(desk.kernel.engine, hook, organisations=[_name(mine)])
    return go_to(visitor, f"/school/{mine.id}/webhooks", told="webhook_deleted")


def _name(school: Organisation) -> str:
    """As webhooks and roles name it."""
    return f"school:{school.id}"


async def _find(desk: Desk, school: Organisation, hook_id: str) -> Webhook:
    for hook in await webhooks_of(desk.kernel.reads, organisations=[_name(school)]):
        if hook.id == hook_id:
            return hook
    raise UnknownWebhook(webhook=hook_id[:64])


async def _one(
    desk: Desk, visitor: Visitor, school: Organisation, hook_id: str, *, refused: Refusal | None = None
) -> Response[str]:
    found = await _find(desk, school, hook_id)
    deliveries = await deliveries_of(desk.kernel.reads, hook_id, organisations=[_name(school)])
    return show(
        "webhook.html", visitor, school, "webhooks", hook=found, deliveries=deliveries, refused=refused
    )


def _form(
    visitor: Visitor, school: Organisation, *, form: Form | None = None, refused: Refusal | None = None
) -> Response[str]:
    return show(
        "new_webhook.html",
        visitor,
        school,
        "webhooks",
        refused=refused,
        kinds=[str(kind) for kind in KINDS],
        url=form.one("url") if form else "",
        ticked=form.values.get("kinds", []) if form else [],
    )


HOOK_PAGES = [
    get_webhooks,
    get_new_webhook,
    post_webhook,
    get_webhook,
    post_ping,
    get_delete,
    post_delete,
]
