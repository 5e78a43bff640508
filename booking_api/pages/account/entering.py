"""Beginning a session in this browser, and where to go then. Imports the sessions' room."""

from litestar import Response

from booking_api.desk import Desk
from booking_api.identity.factors.errors import PublicUrlNeeded
from booking_api.pages.rendering import go_to
from booking_api.pages.visiting import Visitor
from booking_api.request import AnyRequest

HOME = "/"


def check_cookies_safe(desk: Desk) -> None:
    """Passes where no network between a browser and us can read a cookie.

    Raises:
        PublicUrlNeeded: it could; nobody signs in by cookie there.
    """
    if not desk.settings.keeps_cookies_safe:
        raise PublicUrlNeeded


def back_of(wanted: str) -> str:
    """Where to go after signing in: a path of ours, else the start.

    >>> back_of("/bookings?x=1"), back_of("https://elsewhere.example"), back_of("//elsewhere.example")
    ('/bookings?x=1', '/', '/')
    """
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if ours and not wanted.startswith("/sign-") else HOME


async def enter(
    desk: Desk, request: AnyRequest, visitor: Visitor, *, account: str, back: str, told: str | None = None
) -> Response[None]:
    """Signs in here as this account, whose proofs have been right."""
    _, cookie = await desk.sessions.begin(account, instead_of=desk.gate.cookie.of(request))
    entered = visitor._replace(headers=visitor.headers | desk.gate.cookie.set(cookie))
    return go_to(entered, back, told=told)
