"""Which problems an operation answers with, and how OpenAPI says it. Imports `gate.access`, `problems` and the errors."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from booking_api.description.told import Refusal
from booking_api.errors import (
    ApiError,
    InvalidRequest,
    NotVerified,
    RateLimited,
    RoleMissing,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from booking_api.gate.access import ROLES_OF, Access
from booking_api.identity.sessions.errors import CsrfRefused, SessionEnded
from booking_api.organisations.errors import KeyScopeMissing, OrganisationSuspended
from booking_api.payments.errors import SignatureInvalid
from booking_api.problems import PROBLEM_JSON, STATUS, Problem
from reservation.errors import Busy, Unavailable

RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which repeating may succeed.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
UNCOUNTED = {None, Access.PUBLIC, Access.SIGNED}
WITHOUT_SIGN_IN = {*UNCOUNTED, Access.UNKNOWN}
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). Members beside these name what it is about: the unit, the hold, the policy.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:gongdao:problem:` and the code."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong, for people."},
        "code": {
            "type": "string",
            "description": "What is wrong, for programs; it never changes its meaning.",
        },
        "request_id": {
            "type": "string",
            "description": "With a status from 500 on: the answer's `X-Request-Id`, by which its lines in the log are found.",
        },
        "errors": {
            "type": "array",
            "description": "With `invalid_request`: each field that cannot be used.",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def refusals(
    access: Access | None, *, told: Iterable[Refusal], asks: bool, writes: bool, reads_servers: bool
) -> list[Refusal]:
    """What an operation of this access refuses. `asks`: it has parameters or a body."""
    found: list[Refusal] = []
    if asks:
        found.append(InvalidRequest)
    if access in WITHOUT_SIGN_IN:
        found += [SignatureInvalid] if access is Access.SIGNED else []
    else:
        # Whoever signs in does so with a token, a session's cookie or a key; a key may also be sent where none may do it.
        found += [
            TokenMissing,
            TokenInvalid,
            TokenExpired,
            SessionEnded,
            KeyScopeMissing,
            OrganisationSuspended,
        ]
        found += [CsrfRefused] if writes else []
        found += [NotVerified] if access is Access.VERIFIED else []
        found += [RoleMissing] if access in ROLES_OF else []
    if access not in UNCOUNTED:
        found.append(RateLimited)
    if reads_servers:
        found += [Unavailable, Busy]
    return list(dict.fromkeys([*found, *told]))


def fact_of(problem: Refusal) -> Problem:
    """A refusal as it goes over the wire: its status, code and sentence."""
    status = problem.status if issubclass(problem, ApiError) else STATUS[problem.code]
    return Problem(status, problem.code, problem.sentence)


def problem_responses(facts: Iterable[Problem]) -> dict[str, Any]:
    """The responses of these problems by status."""
    by_status: dict[int, list[str]] = {}
    for fact in facts:
        by_status.setdefault(fact.status, []).append(fact.code)
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def example_of(fact: Problem) -> dict[str, Any]:
    """The problem as a component that every operation refers to."""
    value: dict[str, Any] = {
        "type": f"urn:gongdao:problem:{fact.code}",
        "title": HTTPStatus(fact.status).phrase,
        "status": fact.status,
        "detail": fact.sentence,
        "code": fact.code,
    }
    if fact.code == InvalidRequest.code:
        value["errors"] = [{"field": "limit", "reason": "Expected `int` >= 1"}]
    return {"summary": fact.sentence, "value": value}


def _response(status: int, codes: list[str]) -> dict[str, Any]:
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"properties": {"code": {"enum": sorted(codes)}, "status": {"const": status}}},
        ]
    }
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    response: dict[str, Any] = {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }
    return response | ({"headers": RETRY_AFTER} if status in {429, 503} else {})
