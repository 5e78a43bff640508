"""Steps of a plan that have consequences, each on a page that says them first: publish, close, delete.

Imports the plans' room.
"""

from datetime import datetime, timedelta
from typing import Any

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.operator.filling import own_draft
from booking_api.pages.operator.office import Office, enter, enter_posted, show
from booking_api.pages.operator.plans import TAB, local, moment_of, own_plan
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor
from booking_api.plans.authorities import read_settings
from booking_api.plans.draft import Plan, close_plan, delete_draft, find_plan, set_moments
from booking_api.plans.errors import PlanEmpty, PlanNotPublished, TooShortNotice
from booking_api.plans.publishing import publish_by_figures
from booking_api.request import AnyRequest
from booking_api.schools.telling import note_published_plan
from reservation.transaction import transaction


@page_get("/operator/{authority:str}/plans/{plan_id:int}/publish", access=Access.OPERATOR)
async def get_publish(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What publishing means, and when booking opens and closes."""
    visitor, office = await enter(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    given = Form({"opens_at": [local(plan.opens_at)], "closes_at": [local(plan.closes_at)]}, {})
    return await _publish_form(desk, visitor, office, plan=plan, form=given)


@page_post("/operator/{authority:str}/plans/{plan_id:int}/publish", access=Access.OPERATOR)
async def post_publish_page(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Publishes the plan, for good."""
    visitor, form, office = await enter_posted(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    try:
        opens_at, closes_at = _moments(form)
        async with transaction(desk.kernel.engine) as connection:
            await set_moments(connection, plan_id=plan.id, opens_at=opens_at, closes_at=closes_at)
            published = await publish_by_figures(connection, plan, by=visitor.me.id, today=clock.today())
            await note_published_plan(connection, await find_plan(connection, plan.id), at=clock.now())
    except (FieldsRefused, PlanEmpty, TooShortNotice) as error:
        return await _publish_form(
            desk, visitor, office, plan=plan, form=form, refused=refusal_of(visitor.words, error)
        )
    for effect in published.effects:
        await desk.kernel.tell(effect)
    return go_to(visitor, f"{office.path}/plans/{plan.id}", told="plan_published")


@page_get("/operator/{authority:str}/plans/{plan_id:int}/close", access=Access.OPERATOR)
async def get_close(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What closing means."""
    visitor, office = await enter(request, desk, authority)
    plan = await _own_published(desk, office, plan_id)
    return show("plan_close", visitor, office, tab=TAB, plan=plan)


@page_post("/operator/{authority:str}/plans/{plan_id:int}/close", access=Access.OPERATOR)
async def post_close_page(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Ends booking of every session of the plan."""
    visitor, _, office = await enter_posted(request, desk, authority)
    plan = await _own_published(desk, office, plan_id)
    async with transaction(desk.kernel.engine) as connection:
        await close_plan(connection, plan_id=plan.id, by=visitor.me.id)
    return go_to(visitor, f"{office.path}/plans/{plan.id}", told="plan_closed")


@page_get("/operator/{authority:str}/plans/{plan_id:int}/delete", access=Access.OPERATOR)
async def get_delete(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """What deleting a draft means."""
    visitor, office = await enter(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    return show("plan_delete", visitor, office, tab=TAB, plan=plan)


@page_post("/operator/{authority:str}/plans/{plan_id:int}/delete", access=Access.OPERATOR)
async def post_delete(
    request: AnyRequest, authority: FromPath[str], plan_id: FromPath[int], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Throws a draft away."""
    visitor, _, office = await enter_posted(request, desk, authority)
    plan = await own_draft(desk, office, plan_id)
    async with transaction(desk.kernel.engine) as connection:
        await delete_draft(connection, plan.id)
    return go_to(visitor, f"{office.path}/plans", told="plan_deleted")


def _moments(form: Form) -> tuple[datetime | None, datetime | None]:
    """When booking opens and closes. Raises FieldsRefused when it would close before it opens."""
    opens_at, closes_at = moment_of(form, "opens_at"), moment_of(form, "closes_at")
    if closes_at is not None and closes_at <= (opens_at or clock.now()):
        raise FieldsRefused({"closes_at": ("after_opening", {})})
    return opens_at, closes_at


async def _own_published(desk: Desk, office: Office, plan_id: int) -> Plan:
    plan = await own_plan(desk, office, plan_id)
    if plan.state == "draft":
        raise PlanNotPublished(plan=plan_id)
    return plan


async def _publish_form(
    desk: Desk,
    visitor: Visitor,
    office: Office,
    *,
    plan: Plan,
    form: Form,
    refused: Refusal | None = None,
) -> Response[Any]:
    async with transaction(desk.kernel.reads) as connection:
        settings = await read_settings(connection, lineage=office.up, service=plan.service)
    rules = settings.plans
    first_day = clock.today() + timedelta(days=rules.publish_ahead_days)
    return show(
        "plan_publish",
        visitor,
        office,
        tab=TAB,
        plan=plan,
        form=form,
        rules=rules,
        first_day=first_day,
        refused=refused,
    )


PUBLISHING_PAGES = [
    get_publish,
    post_publish_page,
    get_close,
    post_close_page,
    get_delete,
    post_delete,
]
