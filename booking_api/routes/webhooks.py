"""Webhooks of schools and stations: register, list, delete, ping, look at deliveries."""

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import NotYourOrganisation
from booking_api.identity.tokens import Account
from booking_api.outbox.errors import TooManyWebhooks, UnknownWebhook, WebhookOff
from booking_api.outbox.webhooks import (
    Delivery,
    NewWebhook,
    RegisteredWebhook,
    Webhook,
    delete_webhook,
    deliveries_of,
    ping_webhook,
    register_webhook,
    webhooks_of,
)
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_schools as examples

NO_STORE = {"Cache-Control": "no-store"}


class Webhooks(msgspec.Struct, frozen=True):
    """Every webhook of the asker's organisations, the oldest first."""

    webhooks: list[Webhook]


class Deliveries(msgspec.Struct, frozen=True):
    """The last deliveries, newest first."""

    deliveries: list[Delivery]


class Ping(msgspec.Struct, frozen=True):
    """The header `webhook-id` of the message on its way."""

    id: str


@post(
    "/webhooks",
    summary="Register a webhook",
    tags=["webhooks"],
    status_code=201,
    opt=told(
        NotYourOrganisation, TooManyWebhooks, body=examples.NEW_WEBHOOK, answer=examples.REGISTERED_WEBHOOK
    ),
)
async def post_webhook(
    request: AnyRequest, data: JSONBody[NewWebhook], desk: NamedDependency[Desk]
) -> Response[RegisteredWebhook]:
    """Tells a school's or station's own server of events, signed as Standard Webhooks say.

    The answer has the secret, this once. Messages come at least once: know them again by `webhook-id`.
    """
    account, headers = await desk.gate.enter(request)
    made = await register_webhook(
        desk.kernel.engine,
        desk.key,
        data,
        organisations=organisations_of(account),
        account=account.id,
        loopback=desk.settings.webhooks_loopback,
    )
    return Answer(made, status_code=201, headers=headers | NO_STORE)


@get("/webhooks", summary="Our webhooks", tags=["webhooks"], opt=told(answer=examples.WEBHOOKS))
async def get_webhooks(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Webhooks]:
    """The webhooks of the organisations the account acts for, without their secrets."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await webhooks_of(desk.kernel.reads, organisations=organisations_of(account))
    return Answer(Webhooks(found), status_code=200, headers=headers)


@delete(
    "/webhooks/{webhook_id:str}",
    summary="Delete a webhook",
    tags=["webhooks"],
    status_code=204,
    opt=told(UnknownWebhook),
)
async def delete_one(
    request: AnyRequest, webhook_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Deletes a webhook and everything that waits for it."""
    account, headers = await desk.gate.enter(request)
    await delete_webhook(desk.kernel.engine, webhook_id, organisations=organisations_of(account))
    return Answer(None, status_code=204, headers=headers)


@post(
    "/webhooks/{webhook_id:str}/ping",
    summary="Ping a webhook",
    tags=["webhooks"],
    status_code=202,
    opt=told(UnknownWebhook, WebhookOff, answer=examples.PING),
)
async def post_ping(
    request: AnyRequest, webhook_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Ping]:
    """Sends an event `webhook.ping` within seconds; what came of it is among the deliveries."""
    account, headers = await desk.gate.enter(request)
    sent = await ping_webhook(
        desk.kernel.engine, webhook_id, organisations=organisations_of(account), at=clock.now()
    )
    return Answer(Ping(sent), status_code=202, headers=headers)


@get(
    "/webhooks/{webhook_id:str}/deliveries",
    summary="A webhook's deliveries",
    tags=["webhooks"],
    opt=told(UnknownWebhook, answer=examples.DELIVERIES),
)
async def get_deliveries(
    request: AnyRequest, webhook_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Deliveries]:
    """The last 100 deliveries: state, tries, the last answer's status, the next try."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await deliveries_of(desk.kernel.reads, webhook_id, organisations=organisations_of(account))
    return Answer(Deliveries(found), status_code=200, headers=headers)


def organisations_of(account: Account) -> list[str]:
    """The schools and stations an account acts for, as webhooks and events name them."""
    return sorted(role for role in account.roles if role.startswith(("school:", "station:")))
