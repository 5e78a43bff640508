"""The API describes itself whole and truly: every operation, its refusals, its limits, and examples that could be sent."""

import re
from typing import get_args

import msgspec
import pytest

from booking_api.app import create_app
from booking_api.description import building
from booking_api.description.told import OPTION
from booking_api.errors import ApiError
from booking_api.gate.access import ACCESS, KEY_SCOPES, ROLES_OF, Access
from reservation.errors import ReservationError


@pytest.fixture
def app(settings, token):
    return create_app(settings)


@pytest.fixture
def schema(app):
    return building.describe_api(app, ACCESS, {})


@pytest.fixture
def operations(schema):
    return {
        (method.upper(), path): told
        for path, item in schema["paths"].items()
        for method, told in item.items()
    }


def codes(told):
    return {
        code
        for answer in told["responses"].values()
        for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }


def test_every_route_of_the_table_is_described(operations):
    undescribed = {("GET", "/api/v1/openapi.json")}
    assert {route for route in operations if route[1].startswith("/api/")} == set(ACCESS) - undescribed


def test_every_operation_says_what_it_is_for(operations):
    for told in operations.values():
        assert told["summary"]
        assert told["description"].endswith((".", ")"))
        assert len(told["tags"]) == 1
    ids = [told["operationId"] for told in operations.values()]
    assert len(set(ids)) == len(ids)


def test_every_group_says_what_is_in_it(schema):
    assert [tag["name"] for tag in schema["tags"] if not tag["description"]] == []
    # Their names are addresses within the reference page.
    assert [tag["name"] for tag in schema["tags"] if not tag["name"].isalpha()] == []


def test_every_body_and_answer_has_an_example(operations):
    lacking = [
        route
        for route, told in operations.items()
        for content in [
            *told.get("requestBody", {}).get("content", {}).values(),
            *(
                content
                for status, answer in told["responses"].items()
                if status < "300"
                for content in answer.get("content", {}).values()
            ),
        ]
        if "example" not in content
    ]
    assert lacking == []


def test_every_example_is_one_of_its_type(app):
    drawn = app.openapi_schema.to_schema()["paths"]
    seen = 0
    for one in building._operations(app, drawn):
        told = one.handler.opt.get(OPTION)
        for value, kind in ((told.body, one.body), (told.answer, one.answer)) if told else ():
            if value is None or isinstance(value, msgspec.Struct):
                continue
            # One of several structs is written, never read: the example is of the first.
            read = get_args(kind)[0] if building._is_choice(kind) else kind
            plain = msgspec.to_builtins(msgspec.convert(value, read, strict=True))
            assert set(value) <= set(plain) if isinstance(value, dict) else plain == value
            seen += 1
    assert seen > 100


def test_who_may_ask_is_what_the_table_says(operations):
    for route, access in ACCESS.items():
        if route not in operations:
            continue
        told = operations[route]
        signs_in = access not in {Access.PUBLIC, Access.UNKNOWN, Access.SIGNED}
        assert ("token_missing" in codes(told)) == signs_in
        assert {"session_ended", "key_scope_missing"} <= codes(told) or not signs_in
        assert ("signature_invalid" in codes(told)) == (access is Access.SIGNED)
        assert ("rate_limited" in codes(told)) == (access not in {Access.PUBLIC, Access.SIGNED})
        assert ("not_verified" in codes(told)) == (access is Access.VERIFIED)
        assert ("role_missing" in codes(told)) >= (access in ROLES_OF)


def test_how_to_say_who_one_is_stands_with_every_operation(operations, schema):
    def ways(method, path):
        return operations[method, path]["security"]

    assert ways("GET", "/api/v1/pools") == []
    assert ways("POST", "/api/v1/sign-in") == []
    assert ways("GET", "/api/v1/bookings") == [{"token": []}, {"session": []}]
    assert ways("POST", "/api/v1/holds") == [{"token": []}, {"session": [], "csrf": []}]
    assert ways("GET", "/api/v1/schools/{school}/batches")[2:] == [{"api_key": ["batches:read"]}]
    assert ways("POST", "/api/v1/payments/callback") == [{"signature": []}]
    for route, told in operations.items():
        # Only what changes something needs the token of a page.
        assert ("csrf_refused" in codes(told)) >= any("csrf" in way for way in told["security"])
        assert any("csrf" in way for way in told["security"]) == (
            "token_missing" in codes(told) and route[0] != "GET"
        )
        scopes = [scope for way in told["security"] for scope in way.get("api_key", [])]
        assert scopes == ([KEY_SCOPES[route]] if route in KEY_SCOPES else [])
    named = {name for told in operations.values() for way in told["security"] for name in way}
    assert named == set(schema["components"]["securitySchemes"])


def test_what_is_no_json_is_not_described_as_json(operations):
    def answer(path, status="200"):
        return operations["GET", path]["responses"][status]

    assert set(answer("/api/v1/bookings/{booking_id}/ticket.ics")["content"]) == {"text/calendar"}
    assert set(answer("/api/v1/bookings/{booking_id}/ticket.svg")["content"]) == {"image/svg+xml"}
    assert {"Location", "Set-Cookie"} <= set(answer("/api/v1/sign-in/oidc", "302")["headers"])
    export = answer("/api/v1/accounts/me/export")
    assert "Content-Disposition" in export["headers"]
    assert set(export["content"]) == {"application/json"}


def test_every_refusal_there_is_can_be_met_somewhere(operations):
    # A refusal that no operation tells of is one that its callers are not prepared for.
    met = set().union(*(codes(told) for told in operations.values()))
    known = {error.code for error in (*_subclasses(ReservationError), *_subclasses(ApiError))}
    # Of a batch that is taken, single rows are refused: the answer that shows them names these.
    of_rows = {"learner_twice", "batches_off", "school_share_reached"}
    rows = operations["GET", "/api/v1/schools/{school}/batches/{batch_id}"]["description"]
    assert [code for code in of_rows if f"`{code}`" not in rows] == []
    # Promises have no route yet; the demo is no part of the API, nor are forms and the pages of a school.
    assert known - met - of_rows <= {
        "unknown_promise",
        "unknown_applicant",
        "fields_refused",
        "unknown_learner",
    }


def test_a_confirm_tells_its_key_and_its_optional_body(operations):
    told = operations["POST", "/api/v1/holds/{hold_id}/confirm"]
    [key] = [each for each in told["parameters"] if each["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", True)
    assert told["requestBody"]["required"] is False


def test_limits_are_those_that_are_checked(schema):
    hold = schema["components"]["schemas"]["HoldRequest"]
    assert hold["additionalProperties"] is False
    assert hold["properties"]["units"]["maxItems"] == 10
    assert hold["properties"]["units"]["items"]["minimum"] == 1
    assert schema["components"]["schemas"]["Booking"]["properties"]["created_at"]["format"] == "date-time"


def test_no_two_types_share_a_name(schema):
    # Where two do, both are called by the names of their modules, which is no name for a reader.
    assert [name for name in schema["components"]["schemas"] if "." in name] == []


def test_patterns_are_those_of_any_language(schema):
    text = msgspec.json.encode(schema).decode()
    assert re.findall(r"\\\\Z", text) == []
    assert set(re.findall(r'"\$ref":"#/components/(\w+)/(\w+)"', text)) <= {
        (room, name) for room in ("schemas", "examples") for name in schema["components"][room]
    }


def _subclasses(kind):
    return [
        each
        for child in kind.__subclasses__()
        for each in (child, *_subclasses(child))
        if hasattr(each, "code")
    ]
