"""Authenticator apps and recovery codes over HTTP; and what somebody with only the password cannot do."""

import asyncio
import logging
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.exc import DBAPIError

from booking_api.app import create_app
from booking_api.gate import limits
from booking_api.identity.factors import totp
from booking_api.identity.tokens import make_key
from tests.booking_api.signing_in.people import (
    NUMBER,
    OTHER_NUMBER,
    PASSWORD,
    HeldClock,
    activate_app,
    events,
    good,
    open_client,
    refused,
    register,
    second,
    set_up_app,
    sign_in,
    signed_in,
    ticket,
    with_app,
)


@pytest.fixture
def held(client, monkeypatch):
    return HeldClock(monkeypatch)


@pytest.fixture
async def mine(client, held):
    await register(client)
    return await signed_in(client)


@pytest.fixture
def unlimited(monkeypatch):
    """For tests that try more often than the gate would let them."""
    monkeypatch.setattr(limits.Limits, "check_sign_in", lambda *_, **__: asyncio.sleep(0))


async def factors(client, mine):
    return good(await client.get("/api/v1/factors", headers=mine))


async def remove_app(client, mine, **proof):
    return await client.post("/api/v1/factors/totp/remove", json=proof, headers=mine)


async def reset(client, headers, *, login="zhang.wei", number=NUMBER):
    body = {"login": login, "identity_number": number}
    return await client.post("/api/v1/factor-resets", json=body, headers=headers)


async def test_from_setting_up_to_signing_in_with_a_code(client, held, mine):
    answer = await client.post("/api/v1/factors/totp", json={"password": PASSWORD}, headers=mine)
    made = good(answer)
    assert answer.headers["cache-control"] == "no-store"
    uri = urlsplit(made["otpauth_uri"])
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Gongdao:zhang.wei")
    assert parse_qs(uri.query)["secret"] == [made["secret"]]
    activated = await activate_app(client, mine, held.code(made["secret"]))
    assert activated.headers["cache-control"] == "no-store"
    assert len(set(good(activated)["recovery_codes"])) == 10
    assert await factors(client, mine) == {"totp": True, "security_keys": [], "recovery_codes_left": 10}

    needed = await sign_in(client)
    told = refused(needed, 401, "second_factor_needed")
    assert needed.headers["cache-control"] == "no-store"
    assert (told["kinds"], told["expires_in"]) == (["totp", "recovery_code"], 300)
    held.next_step()
    tokens = good(await second(client, told["ticket"], totp_code=held.code(made["secret"])))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert good(await client.get("/api/v1/accounts/me", headers=headers))["login"] == "zhang.wei"
    good(await client.post("/api/v1/tokens", json={"refresh_token": tokens["refresh_token"]}))


async def test_an_app_that_is_not_activated_is_not_asked_for(client, held, mine):
    secret = await set_up_app(client, mine)
    good(await sign_in(client))
    refused(await activate_app(client, mine, held.code(secret, steps=5)), 403, "code_refused")
    good(await sign_in(client))
    assert await factors(client, mine) == {"totp": False, "security_keys": [], "recovery_codes_left": 0}


async def test_setting_up_needs_the_password_and_begins_anew_until_activated(client, held, mine):
    wrong = await client.post("/api/v1/factors/totp", json={"password": "not the password"}, headers=mine)
    refused(wrong, 403, "password_refused")
    first, again = [await set_up_app(client, mine) for _ in range(2)]
    refused(await activate_app(client, mine, held.code(first)), 403, "code_refused")
    good(await activate_app(client, mine, held.code(again)))
    refused(await activate_app(client, mine, held.code(again)), 409, "factor_exists")
    once_more = await client.post("/api/v1/factors/totp", json={"password": PASSWORD}, headers=mine)
    refused(once_more, 409, "factor_exists")


async def test_a_secret_left_lying_is_not_activated_later(client, held, mine, run):
    secret = await set_up_app(client, mine)
    await run("UPDATE totp SET created_at = now() - interval '16 minutes'")
    refused(await activate_app(client, mine, held.code(secret)), 404, "unknown_factor")


async def test_a_code_of_the_step_before_or_after_is_good_and_no_other(client, held, mine, unlimited):
    secret, _ = await with_app(client, held, mine)
    held.next_step()
    for steps in (-2, 2):
        far = await second(client, await ticket(client), totp_code=held.code(secret, steps=steps))
        refused(far, 401, "second_factor_refused")
    for steps in (-1, 0, 1):
        good(await second(client, await ticket(client), totp_code=held.code(secret, steps=steps)))


async def test_a_code_is_good_once_even_the_one_that_activated(client, held, mine):
    secret = await set_up_app(client, mine)
    activating = held.code(secret)
    good(await activate_app(client, mine, activating))
    refused(await second(client, await ticket(client), totp_code=activating), 401, "second_factor_refused")
    held.next_step()
    good(await second(client, await ticket(client), totp_code=held.code(secret)))
    replay = await second(client, await ticket(client), totp_code=held.code(secret))
    refused(replay, 401, "second_factor_refused")


async def test_of_many_who_use_one_code_at_once_one_gets_in(client, held, mine, unlimited):
    secret, _ = await with_app(client, held, mine)
    tickets = [await ticket(client) for _ in range(4)]
    answers = await asyncio.gather(*(second(client, each, totp_code=held.code(secret)) for each in tickets))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_without_the_last_step_a_replay_would_get_in(client, held, mine, run):
    """The negative control of the two tests above."""
    secret, _ = await with_app(client, held, mine)
    for _ in range(2):
        good(await second(client, await ticket(client), totp_code=held.code(secret)))
        await run("UPDATE totp SET last_step = NULL")


async def test_what_can_be_no_code_is_refused(client, held, mine, unlimited):
    await with_app(client, held, mine)
    for code in ("12345", "1234567", "abcdef", "１２８", "\x00", "-12345", " "):
        given = await ticket(client)
        refused(await second(client, given, totp_code=code), 401, "second_factor_refused")
        refused(await second(client, given, recovery_code=code), 401, "second_factor_refused")


async def test_a_code_typed_with_a_gap_or_in_full_width_is_good(client, held, mine):
    secret, _ = await with_app(client, held, mine)
    code = held.code(secret)
    typed = f"{code[:3]} {code[3:]}".translate({ord("0") + n: ord("０") + n for n in range(10)})
    good(await second(client, await ticket(client), totp_code=typed))


async def test_a_recovery_code_is_good_once_however_it_is_typed(client, held, mine):
    _, codes = await with_app(client, held, mine)
    good(await second(client, await ticket(client), recovery_code=f" {codes[0].upper().replace('-', ' ')}"))
    refused(await second(client, await ticket(client), recovery_code=codes[0]), 401, "second_factor_refused")
    good(await second(client, await ticket(client), recovery_code=codes[1]))
    assert (await factors(client, mine))["recovery_codes_left"] == 8
    assert [kind for kind, _ in await events(client, mine)] == ["recovery_code_used"] * 2 + ["totp_activated"]


async def test_somebody_elses_recovery_code_is_none(client, held, mine):
    await with_app(client, held, mine)
    await register(client, login="li.na", identity_number=OTHER_NUMBER)
    _, theirs = await with_app(client, held, await signed_in(client, login="li.na"))
    refused(await second(client, await ticket(client), recovery_code=theirs[0]), 401, "second_factor_refused")


async def test_a_ticket_is_good_once_and_for_five_tries(client, held, mine, unlimited):
    secret, _ = await with_app(client, held, mine)
    used = await ticket(client)
    good(await second(client, used, totp_code=held.code(secret)))
    held.next_step()
    refused(await second(client, used, totp_code=held.code(secret)), 401, "ticket_refused")
    tried = await ticket(client)
    left = [
        refused(await second(client, tried, totp_code="000000"), 401, "second_factor_refused")["tries_left"]
        for _ in range(5)
    ]
    assert left == [4, 3, 2, 1, 0]
    refused(await second(client, tried, totp_code=held.code(secret)), 401, "ticket_refused")


async def test_a_ticket_ends_after_its_time_and_is_cleared(client, held, mine, run):
    secret, _ = await with_app(client, held, mine)
    late = await ticket(client)
    await run("UPDATE sign_in_ticket SET expires_at = now() - interval '1 second'")
    refused(await second(client, late, totp_code=held.code(secret)), 401, "ticket_refused")
    refused(await second(client, "unknown", totp_code=held.code(secret)), 401, "ticket_refused")
    await ticket(client)
    assert (await run("SELECT count(*) FROM sign_in_ticket")).scalar_one() == 1


async def test_exactly_one_factor_is_to_be_given(client, held, mine):
    secret, codes = await with_app(client, held, mine)
    given = await ticket(client)
    refused(await second(client, given), 400, "invalid_request")
    both = await second(client, given, totp_code=held.code(secret), recovery_code=codes[0])
    refused(both, 400, "invalid_request")
    good(await second(client, given, totp_code=held.code(secret)))


async def test_the_second_step_is_slowed_from_one_network_and_the_owner_elsewhere_gets_in(
    client, held, mine, monkeypatch
):
    secret, _ = await with_app(client, held, mine)
    monkeypatch.setattr(limits, "network_prefix", lambda address: f"a thief's {address}")
    given = await ticket(client)
    answers = [await second(client, given, totp_code="000000") for _ in range(5)]
    given = await ticket(client)
    answers += [await second(client, given, totp_code="000000") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 8 + [429] * 2
    assert refused(answers[-1], 429, "rate_limited")["policy"] == "sign-in"
    monkeypatch.setattr(limits, "network_prefix", lambda address: f"the owner's {address}")
    good(await second(client, await ticket(client), totp_code=held.code(secret)))


async def test_after_a_hundred_wrong_codes_codes_are_closed_and_a_recovery_code_opens_them(
    client, held, mine, run
):
    secret, codes = await with_app(client, held, mine)
    await run("UPDATE totp SET failures = :n", n=totp.FAILURES_LIMIT - 1)
    refused(await second(client, await ticket(client), totp_code="000000"), 401, "second_factor_refused")
    given = await ticket(client)
    refused(await second(client, given, totp_code=held.code(secret)), 403, "factor_closed")
    good(await second(client, given, recovery_code=codes[0]))
    good(await second(client, await ticket(client), totp_code=held.code(secret)))


@pytest.mark.parametrize("by", ["password", "code"])
async def test_an_app_is_removed_by_password_or_code_and_the_recovery_codes_go_with_it(
    client, held, mine, run, by
):
    secret, _ = await with_app(client, held, mine)
    refused(await remove_app(client, mine, password="not the password"), 403, "password_refused")
    refused(await remove_app(client, mine, code="000000"), 403, "code_refused")
    refused(await remove_app(client, mine), 400, "invalid_request")
    refused(await remove_app(client, mine, password=PASSWORD, code="000000"), 400, "invalid_request")
    good(await remove_app(client, mine, **{by: PASSWORD if by == "password" else held.code(secret)}), 204)
    good(await sign_in(client))
    assert (await run("SELECT count(*) FROM recovery_code")).scalar_one() == 0
    assert [kind for kind, _ in await events(client, mine)] == ["totp_removed", "totp_activated"]
    refused(await remove_app(client, mine, password=PASSWORD), 404, "unknown_factor")


async def test_a_secret_is_stored_sealed_and_opens_in_its_own_row_only(client, held, mine, run):
    secret, _ = await with_app(client, held, mine)
    await register(client, login="li.na", identity_number=OTHER_NUMBER)
    theirs = await signed_in(client, login="li.na")
    await with_app(client, held, theirs)
    stored = (await run("SELECT string_agg(encode(sealed_secret, 'escape'), ' ') FROM totp")).scalar_one()
    assert secret not in stored
    await run("UPDATE totp SET sealed_secret = (SELECT max(sealed_secret) FROM totp)")
    answers = [
        await second(client, await ticket(client, login=login), totp_code="000000")
        for login in ("zhang.wei", "li.na")
    ]
    assert {answer.json()["code"] for answer in answers} == {"factor_unreadable", "second_factor_refused"}


async def test_after_a_change_of_the_installations_key_a_recovery_code_still_helps(
    client, held, mine, settings
):
    secret, codes = await with_app(client, held, mine)
    settings.key_file.unlink()
    make_key(settings.key_file)
    async with open_client(create_app(settings)) as changed:
        given = await ticket(changed)
        refused(await second(changed, given, totp_code=held.code(secret)), 409, "factor_unreadable")
        tokens = good(await second(changed, given, recovery_code=codes[0]))
        mine = {"Authorization": f"Bearer {tokens['access_token']}"}
        good(await remove_app(changed, mine, password=PASSWORD), 204)
        await with_app(changed, held, mine)


async def test_no_secret_is_logged_or_stored_as_it_is(client, held, mine, run, caplog):
    with caplog.at_level(logging.DEBUG):
        secret, codes = await with_app(client, held, mine)
        given = await ticket(client)
        code = held.code(secret)
        refused(await second(client, given, totp_code="000000"), 401, "second_factor_refused")
        stored = (
            await run(
                "SELECT string_agg(encode(digest, 'escape'), ' ') FROM "
                "(SELECT digest FROM recovery_code UNION ALL SELECT digest FROM sign_in_ticket) AS secrets"
            )
        ).scalar_one()
        good(await second(client, given, totp_code=code))
    for word in (secret, given, code, codes[0], codes[0].replace("-", "")):
        assert word not in caplog.text
        assert word not in stored


async def test_a_clerk_who_has_seen_the_card_resets_everything_but_the_password(client, held, mine, token):
    tokens = good(await sign_in(client))
    await with_app(client, held, mine)
    clerk = token("clerk-1", roles=("clerk:cn-zj-hz",))
    refused(await reset(client, clerk, number=OTHER_NUMBER), 404, "unknown_account")
    refused(await reset(client, clerk, login="a\x00b"), 404, "unknown_account")
    refused(await reset(client, clerk, number="1"), 400, "invalid_request")
    refused(await reset(client, mine), 403, "role_missing")
    pending = await ticket(client)
    assert good(await reset(client, clerk))["login"] == "zhang.wei"
    refused(await second(client, pending, totp_code="000000"), 401, "ticket_refused")
    body = {"refresh_token": tokens["refresh_token"]}
    refused(await client.post("/api/v1/tokens", json=body), 401, "refresh_refused")
    mine = await signed_in(client)
    assert (await events(client, mine))[0] == ("factors_reset", "counter:clerk-1")
    assert await factors(client, mine) == {"totp": False, "security_keys": [], "recovery_codes_left": 0}
    refused(await reset(client, clerk), 409, "no_second_factor")


async def test_a_clerk_cannot_reset_their_own(client, held, token):
    me = await register(client)
    mine = await signed_in(client)
    await with_app(client, held, mine)
    refused(await reset(client, token(me, roles=("clerk:cn-zj-hz",))), 403, "own_account")
    await ticket(client)


async def test_the_database_itself_keeps_the_record_append_only(client, held, mine, run):
    await with_app(client, held, mine)
    for change in (
        "UPDATE account_event SET by = 'nobody'",
        "DELETE FROM account_event",
        "TRUNCATE account_event",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            await run(change)
    assert len(await events(client, mine)) == 1


async def test_an_account_nobody_registered_has_no_factors(client, token):
    answer = await client.post("/api/v1/factors/totp", json={"password": "x"}, headers=token("stranger"))
    refused(answer, 404, "unknown_account")
    assert (await factors(client, token("stranger")))["totp"] is False
