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
from booking_api.identity.accounts import ROLES
from booking_api.services import GROUP, load_services
from booking_api.settings import Rate

CASES = 5
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
}


@pytest.fixture
async def known(kernel, city):
    """Ids that are there, so that not everything asked for is unknown."""
    pool, units = await city(capacities=(3, 500))
    return {"pool_id": pool, "unit_id": units[0], "authority": "cn-hz", "service": "driving_test"}


@pytest.fixture
def client(settings, token):
    fast = Rate(100_000, 100_000)
    services = load_services([EntryPoint("disclosure", "services.disclosure:service", GROUP)])
    app = create_app(msgspec.structs.replace(settings, account_rate=fast, network_rate=fast), services)
    with TestClient(app, raise_server_exceptions=False) as started:
        yield started


def told_wrong(client, case, headers) -> list[str]:
    """What is wrong with the answer to this case; nothing when it is as the description tells."""
    prepared = requests.Request(
        **case.as_transport_kwargs(base_url="http://testserver.local", headers=headers)
    )
    sent = prepared.prepare()
    answer = client.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.body)
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
def test_whoever_asks_whatever_the_answer_is_one_that_is_described(client, token, known):
    described = client.get("/api/v1/openapi.json").json()
    wrong: list[str] = []
    asked = set()
    headers = {
        asker: {} if asker == "nobody" else token(f"{asker}-fuzz", **about) for asker, about in ASKERS.items()
    }
    for result in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = result.ok()
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
            for asker in ASKERS:
                wrong.extend(f"{asker}: {each}" for each in told_wrong(client, case, headers[asker]))

        ask()
    assert wrong[:20] == []
    assert len(asked) > 30


def test_an_answer_that_is_not_described_is_found(client, token, known):
    """The control: a description without a refusal does not pass where that refusal is met."""
    described = client.get("/api/v1/openapi.json").json()
    del described["paths"]["/api/v1/units/{unit_id}"]["get"]["responses"]["404"]
    operation = schemathesis.openapi.from_dict(described)["/api/v1/units/{unit_id}"]["GET"]
    case = operation.Case(path_parameters={"unit_id": 999_999})
    [wrong] = told_wrong(client, case, {})
    assert "404" in wrong
