"""The pages' routes in one router, with refusals shown as pages."""

from collections.abc import Sequence

from litestar import Router

from booking_api.demo.applicants import Applicant
from booking_api.pages.account.consents import consent_pages
from booking_api.pages.account.signing_in import sign_in_pages
from booking_api.pages.applicant.finding import get_find
from booking_api.pages.assets import get_asset
from booking_api.pages.problem_pages import PAGE_EXCEPTIONS
from booking_api.pages.reference import get_reference_page
from booking_api.pages.school import school_pages
from booking_api.pages.styleguide import get_styleguide


def page_routes(*, applicants: Sequence[Applicant]) -> Router:
    """The pages. `applicants` are who one can be by choosing; none where demo sign-ins are off."""
    return Router(
        "/",
        route_handlers=[
            get_find,
            *consent_pages,
            *school_pages,
            *sign_in_pages(applicants),
            get_styleguide,
            get_reference_page,
            get_asset,
        ],
        exception_handlers=PAGE_EXCEPTIONS,
        include_in_schema=False,
    )
