"""The application: builds the kernel, the gate and the routes of one worker, and ends them in order."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

from joserfc.jwk import OKPKey
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException

from booking_api import clock
from booking_api.attendance.concluding import CONCLUDE_EVERY_S, conclude
from booking_api.availability import Availability
from booking_api.belongings import Belongings
from booking_api.demo.applicants import APPLICANTS
from booking_api.demo.sign_in import sign_in_routes
from booking_api.description import Description
from booking_api.desk import Desk
from booking_api.eligibility import Eligibility
from booking_api.gate import Gate
from booking_api.gate.access import Access
from booking_api.gate.limits import gate_library
from booking_api.identity.oidc import build_provider
from booking_api.identity.passwords import Passwords
from booking_api.identity.sessions.memory import Sessions
from booking_api.identity.shared_secrets import read_secret
from booking_api.identity.tokens import TokenVerifier, load_key
from booking_api.offers import Offers
from booking_api.outbound import Outbound
from booking_api.outbox.courier import Courier
from booking_api.outbox.delivering import DELIVER_EVERY_S, deliver_due
from booking_api.outbox.pruning import PRUNE_EVERY_S, prune_outbox
from booking_api.pages import page_routes
from booking_api.pages.problem_pages import missing
from booking_api.payments.counter import CounterPayments
from booking_api.payments.mending import MEND_EVERY_S, mend_payments
from booking_api.payments.provider import PaymentProvider
from booking_api.payments.remote import HttpPaymentProvider
from booking_api.problems import EXCEPTION_HANDLERS
from booking_api.pulses import Pulses
from booking_api.registers.asking import vehicles_of
from booking_api.repeating import repeated
from booking_api.request import BODY_LIMIT_BYTES, LeanRequest
from booking_api.routes import (
    accounts,
    api_keys,
    attendance,
    authorities,
    bookings,
    consents,
    counter,
    counter_bookings,
    factors,
    health,
    holds,
    notices,
    oidc,
    openapi,
    organisations,
    payments,
    plans,
    pools,
    privacy,
    schools,
    sessions,
    tickets,
    verification,
    webhooks,
)
from booking_api.schools.carrying import carry_forever
from booking_api.schools.parts import Parts
from booking_api.schools.telling_bookings import TELL_EVERY_S, tell_bookings
from booking_api.self_report import REPORT_EVERY_S, SelfReport
from booking_api.services import Service, ServicePlugin, access_of, check_routes
from booking_api.settings import Settings
from booking_api.telemetry import Tracing
from booking_api.tickets.photo import PhotoReader
from booking_api.verification import build_verification
from reservation import Kernel, sweep_forever, watch
from reservation.database import create_engine, create_reading_engine

CONNECTIONS = 8


API = [
    accounts.post_account,
    accounts.get_me,
    accounts.post_sign_in,
    accounts.post_token,
    accounts.post_sign_out,
    accounts.post_verification,
    verification.post_my_verification,
    verification.post_my_code,
    oidc.get_oidc_sign_in,
    oidc.get_oidc_callback,
    oidc.post_external_identity,
    oidc.get_external_identities,
    oidc.delete_external_identity,
    privacy.get_export,
    privacy.post_erase,
    factors.get_factors,
    factors.post_totp,
    factors.post_totp_activation,
    factors.post_totp_removal,
    factors.post_key_options,
    factors.post_key,
    factors.post_key_removal,
    factors.post_factor_reset,
    factors.post_second_step,
    factors.post_second_step_options,
    factors.get_events,
    sessions.post_session,
    sessions.post_session_second_step,
    sessions.get_session,
    sessions.delete_session,
    sessions.delete_sessions,
    sessions.post_password,
    holds.post_hold,
    holds.get_holds,
    holds.get_hold,
    holds.delete_hold,
    holds.post_confirm,
    bookings.get_bookings,
    tickets.get_booking,
    tickets.get_ticket_ics,
    tickets.get_ticket_svg,
    bookings.post_cancel,
    bookings.post_reschedule,
    attendance.post_check_in,
    counter.post_visit,
    counter.get_visit,
    counter.delete_visit,
    counter.post_visit_verification,
    counter.post_visit_password,
    counter_bookings.post_visit_hold,
    counter_bookings.delete_visit_hold,
    counter_bookings.post_visit_confirm,
    counter_bookings.post_visit_cancel,
    counter_bookings.post_visit_reschedule,
    counter.get_counter_acts,
    notices.get_notices,
    notices.post_read,
    webhooks.post_webhook,
    webhooks.get_webhooks,
    webhooks.delete_one,
    webhooks.post_ping,
    webhooks.get_deliveries,
    payments.post_payment,
    payments.post_refund,
    payments.get_payments,
    payments.post_callback,
    payments.post_counter_payment,
    payments.post_counter_refund,
    pools.get_pools,
    pools.get_units,
    pools.get_unit,
    pools.get_unit_availability,
    pools.get_pool_availability,
    authorities.get_settings,
    authorities.put_settings,
    authorities.get_settings_history,
    authorities.get_days_off,
    authorities.post_days_off,
    plans.post_plan,
    plans.get_plans,
    plans.get_plan_sessions,
    plans.post_plan_sessions,
    plans.post_plan_schedule,
    plans.delete_plan,
    plans.post_publish,
    plans.post_close,
    plans.post_session_cancel,
    organisations.get_organisations,
    organisations.post_organisation,
    organisations.post_suspend,
    organisations.post_resume,
    organisations.get_changes,
    organisations.put_member,
    organisations.delete_member,
    api_keys.post_api_key,
    api_keys.get_api_keys,
    api_keys.delete_api_key,
    consents.post_consent,
    consents.get_consents,
    consents.delete_consent,
    consents.get_consent_requests,
    consents.post_consent_accept,
    consents.delete_consent_request,
    schools.get_learners,
    schools.post_consent_request,
    schools.post_batch,
    schools.get_batches,
    schools.get_batch,
    schools.post_batch_cancel,
    schools.post_substitution,
    schools.get_substitutions,
    openapi.get_openapi,
]
"""Every handler of the API; `gate.access` says whom each serves."""


class DeskPlace:
    """Where the routes find their worker's desk: they are built before it, and can be given another."""

    desk: Desk

    def __call__(self) -> Desk:
        """The desk."""
        return self.desk


class Built(NamedTuple):
    """The application without a desk yet. Building it costs half a second; its desk nearly nothing."""

    app: Litestar
    place: DeskPlace
    access: Mapping[tuple[str, str], Access]
    description: Description


def create_app(
    settings: Settings, services: Sequence[Service] = (), *, tracing: Tracing | None = None
) -> Litestar:
    """One worker's application with these services. Connects when its lifespan starts, drains when it ends.

    With `tracing` the steps of a confirm are spans.

    Raises:
        SettingsError, KeyFileError (of any key or secret), ServiceUnusable: before anything is started.
        ValueError: the settings name no servers (the supervising process fills them in).
    """
    return furnish(build(services, demo_sign_ins=settings.demo_sign_ins), settings, tracing=tracing)


def build(services: Sequence[Service], *, demo_sign_ins: bool) -> Built:
    """Every route in its place.

    Raises:
        ServiceUnusable: a service's routes and its access table differ.
    """
    access, place = access_of(services), DeskPlace()
    about = Description(access, tags={tag: text for each in services for tag, text in each.tags.items()})
    app = Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=API),
            page_routes(applicants=APPLICANTS if demo_sign_ins else ()),
            *([sign_in_routes()] if demo_sign_ins else []),
            health.get_live,
            health.get_ready,
        ],
        dependencies={"desk": Provide(place, sync_to_thread=False)},
        exception_handlers={**EXCEPTION_HANDLERS, NotFoundException: missing},
        lifespan=[lambda _: _running(place.desk)],
        request_class=LeanRequest,
        request_max_body_size=BODY_LIMIT_BYTES,
        logging_config=None,
        openapi_config=openapi.CONFIG,
        plugins=[ServicePlugin(service) for service in services],
    )
    check_routes(app, access)
    return Built(app, place, access, about)


def furnish(built: Built, settings: Settings, *, tracing: Tracing | None = None) -> Litestar:
    """The application with a desk for these settings.

    Raises:
        SettingsError, KeyFileError, ValueError: as `create_app`.
    """
    desk = _desk(settings, load_key(settings.key_file), built.access, built.description)
    if tracing is not None:
        desk.kernel.stage = tracing.stage
    built.place.desk = desk
    return built.app


def _desk(
    settings: Settings, key: OKPKey, access: Mapping[tuple[str, str], Access], description: Description
) -> Desk:
    """One worker's parts, not connected yet."""
    if settings.database_url is None or settings.valkey_url is None:
        raise ValueError("create_app needs both server URLs")
    verifier = TokenVerifier(key, now_s=clock.now_s)
    kernel = Kernel(
        create_engine(settings.database_url, connections=CONNECTIONS),
        settings.valkey_url,
        clock=clock.now_ms,
        libraries=[gate_library()],
        reads=create_reading_engine(settings.database_url),
    )
    sessions_known = Sessions(kernel.engine, kernel.reads, key, now_ms=clock.now_ms, vehicles_of=vehicles_of)
    outbound = Outbound()
    eligibility = Eligibility(kernel)
    return Desk(
        settings=settings,
        gate=Gate(settings, kernel, verifier, sessions_known, access),
        kernel=kernel,
        availability=Availability(kernel),
        pulses=Pulses(kernel),
        eligibility=eligibility,
        offers=Offers(kernel, eligibility.sessions),
        belongings=Belongings(kernel),
        passwords=Passwords(),
        key=key,
        description=description,
        payments=payment_provider(settings),
        sessions=sessions_known,
        outbound=outbound,
        verification=build_verification(
            settings, engine=kernel.engine, outbound=outbound, key=key, now=clock.now
        ),
        provider=build_provider(settings, outbound=outbound, key=key, now_s=clock.now_s),
        photos=PhotoReader(),
    )


def payment_provider(settings: Settings) -> PaymentProvider:
    """Who takes the fees: the provider that is set up, else the counters.

    Raises:
        KeyFileError: the provider's key cannot be used.
    """
    if settings.payments_url is None or settings.payments_key_file is None:
        return CounterPayments()
    key = read_secret(settings.payments_key_file)
    return HttpPaymentProvider(
        settings.payments_url, merchant=settings.payments_merchant, key=key, now_s=clock.now_s
    )


@asynccontextmanager
async def _running(desk: Desk) -> AsyncGenerator[None, None]:
    """Connects, and does its share of the platform's jobs while the worker serves; ends in order."""
    watch(desk.kernel)
    await desk.kernel.open()
    jobs = [
        asyncio.create_task(sweep_forever(desk.kernel), name="sweep"),
        asyncio.create_task(carry_forever(Parts(desk.kernel, desk.eligibility, desk.gate)), name="carry"),
    ]
    try:
        async with _jobs(desk):
            yield
    finally:
        # The server has drained its requests by now; what they left in queues is answered before we go.
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await desk.availability.close()
        desk.passwords.close()
        desk.photos.close()
        await desk.outbound.close()
        await desk.kernel.close()


@asynccontextmanager
async def _jobs(desk: Desk) -> AsyncGenerator[None, None]:
    """What every worker does beside serving; each round takes what no other worker has taken."""
    engine, courier = desk.kernel.engine, Courier(loopback=desk.settings.webhooks_loopback)
    deliver = partial(deliver_due, engine, courier, desk.key, now=clock.now)
    report = SelfReport(desk.kernel, desk.availability)
    try:
        async with AsyncExitStack() as jobs:
            await jobs.enter_async_context(
                repeated(report.write, name="report figures", every_s=REPORT_EVERY_S)
            )
            await jobs.enter_async_context(
                repeated(deliver, name="deliver webhooks", every_s=DELIVER_EVERY_S)
            )
            await jobs.enter_async_context(
                repeated(partial(prune_outbox, engine), name="prune outbox", every_s=PRUNE_EVERY_S)
            )
            tell = partial(tell_bookings, engine, desk.kernel.reads)
            await jobs.enter_async_context(repeated(tell, name="tell bookings", every_s=TELL_EVERY_S))
            over = partial(conclude, desk.kernel, now=clock.now)
            await jobs.enter_async_context(repeated(over, name="conclude", every_s=CONCLUDE_EVERY_S))
            if desk.payments.remote:
                mend = partial(mend_payments, engine, desk.payments, now=clock.now)
                await jobs.enter_async_context(repeated(mend, name="mend payments", every_s=MEND_EVERY_S))
            yield
    finally:
        await report.write()
        await courier.close()
        await desk.payments.close()
