"""The application: builds the kernel, the gate and the routes of one worker, and ends them in order."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from litestar import Litestar, Router
from litestar.di import Provide

from booking_api import clock
from booking_api.availability import Availability
from booking_api.demo.applicants import APPLICANTS
from booking_api.demo.sign_in import sign_in_routes
from booking_api.description import Description
from booking_api.desk import Desk
from booking_api.eligibility import Eligibility
from booking_api.gate import Gate
from booking_api.gate.limits import gate_library
from booking_api.identity.passwords import Passwords
from booking_api.identity.tokens import TokenVerifier, load_key
from booking_api.pages import page_routes
from booking_api.problems import EXCEPTION_HANDLERS
from booking_api.request import BODY_LIMIT_BYTES, LeanRequest
from booking_api.routes import accounts, authorities, bookings, health, holds, openapi, plans, pools
from booking_api.services import Service, ServicePlugin, access_of, check_routes
from booking_api.settings import Settings
from reservation import Kernel, sweep_forever, watch
from reservation.database import create_engine, create_reading_engine

CONNECTIONS = 8


def create_app(settings: Settings, services: Sequence[Service] = ()) -> Litestar:
    """One worker's application with these services. Connects when its lifespan starts, drains when it ends.

    Raises:
        SettingsError, KeyFileError, ServiceUnusable: before anything is started.
        ValueError: the settings name no servers (the supervising process fills them in).
    """
    if settings.database_url is None or settings.valkey_url is None:
        raise ValueError("create_app needs both server URLs")
    key = load_key(settings.key_file)
    verifier = TokenVerifier(key, now_s=clock.now_s)
    kernel = Kernel(
        create_engine(settings.database_url, connections=CONNECTIONS),
        settings.valkey_url,
        clock=clock.now_ms,
        libraries=[gate_library()],
        reads=create_reading_engine(settings.database_url),
    )
    access = access_of(services)
    desk = Desk(
        settings,
        Gate(settings, kernel, verifier, access),
        kernel,
        Availability(kernel),
        Eligibility(kernel),
        Passwords(),
        key,
        Description(access, tags={tag: about for each in services for tag, about in each.tags.items()}),
    )

    pages = page_routes(applicants=APPLICANTS if settings.demo_sign_ins else ())
    demo = [sign_in_routes(key)] if settings.demo_sign_ins else []
    app = Litestar(
        route_handlers=[_api(), pages, *demo, health.get_live, health.get_ready],
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[lambda _: _running(desk)],
        request_class=LeanRequest,
        request_max_body_size=BODY_LIMIT_BYTES,
        logging_config=None,
        openapi_config=openapi.CONFIG,
        plugins=[ServicePlugin(service) for service in services],
    )
    check_routes(app, access)
    return app


def _api() -> Router:
    return Router(
        "/api/v1",
        route_handlers=[
            accounts.post_account,
            accounts.get_me,
            accounts.post_sign_in,
            accounts.post_token,
            accounts.post_sign_out,
            accounts.post_verification,
            holds.post_hold,
            holds.delete_hold,
            holds.post_confirm,
            bookings.get_bookings,
            bookings.post_cancel,
            bookings.post_reschedule,
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
            openapi.get_openapi,
        ],
    )


@asynccontextmanager
async def _running(desk: Desk) -> AsyncGenerator[None, None]:
    """Connects and sweeps while the worker serves; ends in order."""
    watch(desk.kernel)
    await desk.kernel.open()
    sweeper = asyncio.create_task(sweep_forever(desk.kernel), name="sweep")
    try:
        yield
    finally:
        # The server has drained its requests by now; what they left in queues is answered before we go.
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
        await desk.availability.close()
        desk.passwords.close()
        await desk.kernel.close()
