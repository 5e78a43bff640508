"""Every refusal as a problem (RFC 9457). One code, one status; the same mapping for kernel and application."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import SQLAlchemyError

from booking_api.errors import ApiError
from booking_api.metrics import REFUSALS
from booking_api.request import AnyRequest
from booking_api.request_id import REQUEST_ID
from reservation.committer import connection_lost
from reservation.errors import ReservationError, Unavailable
from reservation.failure import describe, trace

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"

STATUS: Mapping[str, int] = {
    "full": 409,
    "unknown_pool": 404,
    "unknown_unit": 404,
    "pool_closed": 409,
    "another_hold": 409,
    "hold_lost": 409,
    "in_flight": 409,
    "choose_unit": 422,
    "idempotency_key_reused": 422,
    "already_confirmed": 409,
    "already_booked": 409,
    "unknown_booking": 404,
    "unknown_promise": 404,
    "not_active": 409,
    "unit_over": 409,
    "not_movable": 409,
    "rebuilding": 503,
    "busy": 503,
    "unavailable": 503,
}
RETRY_AFTER_S: Mapping[str, int] = {"rebuilding": 1, "busy": 1, "unavailable": 2}


class Problem(NamedTuple):
    """What of a problem goes over the wire the same each time."""

    status: int
    code: str
    sentence: str


# Those that no error of ours stands for.
INTERNAL = Problem(500, "internal", "This is our failure and has been logged. Repeating the request is safe.")
BODY_PROBLEMS = (
    Problem(400, "bad_request", "The body is no JSON, or did not arrive whole."),
    Problem(413, "content_too_large", "The body is longer than it may be here: 64 KiB, a batch 256 KiB."),
)
NOT_FOUND = Problem(404, "not_found", "There is nothing at this path.")
# What Python calls a status differs from version to version; a code must not.
_NAMES = {413: "content_too_large", 422: "unprocessable_content"}


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    facts: Mapping[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """A problem document. `facts` become members beside the standard ones."""
    REFUSALS.labels(code).inc()
    body = {
        "type": f"urn:gongdao:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **(facts or {}),
    }
    if status >= 500 and (request_id := REQUEST_ID.get()) is not None:
        # Whoever reports the failure can name it, and the log is found by it.
        body["request_id"] = request_id
    return Response(
        msgspec.json.encode(body), status_code=status, headers=headers or {}, media_type=PROBLEM_JSON
    )


def reservation_problem(_: AnyRequest, error: ReservationError) -> Response[bytes]:
    """A kernel's refusal."""
    wait_s = RETRY_AFTER_S.get(error.code)
    return problem(
        status=STATUS[error.code],
        code=error.code,
        detail=error.sentence,
        facts=error.facts,
        headers={"Retry-After": str(wait_s)} if wait_s else None,
    )


def api_problem(_: AnyRequest, error: ApiError) -> Response[bytes]:
    """The application's own refusal."""
    return problem(
        status=error.status, code=error.code, detail=error.sentence, facts=error.facts, headers=error.headers
    )


def invalid_request(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    """A body, path or query that does not decode: which field, and why."""
    return problem(
        status=400,
        code="invalid_request",
        detail="The request cannot be used; `errors` names each field and what would be right.",
        facts={"errors": _fields(request, error)},
    )


def http_problem(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses before a route is reached: 404, 405, 413 and the like."""
    phrase = HTTPStatus(error.status_code).phrase
    return problem(
        status=error.status_code,
        code=_NAMES.get(error.status_code, phrase.lower().replace(" ", "_").replace("-", "_")),
        detail=error.detail or phrase,
        headers=dict(error.headers) if error.headers else None,
    )


def unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Our own failure: logged with its trace, told without."""
    # The template: a path may have a person's id in it.
    route = cast("Mapping[str, Any]", request.scope).get("path_template")
    log.error("%s %s failed\n%s", request.method, route, trace(error))
    return problem(status=INTERNAL.status, code=INTERNAL.code, detail=INTERNAL.sentence)


def _fields(request: AnyRequest, error: ValidationException) -> list[dict[str, str]]:
    told = cast("list[Mapping[str, Any]]", error.extra) if isinstance(error.extra, list) else []
    known = request.scope["route_handler"].parsed_fn_signature.parameters

    def spelled(key: str) -> str:
        # The framework names our argument; the caller knows the parameter, which may be no word of Python's.
        definition = known[key].kwarg_definition if key in known else None
        return getattr(definition, "name", None) or key

    return [
        {"field": spelled(str(item.get("key", "body"))), "reason": str(item.get("message", ""))}
        for item in told
    ] or [{"field": "body", "reason": error.detail}]


def database_problem(request: AnyRequest, error: SQLAlchemyError | OSError) -> Response[bytes]:
    """A database that went away is not the caller's fault and not a bug; anything else it says is one."""
    if not connection_lost(error):
        return unexpected(request, error)
    log.warning("database: %s", describe(error))
    return reservation_problem(request, Unavailable(part="postgresql"))


EXCEPTION_HANDLERS: dict[Any, Any] = {
    SQLAlchemyError: database_problem,
    OSError: database_problem,
    ReservationError: reservation_problem,
    ApiError: api_problem,
    ValidationException: invalid_request,
    HTTPException: http_problem,
    Exception: unexpected,
}
