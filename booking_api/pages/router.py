"""The pages' routes in one router, with refusals shown as pages."""

from collections.abc import Sequence

from litestar import Router

from booking_api.demo.applicants import Applicant
from booking_api.pages.account.consents import CONSENT_PAGES
from booking_api.pages.account.routes import ACCOUNT_PAGES
from booking_api.pages.account.signing_in import sign_in_pages
from booking_api.pages.applicant.finding import find_pages
from booking_api.pages.applicant.holding import HOLD_PAGES
from booking_api.pages.applicant.paying import FEE_PAGES
from booking_api.pages.applicant.why import get_why
from booking_api.pages.assets import get_asset
from booking_api.pages.bookings.routes import BOOKING_PAGES
from booking_api.pages.counter import COUNTER_PAGES
from booking_api.pages.messages.routes import MESSAGE_PAGES
from booking_api.pages.offline import get_manifest, get_offline, get_worker
from booking_api.pages.operator.routes import OPERATOR_PAGES
from booking_api.pages.problem_pages import PAGE_EXCEPTIONS
from booking_api.pages.reference import get_reference_page
from booking_api.pages.school import SCHOOL_PAGES
from booking_api.pages.station import STATION_PAGES
from booking_api.pages.styleguide import get_styleguide
from booking_api.pages.verifier import VERIFIER_PAGES


def page_routes(*, applicants: Sequence[Applicant]) -> Router:
    """The pages. `applicants` are who one can be by choosing; none where demo sign-ins are off."""
    return Router(
        "/",
        route_handlers=[
            *find_pages(),
            *HOLD_PAGES,
            *FEE_PAGES,
            get_why,
            *CONSENT_PAGES,
            *SCHOOL_PAGES,
            *sign_in_pages(applicants),
            *OPERATOR_PAGES,
            *ACCOUNT_PAGES,
            *BOOKING_PAGES,
            *MESSAGE_PAGES,
            *COUNTER_PAGES,
            *STATION_PAGES,
            get_styleguide,
            get_reference_page,
            *VERIFIER_PAGES,
            get_asset,
            get_manifest,
            get_offline,
            get_worker,
        ],
        exception_handlers=PAGE_EXCEPTIONS,
        include_in_schema=False,
    )
