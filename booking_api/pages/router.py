"""The pages' routes in one router, with refusals shown as pages."""

from collections.abc import Sequence

from litestar import Router

from booking_api.demo.applicants import Applicant
from booking_api.pages.assets import get_asset
from booking_api.pages.live import live_page
from booking_api.pages.reference import get_reference_page
from booking_api.pages.rendering import reservation_page
from reservation.errors import ReservationError


def page_routes(*, applicants: Sequence[Applicant]) -> Router:
    """The pages. `applicants` are who one can be by choosing; none where demo sign-ins are off."""
    return Router(
        "/",
        route_handlers=[live_page(applicants), get_reference_page, get_asset],
        exception_handlers={ReservationError: reservation_page},
        include_in_schema=False,
    )
