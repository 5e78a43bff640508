"""Role x route x owner: whatever belongs to somebody is asked for by somebody else who has every role, for other places.

Every route that names something in its path, or in its body, is asked with the owner's things. Nothing of the owner's is
told, nothing of it is changed; the owner asks the same and is served.
"""

from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.gate.access import ACCESS, Access
from booking_api.organisations.register import NewOrganisation, register_organisation
from booking_api.outbox.events import note_event
from booking_api.settings import Rate
from reservation.transaction import transaction
from tests.apps import app_of
from tests.booking_api.signing_in.people import open_client
from tests.booking_api.test_access import BODIES, STREAMS
from tests.planning import person, planned, settle, test_row

OWNER = ("clerk:cn-zj-hz", "operator:cn-zj-hz", "school:s-1", "station:st-1", "auditor:cn-zj-hz")
OTHER = ("clerk:cn-gd-gz", "operator:cn-gd-gz", "school:s-2", "station:st-2", "auditor:cn-gd-gz")
WEBHOOK = "11111111-1111-4111-8111-111111111111"
IDENTITY = "22222222-2222-4222-8222-222222222222"
VISIT = "33333333-3333-4333-8333-333333333333"
NAME = "\u7532\u67d0\u67d0"
# Refusals of somebody who is not the owner: it is not theirs, or as if it were not there.
REFUSED = {403, 404, 409}
# Whoever asks, these say the same, so that nobody learns who has given what.
SAME_FOR_ALL = {
    ("DELETE", "/api/v1/consents/{consent_id}"),
    ("DELETE", "/api/v1/consent-requests/{request_id}"),
}
OWN_BODIES = {
    "/api/v1/plans": {"authority": "cn-zj-hz", "service": "inspection", "title": {"en": "x"}, "source": "x"},
    "/api/v1/webhooks": {
        "organisation": "school:s-1",
        "url": "https://example.com/",
        "kinds": ["batch.finished"],
    },
    "/api/v1/organisations": {"id": "s-9", "kind": "school", "authority": "cn-zj-hz", "name": {"en": "x"}},
    "/api/v1/api-keys": {
        "organisation": "s-1",
        "name": "x",
        "scopes": ["batches:read"],
        "expires_in_days": 1,
    },
    "/api/v1/payments/counter": {
        "login": "a",
        "authority": "cn-zj-hz",
        "subject": 1,
        "amount_fen": 1,
        "receipt": "x",
    },
}


class Owned(msgspec.Struct):
    """What belongs to the account `a`, by the name of the path's parameter."""

    ids: dict[str, str]

    def url(self, path: str) -> str:
        return path.format_map(self.ids)


@pytest.fixture
async def client(settings, token):
    wide = msgspec.structs.replace(settings, account_rate=Rate(1_000.0, 1_000))
    async with open_client(app_of(wide)) as started:
        yield started


@pytest.fixture
async def owned(kernel, client, token) -> Owned:
    first, second = await planned(kernel, [test_row(), test_row(site="b")])
    await settle(kernel, person("a", name=NAME), person("b", number=2))
    await register(kernel)
    return Owned(
        {
            "pool_id": "1",
            "unit_id": str(first),
            "webhook_id": WEBHOOK,
            "plan_id": "1",
            "authority": "cn-zj-hz",
            "service": "driving_test",
            "organisation": "s-1",
            "login": "b",
            "school": "s-1",
            "batch_id": "1",
            "identity_id": IDENTITY,
            "visit_id": VISIT,
        }
        | await act(client, token("a", roles=OWNER), first, second)
        | await store(kernel)
    )


async def register(kernel):
    """Two schools, and a notice to the owner."""
    async with transaction(kernel.engine) as connection:
        for name in ("s-1", "s-2"):
            new = NewOrganisation(id=name, kind="school", authority="cn-zj-hz", name={"en": name})
            await register_organisation(connection, new, by="op")
        await note_event(
            connection,
            kind="booking.no_show",
            at=clock.now(),
            organisation=None,
            account="a",
            facts={"mark": NAME},
        )


async def act(client, mine, first: int, second: int) -> dict[str, str]:
    """What the owner does over the API: a booking, a hold, a consent, a key."""

    async def post(path: str, body: Any = None, **headers: str) -> Any:
        answer = await client.post(f"/api/v1{path}", json=body, headers=mine | headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    held = await post("/holds", {"pool": 1, "units": [first]})
    booking = await post(f"/holds/{held['id']}/confirm", None, **{"Idempotency-Key": "k"})
    held = await post("/holds", {"pool": 1, "units": [second]})
    consent = await post("/consents", {"school": "s-1", "subjects": [1], "until": "2027-06-30"})
    key = await post("/api-keys", OWN_BODIES["/api/v1/api-keys"])
    return {
        "hold_id": held["id"],
        "booking_id": booking["id"],
        "consent_id": str(consent["id"]),
        "key_id": key["about"]["id"],
    }


async def store(kernel) -> dict[str, str]:
    """What comes about otherwise, written as it would be."""
    async with kernel.engine.begin() as connection:
        for statement in (
            (
                "INSERT INTO webhook (id, organisation, url, kinds, created_by) VALUES "
                f"('{WEBHOOK}', 'school:s-1', 'https://example.com/', '{{batch.finished}}', 'a')"
            ),
            (
                "INSERT INTO school_batch (school, authority, mode, state, key, digest, sent_by, ended_at) VALUES "
                "('s-1', 'cn-zj-hz', 'best_effort', 'done', 'k', '', 'a', now())"
            ),
            (
                "INSERT INTO consent_request (school, identity_number, name, asked_by) SELECT 's-2', identity_number, "
                "'x', 'x' FROM account WHERE id = 'a'"
            ),
            (
                "INSERT INTO external_identity (id, account, issuer, subject) VALUES "
                f"('{IDENTITY}', 'a', 'https://i', 's')"
            ),
            (
                "INSERT INTO counter_visit (id, authority, clerk, account, expires_at) VALUES "
                f"('{VISIT}', 'cn-zj-hz', 'a', 'b', now() + interval '1 hour')"
            ),
        ):
            await connection.execute(text(statement))
        notice = (await connection.execute(text("SELECT id FROM notice"))).scalar_one()
        session = (await connection.execute(text("SELECT min(id) FROM plan_session"))).scalar_one()
        request = (await connection.execute(text("SELECT id FROM consent_request"))).scalar_one()
    return {"notice_id": str(notice), "session_id": str(session), "request_id": str(request)}


def named_routes() -> list[tuple[str, str]]:
    """Every route that names something which has an owner."""
    free = {Access.PUBLIC, Access.UNKNOWN, Access.SIGNED}
    return sorted(
        route
        for route, access in ACCESS.items()
        if access not in free
        and not route[1].endswith(STREAMS)
        and ("{" in route[1] or (route[0] == "POST" and route[1] in OWN_BODIES))
    )


async def world(kernel) -> list[tuple]:
    """All that is the owner's, as the tables have it."""
    told = []
    async with kernel.engine.connect() as connection:
        for query in (
            "SELECT id::text, owner, state FROM booking ORDER BY id",
            "SELECT id, read_at FROM notice",
            "SELECT id::text, organisation FROM webhook",
            "SELECT id, state, closed_at FROM plan",
            "SELECT id, cancelled_at FROM plan_session ORDER BY id",
            "SELECT id, state FROM organisation ORDER BY id",
            "SELECT id, withdrawn_at FROM consent",
            "SELECT id FROM consent_request",
            "SELECT id, revoked_at FROM api_key",
            "SELECT id::text FROM external_identity",
            "SELECT id, roles FROM account ORDER BY id",
            "SELECT count(*) FROM fee",
            "SELECT ended_at FROM counter_visit",
            "SELECT count(*) FROM counter_act",
            "SELECT count(*) FROM authority_settings",
        ):
            told += [tuple(row) for row in (await connection.execute(text(query))).all()]
    return told


async def ask(client, owned, headers, method, path):
    body = OWN_BODIES.get(path, BODIES.get(path))
    extra = {"Idempotency-Key": "other"}
    return await client.request(method, owned.url(path), json=body, headers=headers | extra)


async def test_nothing_of_somebody_elses_is_told_or_changed(kernel, client, token, owned):
    before = await world(kernel)
    other = token("b", roles=OTHER)
    number = (await rows_of(kernel, "SELECT identity_number FROM account WHERE id = 'a'"))[0][0]
    routes = named_routes()
    assert len(routes) > 40
    for method, path in routes:
        answer = await ask(client, owned, other, method, path)
        if (method, path) not in SAME_FOR_ALL:
            assert answer.status_code in REFUSED, (method, path, answer.status_code, answer.text)
        for secret in (NAME, number):
            assert secret not in answer.text, (method, path)
    assert await world(kernel) == before


async def test_lists_are_ones_own(client, token, owned):
    """Every list and every document without a name in its path, asked by somebody who has nothing."""
    other = token("b", roles=OTHER)
    secrets = {
        NAME,
        *(owned.ids[name] for name in ("booking_id", "hold_id", "webhook_id", "key_id", "identity_id")),
    }
    free = {Access.PUBLIC, Access.UNKNOWN, Access.SIGNED}
    paths = [path for (method, path), access in ACCESS.items() if method == "GET" and access not in free]
    asked = [path for path in paths if "{" not in path]
    assert len(asked) > 8
    for path in asked:
        answer = await client.get(path, headers=other)
        assert answer.status_code < 500
        assert not {secret for secret in secrets if secret in answer.text}, path


async def test_the_owner_is_served_where_the_other_is_refused(client, token, owned):
    """The refusals above are for the asker, not for the request: reads come first, then what ends things."""
    mine = token("a", roles=OWNER)
    order = {"GET": 0, "POST": 1, "PUT": 1, "DELETE": 2}
    refused = []
    for method, path in sorted(named_routes(), key=lambda route: order[route[0]]):
        answer = await ask(client, owned, mine, method, path)
        code = answer.json().get("code") if answer.status_code >= 400 else None
        if code in {"not_your_authority", "not_your_organisation", "role_missing", "not_verified"}:
            refused.append((method, path, code))
    assert refused == []


async def rows_of(kernel, query):
    async with kernel.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]
