"""A refusal, a missing page and our own failure as pages, for who came with a browser. Imports Litestar."""

import logging
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.exceptions import HTTPException, NotFoundException
from sqlalchemy.exc import SQLAlchemyError

from booking_api.errors import ApiError
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.visiting import SignInNeeded, stranger, visitor_or_stranger
from booking_api.problems import INTERNAL, http_problem
from booking_api.request import AnyRequest, header
from reservation.committer import connection_lost
from reservation.errors import ReservationError, Unavailable
from reservation.failure import describe, trace

log = logging.getLogger(__name__)
SIGN_IN = "/sign-in"


def refusal_page(request: AnyRequest, error: ApiError | ReservationError) -> Response[str]:
    """What is wrong, and when to come again."""
    visitor = visitor_or_stranger(request)
    return _page(request, refusal_of(visitor.words, error))


def sign_in_first(_: AnyRequest, error: SignInNeeded) -> Response[None]:
    """To the sign-in, and back afterwards."""
    where = f"{SIGN_IN}?{urlencode({'next': error.back})}"
    return Response(None, status_code=303, headers={"Location": where, "Cache-Control": "no-store"})


def http_page(request: AnyRequest, error: HTTPException) -> Response[str]:
    """What the framework refuses: no such page, too long a form."""
    words = stranger(request).words
    key = f"problem.http_{error.status_code}"
    sentence = words.code(key, instead=words.code("problem.http_400"))
    refused = Refusal(
        status=error.status_code, code=str(error.status_code), sentence=sentence, fields={}, rules=[]
    )
    return _page(request, refused)


def failure_page(request: AnyRequest, error: Exception) -> Response[str]:
    """Our own failure, or a database that went away: logged with its trace, told without."""
    if isinstance(error, SQLAlchemyError | OSError) and connection_lost(error):
        log.warning("database: %s", describe(error))
        return refusal_page(request, Unavailable(part="postgresql"))
    template = request.scope["path_template"]
    log.error("%s %s failed\n%s", request.method, template, trace(error))
    words = stranger(request).words
    refused = Refusal(
        status=500, code=INTERNAL.code, sentence=words.code("problem.internal"), fields={}, rules=[]
    )
    return _page(request, refused)


def missing(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """A path that nothing serves: a page for a browser, a problem for a program."""
    wants_page = "text/html" in (header(request, b"accept") or "")
    if wants_page and not request.url.path.startswith("/api/"):
        return http_page(request, error)
    return http_problem(request, error)


def _page(request: AnyRequest, refused: Refusal) -> Response[str]:
    wait = {"Retry-After": str(refused.retry_after_s)} if refused.retry_after_s else None
    return render("problem.html", visitor_or_stranger(request), headers=wait, refused=refused)


PAGE_EXCEPTIONS: dict[Any, Any] = {
    SignInNeeded: sign_in_first,
    ReservationError: refusal_page,
    ApiError: refusal_page,
    NotFoundException: missing,
    HTTPException: http_page,
    SQLAlchemyError: failure_page,
    OSError: failure_page,
    Exception: failure_page,
}
