"""The whole table of who may do what: every route of the application, asked by everybody.

A route passes when it answers anything but a refusal of the asker: an unknown hold is the owner's affair, below.
"""

import re

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from booking_api.app import create_app
from booking_api.gate.access import ACCESS, ROLES_OF, Access
from booking_api.identity.accounts import ROLES
from booking_api.settings import Rate

ASKERS: dict[str, dict] = {
    "nobody": {},
    "unverified": {"verified": False},
    "applicant": {"verified": True},
    **{role: {"verified": True, "roles": (f"{role}:somewhere",)} for role in ROLES},
    "unverified clerk": {"verified": False, "roles": ("clerk:somewhere",)},
}
REFUSALS = {"token_missing", "not_verified", "role_missing"}
STREAMS = ("availability",)


def expected(access: Access, asker: str) -> str | None:
    """The refusal this asker is owed, None when they pass."""
    if access in {Access.PUBLIC, Access.UNKNOWN, Access.SIGNED}:
        return None
    if asker == "nobody":
        return "token_missing"
    if access is Access.VERIFIED and asker.startswith("unverified"):
        return "not_verified"
    if access in ROLES_OF and not any(role in asker for role in ROLES_OF[access]):
        return "role_missing"
    return None


def served(app: Litestar) -> set[tuple[str, str]]:
    """Every route of the API, as the application has it."""
    return {
        (method, route.path_format)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if route.path_format.startswith("/api/v1") and method != "OPTIONS"
    }


def test_every_route_is_in_the_table_and_nothing_else_is(settings, token):
    assert served(create_app(settings)) == set(ACCESS)


# What each route needs in its body to reach the gate.
BODIES = {
    "/api/v1/accounts": {"login": "x", "identity_number": "x", "name": "x", "phone": "x", "password": "x"},
    "/api/v1/sign-in": {"login": "x", "password": "x"},
    "/api/v1/tokens": {"refresh_token": "x"},
    "/api/v1/sign-out": {"refresh_token": "x"},
    "/api/v1/verifications": {"login": "x", "identity_number": "x"},
    "/api/v1/sign-in/second": {"ticket": "x", "totp_code": "123456"},
    "/api/v1/sign-in/second/options": {"ticket": "x"},
    "/api/v1/factors/totp": {"password": "x"},
    "/api/v1/factors/totp/activate": {"code": "123456"},
    "/api/v1/factors/totp/remove": {"code": "123456"},
    "/api/v1/factors/security-keys/options": {"password": "x"},
    "/api/v1/factors/security-keys": {
        "name": "x",
        "credential": {
            "id": "x",
            "rawId": "x",
            "type": "public-key",
            "response": {"clientDataJSON": "x", "attestationObject": "x"},
        },
    },
    "/api/v1/factors/security-keys/{key_id}/remove": {"code": "123456"},
    "/api/v1/factor-resets": {"login": "x", "identity_number": "x"},
    "/api/v1/accounts/me/password": {"old_password": "x", "new_password": "x"},
    "/api/v1/session": {"login": "x", "password": "x"},
    "/api/v1/session/second": {"ticket": "x", "totp_code": "123456"},
    "/api/v1/accounts/me/verification/code": {"code": "000000"},
    "/api/v1/accounts/me/erase": {"password": "x"},
    "/api/v1/holds": {"pool": 1, "units": [1]},
    "/api/v1/bookings/{booking_id}/reschedule": {"hold": "x"},
    "/api/v1/authorities/{authority}/settings/{service}": {"settings": {}, "reason": "trying"},
    "/api/v1/authorities/{authority}/days-off": {"days": {"2027-01-01": "New Year"}},
    "/api/v1/plans": {"authority": "x", "service": "inspection", "title": {"en": "x"}, "source": "x"},
    "/api/v1/plans/{plan_id}/sessions": {
        "sessions": [
            {
                "site": "x",
                "title": "x",
                "day": "2027-01-01",
                "start": "09:00",
                "end": "10:00",
                "capacity": 1,
            }
        ]
    },
    "/api/v1/plans/{plan_id}/schedules": {
        "site": "x",
        "title": "x",
        "first_day": "2027-01-01",
        "last_day": "2027-01-02",
        "weekdays": [1],
        "slots": [{"start": "09:00", "end": "10:00", "capacity": 1}],
    },
    "/api/v1/plans/{plan_id}/sessions/{session_id}/cancel": {"reason": "snow"},
    "/api/v1/payments": {"authority": "x", "subject": 2},
    "/api/v1/payments/refunds": {"authority": "x", "subject": 2},
    "/api/v1/payments/callback": {},
    "/api/v1/payments/counter": {
        "login": "x",
        "authority": "somewhere",
        "subject": 2,
        "amount_fen": 1,
        "receipt": "x",
    },
    "/api/v1/payments/counter/refunds": {"payment": "x", "receipt": "x"},
    "/api/v1/webhooks": {"organisation": "school:other", "url": "x", "kinds": ["batch.finished"]},
    "/api/v1/organisations": {"id": "x", "kind": "school", "authority": "x", "name": {"en": "x"}},
    "/api/v1/organisations/{organisation}/suspend": {"reason": "trying"},
    "/api/v1/organisations/{organisation}/resume": {"reason": "trying"},
    "/api/v1/check-ins": {"code": "x"},
    "/api/v1/counter/visits": {"authority": "somewhere", "identity_number": "x", "login": "x"},
    "/api/v1/counter/visits/{visit_id}/password": {"password": "x"},
    "/api/v1/counter/visits/{visit_id}/holds": {"pool": 1, "units": [1]},
    "/api/v1/counter/visits/{visit_id}/bookings/{booking_id}/reschedule": {"hold": "x"},
    "/api/v1/api-keys": {
        "organisation": "x",
        "name": "x",
        "scopes": ["batches:read"],
        "expires_in_days": 1,
    },
    "/api/v1/consents": {"school": "x", "subjects": [2], "until": "2027-01-01"},
    "/api/v1/consent-requests/{request_id}/accept": {"subjects": [2], "until": "2027-01-01"},
    "/api/v1/schools/{school}/consent-requests": {"identity_number": "x", "name": "x"},
    "/api/v1/schools/{school}/batches": {
        "mode": "best_effort",
        "rows": [{"learner": "x", "units": [1]}],
    },
    "/api/v1/schools/{school}/substitutions": {"booking": "x", "learner": "x", "reason": "trying"},
}
NUMBERED = {"pool_id", "plan_id", "session_id", "notice_id", "consent_id", "request_id", "batch_id"}
"""Path parameters that are numbers; the others are words."""


def url_of(path: str) -> str:
    """A path with something in the place of each parameter."""
    return re.sub(r"\{(\w+)\}", lambda name: "1" if name[1] in NUMBERED else "x", path)


ROUTES = sorted(route for route in ACCESS if not route[1].endswith(STREAMS))


@pytest.fixture
async def unhurried(settings, token):
    """A client whose one account may ask for every route in a row."""
    wide = msgspec.structs.replace(settings, account_rate=Rate(1_000.0, 1_000))
    async with AsyncTestClient(create_app(wide)) as started:
        yield started


@pytest.mark.parametrize("asker", ASKERS)
async def test_each_asker_is_served_or_refused_as_the_table_says(unhurried, token, asker):
    seen, owed = {}, {}
    for number, (method, path) in enumerate(ROUTES):
        # Somebody else each time, lest the limits of one account answer instead of the table.
        headers = {} if asker == "nobody" else token(f"somebody-{number}", **ASKERS[asker])
        answer = await unhurried.request(method, url_of(path), json=BODIES.get(path), headers=headers)
        assert answer.status_code < 500, answer.text
        # Problems have a code; of the others only the status matters here.
        code = answer.json().get("code") if answer.status_code >= 400 else None
        seen[method, path] = code if code in REFUSALS else None
        owed[method, path] = expected(ACCESS[method, path], asker)
    assert seen == owed


@pytest.fixture
async def sale(kernel, city):
    return await city(capacities=(2, 3))


async def test_what_belongs_to_somebody_else_is_as_if_it_were_not_there(client, token, sale):
    pool, [unit, other] = sale
    mine, theirs = token("a"), token("b")
    held = (await client.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=mine)).json()[
        "id"
    ]
    confirm = f"/api/v1/holds/{held}/confirm"
    key = {"Idempotency-Key": "k"}
    assert (await client.delete(f"/api/v1/holds/{held}", headers=theirs)).json()["code"] == "hold_lost"
    assert (await client.post(confirm, headers=theirs | key)).json()["code"] == "hold_lost"
    booking = (await client.post(confirm, headers=mine | key)).json()["id"]
    assert (await client.get("/api/v1/bookings", headers=theirs)).json()["bookings"] == []
    cancel = f"/api/v1/bookings/{booking}/cancel"
    assert (await client.post(cancel, headers=theirs)).json()["code"] == "unknown_booking"
    new = (await client.post("/api/v1/holds", json={"pool": pool, "units": [other]}, headers=theirs)).json()[
        "id"
    ]
    move = f"/api/v1/bookings/{booking}/reschedule"
    refused = await client.post(move, json={"hold": new}, headers=theirs)
    assert refused.json()["code"] == "unknown_booking"
    assert (await client.post(cancel, headers=mine)).status_code == 200


async def test_what_one_may_not_do_is_counted_all_the_same(client, token):
    headers = token("somebody", verified=False)
    body = {"pool": 1, "units": [1]}
    answers = [await client.post("/api/v1/holds", json=body, headers=headers) for _ in range(35)]
    assert {answer.json()["code"] for answer in answers} == {"not_verified", "rate_limited"}
