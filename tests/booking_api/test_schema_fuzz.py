"""Every operation of the description, asked with data that fits it and data that does not, by everybody.

Whatever is sent, and whoever sends it, the answer is one the description tells of, and no failure of ours.
"""

from importlib.metadata import EntryPoint

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as drawing
from hypothesis import strategies as st
from litestar.testing import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from booking_api.app import create_app
from booking_api.gate.access import KEY_SCOPES
from booking_api.identity.accounts import ROLES
from booking_api.services import GROUP, load_services
from booking_api.settings import Rate

CASES = 4
"""Of each kind (fitting, unfitting) per operation; each is sent by every role."""
SEED = 20261125
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Streams never end by themselves; tests/booking_api/pages/test_live_counts.py reads them.
STREAMS = {"get_unit_availability", "get_pool_availability"}
ASKERS: dict[str, dict] = {
    "nobody": {},
    "unverified": {"verified": False},
    "applicant": {},
    **{role: {"roles": (f"{role}:cn-hz",)} for role in ROLES},
    "school": {"roles": ("school:s-101",)},
}
NUMBER = "11010519491231002X"
PASSWORD = "four horses, one cart"
SIGN_IN = {"login": "zhang.wei", "password": PASSWORD}
# What ends the sign-ins of whoever asks for it; asked last.
LAST = ("delete_session", "delete_sessions", "post_erase")


@pytest.fixture
async def known(kernel, city):
    """Ids that are there, so that not everything asked for is unknown."""
    pool, units = await city(capacities=(3, 500))
    return {
        "pool_id": pool,
        "unit_id": units[0],
        "authority": "cn-hz",
        "service": "driving_test",
        "organisation": "s-101",
        "school": "s-101",
        "login": "zhang.wei",
    }


@pytest.fixture
def client(settings, token, quick_hashes):
    fast = Rate(100_000, 100_000)
    services = load_services([EntryPoint("disclosure", "services.disclosure:service", GROUP)])
    app = create_app(msgspec.structs.replace(settings, account_rate=fast, network_rate=fast), services)
    with TestClient(app, raise_server_exceptions=False) as started:
        yield started


@pytest.fixture
def askers(client, token, known):
    """What each asker sends: tokens of every role, a school's API key with every scope, the session of a page."""

    def made(path, body, headers=None):
        answer = client.post(f"/api/v1{path}", json=body, headers=headers or {})
        assert answer.status_code in {200, 201}, answer.text
        return answer

    new = SIGN_IN | {"identity_number": NUMBER, "name": "张伟", "phone": "13800138000"}
    made("/accounts", new)
    clerk, operator = token("clerk", roles=("clerk:cn-hz",)), token("operator", roles=("operator:cn-hz",))
    made("/verifications", {"login": new["login"], "identity_number": NUMBER}, clerk)
    school = {"id": "s-101", "kind": "school", "authority": "cn-hz", "name": {"en": "Anda"}}
    made("/organisations", school, operator)
    scopes = sorted(set(KEY_SCOPES.values()))
    wanted = {"organisation": "s-101", "name": "office", "scopes": scopes, "expires_in_days": 1}
    key = made("/api-keys", wanted, token("school", roles=("school:s-101",))).json()["key"]
    signed_in = made("/sign-in", SIGN_IN).json()["access_token"]
    session = made("/session", SIGN_IN)
    cookie = session.headers["set-cookie"].partition(";")[0]
    client.cookies.clear()
    return {
        **{asker: token(f"{asker}-fuzz", **about) for asker, about in ASKERS.items()},
        "nobody": {},
        "registered": {"Authorization": f"Bearer {signed_in}"},
        "key": {"Authorization": f"Bearer {key}"},
        "page": {"Cookie": cookie, "X-CSRF-Token": session.json()["csrf_token"]},
    }


def told_wrong(client, case, headers) -> list[str]:
    """What is wrong with the answer to this case; nothing when it is as the description tells."""
    prepared = requests.Request(
        **case.as_transport_kwargs(base_url="http://testserver.local", headers=headers)
    )
    sent = prepared.prepare()
    answer = client.request(
        sent.method, sent.url, headers=dict(sent.headers), content=sent.body, follow_redirects=False
    )
    # What one asker is sent is not the next one's.
    client.cookies.clear()
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as failures:
        said = {f"{failure.title}: {failure.message}"[:300] for failure in failures.exceptions}
        asked = f"{sent.method} {sent.url[:160]} {sent.body!r:.160}"
        return [f"{asked} -> {answer.status_code} {answer.text[:200]}: {each}" for each in sorted(said)]
    return []


def cases_of(operation, known):
    """Cases that fit and cases that do not, half of them about ids that are there."""
    fitting, unfitting = (operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode)

    @st.composite
    def case(draw):
        made = draw(fitting | unfitting)
        if draw(st.booleans()):
            made.path_parameters |= {
                name: value for name, value in known.items() if name in made.path_parameters
            }
        return made

    return case()


@pytest.mark.slow
def test_whoever_asks_whatever_the_answer_is_one_that_is_described(client, askers, known):
    described = client.get("/api/v1/openapi.json").json()
    wrong: list[str] = []
    asked = set()
    found = [each.ok() for each in schemathesis.openapi.from_dict(described).get_all_operations()]
    for operation in sorted(found, key=lambda each: each.definition.raw["operationId"] in LAST):
        name = operation.definition.raw["operationId"]
        if name in STREAMS:
            continue
        asked.add(name)

        @seed(SEED)
        @drawing(
            max_examples=2 * CASES,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases_of(operation, known))
        def ask(case):
            for asker, headers in askers.items():
                wrong.extend(f"{asker}: {each}" for each in told_wrong(client, case, headers))

        ask()
    assert wrong[:20] == []
    # Services' operations have names of their own, too.
    assert len(asked) == len(found) - len(STREAMS)
    assert len(asked) > 90


def test_text_that_no_database_stores_breaks_nothing(client, askers, known):
    """NUL, which PostgreSQL's text cannot have, in every text of every body and path."""
    described = client.get("/api/v1/openapi.json").json()
    failed = [
        f"{asker}: {method} {path} {body} -> {answer.status_code} {answer.text[:200]}"
        for method, path, body in with_nul(described, known)
        for asker, headers in askers.items()
        if (answer := client.request(method, path, json=body, headers=headers)).status_code >= 500
    ]
    assert failed == []


def with_nul(described, known):
    """(method, path, body) of every operation: its example with a NUL in one of its texts at a time."""
    for template, item in described["paths"].items():
        for method, told in item.items():
            if told["operationId"] in STREAMS:
                continue
            body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            names = [each["name"] for each in told.get("parameters", []) if each["in"] == "path"]
            there = {name: str(known.get(name, 1)) for name in names}
            for broken in broken_texts(body):
                yield method.upper(), template.format(**there), broken
            for name in names:
                yield method.upper(), template.format(**there | {name: f"{there[name]}%00"}), body


def broken_texts(value):
    """The value with a NUL at the end of one of its texts, for each of them."""
    if isinstance(value, str):
        yield f"{value}\0"
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        for broken in broken_texts(inner):
            copy = value.copy()
            copy[key] = broken
            yield copy


def test_an_answer_that_is_not_described_is_found(client, token, known):
    """The control: a description without a refusal does not pass where that refusal is met."""
    described = client.get("/api/v1/openapi.json").json()
    del described["paths"]["/api/v1/units/{unit_id}"]["get"]["responses"]["404"]
    operation = schemathesis.openapi.from_dict(described)["/api/v1/units/{unit_id}"]["GET"]
    case = operation.Case(path_parameters={"unit_id": 999_999})
    [wrong] = told_wrong(client, case, {})
    assert "404" in wrong
