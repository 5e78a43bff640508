"""OpenAPI 3.1 of an application. Imports Litestar, msgspec and this room."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, NamedTuple, Union, cast, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from booking_api.description.problems import (
    PROBLEM_SCHEMA,
    UNCOUNTED,
    example_of,
    fact_of,
    problem_responses,
    refusals,
)
from booking_api.description.security import SCHEMES, security_of
from booking_api.description.told import NOTHING_TOLD, OPTION, Told
from booking_api.gate.access import Access
from booking_api.problems import BODY_PROBLEMS, INTERNAL, NOT_FOUND

REFERENCE = "#/components/schemas/{name}"
JSON = "application/json"
SAYS: Mapping[int, str] = {
    200: "As asked.",
    201: "Made.",
    202: "Taken; it is carried out after this answer.",
    204: "Done; there is no body.",
    302: "Go to `Location`.",
}
RATE_HEADERS = {
    "RateLimit": {
        "description": "What is left of each policy (IETF draft-ietf-httpapi-ratelimit-headers).",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": "The policies and their quotas.", "schema": {"type": "string"}},
}
INFO = {
    "title": "Gongdao",
    "version": "1",
    "summary": "Shares out driving-test sessions, inspection appointments and plate numbers.",
    "description": (
        "Hold units, then confirm them within minutes: a confirmed booking is durable, and no place is sold twice. "
        "Writing is safe to repeat. Who one is, is said with a token of `POST /api/v1/sign-in` in `Authorization: Bearer`, with "
        "a school's or station's API key in the same place, or, from a page, with a session's cookie; writes by cookie carry "
        "`X-CSRF-Token`. Every refusal is a problem document (RFC 9457) with a `code` for programs. Lists come "
        "in pages: pass `next` of an answer as `cursor` of the following request. Times are RFC 3339."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
TAGS: Mapping[str, str] = {
    "pools": "What there is to hold: pools, their units, and live counts. Open to everyone.",
    "accounts": "Register, sign in, be verified, sign in through an identity provider, take one's data along or have it erased.",
    "sessions": "Signing in for pages of a browser: a cookie that scripts cannot read, and a token for what changes something.",
    "factors": "A second step at sign-in: authenticator apps and security keys. And what happened to the account.",
    "holds": "Claim units for some minutes, give them back, or confirm them.",
    "bookings": "One's confirmed bookings: list, cancel, move; the calendar entry and the code that is shown at the door.",
    "counter": "For counter clerks: a visit of somebody whose card is in hand, and what is done for them in it, under their own rules and limits.",
    "stations": "For stations: the code on a booking is read at the door.",
    "payments": "Fees: ordered and paid online or at a counter, and paid back.",
    "notices": "What one was told: bookings, payments, changes of plan.",
    "consents": "Which schools may book for a learner, and which ask to.",
    "schools": "For driving schools: their learners, bookings for many learners at once, one learner in another's place.",
    "keys": "API keys: what a school's or station's own system signs in with. Only people make and revoke keys.",
    "webhooks": "Signed messages to a school's or station's own server when something happens.",
    "organisations": "The register of schools and stations, and who acts for them.",
    "plans": "Sessions planned by an authority: drafted, published, closed, cancelled.",
    "authorities": "An authority's figures and days off, and how they changed.",
    "health": "Whether this installation can do its work.",
}


class Operation(NamedTuple):
    """One method on one path, and the handler that serves it."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def told(self) -> Told:
        """What the handler declares."""
        return cast("Told", self.handler.opt.get(OPTION, NOTHING_TOLD))

    @property
    def body(self) -> Any:
        """The body's type; None when there is none."""
        data = self.handler.parsed_fn_signature.parameters.get("data")
        return self.told.reads if data is None else data.annotation

    @property
    def body_needed(self) -> bool:
        """Whether a request without a body is refused."""
        data = self.handler.parsed_fn_signature.parameters.get("data")
        return data is None or not data.has_default

    @property
    def media(self) -> str:
        """The answer's media type."""
        media = self.handler.media_type
        return str(getattr(media, "value", media) or JSON)

    @property
    def answer(self) -> Any:
        """The answer's type."""
        returned = self.handler.parsed_fn_signature.return_type
        if self.media != JSON:
            return str
        parts = returned.inner_types if returned.is_union else (returned,)
        kinds = [_carried(part) for part in parts]
        return Union[tuple(kinds)]  # noqa: UP007 - of as many as there are


def _carried(returned: FieldDefinition) -> Any:
    if not returned.is_subclass_of(Response):
        return returned.annotation
    return returned.inner_types[0].annotation if returned.inner_types else Any


def _operations(app: Litestar, drawn: Mapping[str, Any]) -> Iterator[Operation]:
    """Every described operation of the application, in order of its paths."""
    for route in sorted(app.routes, key=lambda route: route.path_format):
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods):
                if method.lower() in drawn.get(route.path_format, {}):
                    yield Operation(method, route.path_format, handler)


def describe_api(
    app: Litestar, access: Mapping[tuple[str, str], Access], tags: Mapping[str, str]
) -> dict[str, Any]:
    """The whole document. `tags` are those of services, behind our own."""
    known = {**TAGS, **tags}
    drawn = app.openapi_schema.to_schema()["paths"]
    found = list(_operations(app, drawn))
    by_type, components = _schemas([kind for one in found for kind in (one.body, one.answer)])
    paths: dict[str, dict[str, Any]] = {}
    examples: dict[str, Any] = {}
    for one in found:
        parameters = drawn[one.path][one.method.lower()].get("parameters", [])
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(
            one, parameters, by_type, access.get((one.method, one.path)), examples
        )
    used = sorted(
        {tag for item in paths.values() for told in item.values() for tag in told["tags"]},
        key=list(known).index,
    )
    document = {
        "openapi": "3.1.0",
        "info": INFO,
        "tags": [{"name": tag, "description": known.get(tag, "")} for tag in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**components, "Problem": PROBLEM_SCHEMA}.items())),
            "examples": dict(sorted(examples.items())),
            "securitySchemes": SCHEMES,
        },
    }
    return cast("dict[str, Any]", _portable(document))


def _schemas(kinds: Sequence[Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Each type's schema, and the components they refer to.

    An answer may be one of several untagged structs, which msgspec writes but does not read: each is described alone.
    """
    parts = {repr(kind): get_args(kind) if _is_choice(kind) else (kind,) for kind in kinds}
    flat = [part for each in parts.values() for part in each]
    drawn, components = msgspec.json.schema_components(flat, ref_template=REFERENCE)
    by_part = dict(zip(map(repr, flat), drawn, strict=True))
    by_type: dict[str, Any] = {}
    for kind, each in parts.items():
        told = [by_part[repr(part)] for part in each]
        by_type[kind] = told[0] if len(told) == 1 else {"anyOf": told}
    return by_type, components


def _is_choice(kind: Any) -> bool:
    return get_origin(kind) in {UnionType, Union} and all(
        isinstance(part, type) and issubclass(part, msgspec.Struct) for part in get_args(kind)
    )


def _operation(
    one: Operation,
    parameters: list[dict[str, Any]],
    by_type: Mapping[str, Any],
    access: Access | None,
    examples: dict[str, Any],
) -> dict[str, Any]:
    handler, told = one.handler, one.told
    given = [*(_parameter(each) for each in parameters), *map(dict, told.headers)]
    operation: dict[str, Any] = {
        "operationId": handler.handler_name,
        "summary": handler.summary or handler.handler_name,
        "description": (handler.fn.__doc__ or "").strip(),
        "tags": sorted(handler.resolve_tags() if hasattr(handler, "resolve_tags") else handler.tags or []),
        "security": security_of((one.method, one.path), access),
        "x-access": (access or Access.PUBLIC).name.lower(),
    }
    if given:
        operation["parameters"] = given
    if one.body is not None:
        operation["requestBody"] = {
            "required": one.body_needed,
            "content": {JSON: _content(by_type[repr(one.body)], told.body)},
        }
    problems = refusals(
        access,
        told=told.problems,
        asks=bool(given) or one.body is not None,
        writes=one.method != "GET",
        reads_servers=one.path.startswith("/api/"),
    )
    facts = [*map(fact_of, problems), INTERNAL, *(BODY_PROBLEMS if one.body is not None else ())]
    if any(each["in"] == "path" for each in given):
        # What cannot be an id at all is a path that nothing serves.
        facts.append(NOT_FOUND)
    examples.update({fact.code: example_of(fact) for fact in facts})
    answers = _answers(one, by_type, counted=access not in UNCOUNTED)
    operation["responses"] = answers | problem_responses(facts)
    return operation


def _answers(one: Operation, by_type: Mapping[str, Any], *, counted: bool) -> dict[str, Any]:
    status = one.handler.status_code
    headers = {
        name: {"description": says, "schema": {"type": "string"}} for name, says in one.told.sends.items()
    }
    headers |= RATE_HEADERS if counted else {}
    answers: dict[str, Any] = {}
    for code, says in {status: SAYS.get(status, "As asked."), **one.told.also}.items():
        answers[str(code)] = {"description": says}
        if headers:
            answers[str(code)]["headers"] = headers
        if code != 204:
            content = {one.media: _content(by_type[repr(one.answer)], one.told.answer)}
            for media, example in one.told.media.items():
                content[media] = _content({"type": "string"}, example)
            answers[str(code)]["content"] = content
    return answers


def _content(schema: Any, example: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = msgspec.to_builtins(example)
    return content


def _parameter(drawn: dict[str, Any]) -> dict[str, Any]:
    """The framework's parameter without what is said twice, and a parameter left out as left out, not as null."""
    schema = {name: value for name, value in drawn["schema"].items() if name != "description"}
    choices = [choice for choice in schema.pop("oneOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        schema = choices[0] | schema
    elif choices:
        schema["oneOf"] = choices
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    kept = {name: drawn[name] for name in ("name", "in", "description") if name in drawn}
    return kept | {"required": drawn.get("required", False), "schema": schema}


def _portable(node: Any) -> Any:
    """Patterns as JavaScript writes them, whole numbers as such."""
    if isinstance(node, dict):
        node = cast("dict[str, Any]", node)
        return {
            name: _portable_text(name, value) if isinstance(value, str) else _portable(value)
            for name, value in node.items()
        }
    if isinstance(node, list | tuple):
        return [_portable(each) for each in cast("list[Any]", node)]
    return int(node) if isinstance(node, float) and node.is_integer() else node


def _portable_text(name: str, text: str) -> str:
    if name == "pattern":
        return text.replace("\\Z", "$")
    return inspect.cleandoc(text) if name == "description" else text
