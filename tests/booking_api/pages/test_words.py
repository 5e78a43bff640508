"""The page's two languages: complete, and used as they are spelt."""

import re
from importlib.resources import files

from booking_api.pages.words import words_in

from booking_api.errors import ApiError
from booking_api.pages.assets import ASSETS
from reservation.errors import ReservationError

# The page never sends what these refuse: it names one unit, and its own well-formed keys and bodies.
NOT_FROM_THE_PAGE = {
    "choose_unit",
    "idempotency_key_reused",
    "idempotency_key_missing",
    "not_movable",
    "unknown_promise",
    "unknown_hold",
    "unknown_applicant",
    # Accounts have no pages yet: the demo's people are chosen from a list.
    "login_taken",
    "sign_in_refused",
    "refresh_refused",
    "unknown_account",
    "already_verified",
    "person_has_account",
    # Nor have clerks, verification online, identity providers and one's own data.
    "own_account",
    "recently_erased",
    "still_active",
    "password_refused",
    "verification_off",
    "not_matched",
    "source_unavailable",
    "message_not_sent",
    "verification_code_refused",
    "oidc_off",
    "sign_in_attempt_refused",
    "provider_refused",
    "provider_unavailable",
    "id_token_refused",
    "not_linked",
    "linked_elsewhere",
    "unknown_external_identity",
    "invalid_request",
    # Plans have no pages yet.
    "unknown_authority",
    "not_your_authority",
    "unknown_plan",
    "unknown_session",
    "plan_published",
    "plan_not_published",
    "plan_empty",
    "plan_too_large",
    "too_short_notice",
    "unit_over",
    # Notices and webhooks have no pages: schools' and stations' systems use them.
    "unknown_notice",
    "unknown_webhook",
    "not_your_organisation",
    "too_many_webhooks",
    "webhook_off",
    # Payments and tickets have no pages yet; some of these only clerks and the payment provider meet.
    "nothing_due",
    "fee_needed",
    "unknown_payment",
    "already_settled",
    "nothing_to_refund",
    "payment_mismatch",
    "payment_unavailable",
    "signature_invalid",
    "no_appointment",
    # Neither have second factors and sessions.
    "second_factor_needed",
    "second_factor_refused",
    "ticket_refused",
    "factor_closed",
    "factor_unreadable",
    "factor_exists",
    "unknown_factor",
    "code_refused",
    "security_key_refused",
    "too_many_security_keys",
    "no_second_factor",
    "public_url_needed",
    "session_ended",
    "session_missing",
    "csrf_refused",
    "unsupported_media_type",
    # Schools and stations have no pages yet.
    "unknown_code",
    "another_site",
    "check_in_closed",
    "unknown_organisation",
    "organisation_exists",
    "organisation_suspended",
    "account_not_verified",
    "key_scope_missing",
    "unknown_key",
    "too_many_keys",
    "unknown_consent",
    "unknown_consent_request",
    "no_consent",
    "learner_twice",
    "school_elsewhere",
    "batches_off",
    "substitutions_off",
    "not_planned",
    "school_share_reached",
    "batch_too_long",
    "unknown_batch",
    "batch_over",
    "too_many_batches",
}


def test_both_languages_have_every_sentence():
    chinese, english = words_in("zh-CN"), words_in("en")
    assert {key for key in chinese if not key.startswith("problem.")} == {
        key for key in english if not key.startswith("problem.")
    } - {"problem.title", "problem.home"}
    assert all(chinese.values())
    assert all(english.values())


def test_every_refusal_a_person_can_meet_is_told_in_chinese():
    codes = {error.code for error in (*_subclasses(ReservationError), *_subclasses(ApiError))}
    told = {key.removeprefix("problem.") for key in words_in("zh-CN") if key.startswith("problem.")}
    assert codes - NOT_FROM_THE_PAGE - told == set()


def test_every_rule_that_can_refuse_has_its_sentence_and_no_other_has():
    rooms = (files("booking_api.rules"), files("booking_api.eligibility"))
    sources = [entry.read_text() for room in rooms for entry in room.iterdir() if entry.name.endswith(".py")]
    rules = {name for source in sources for name in re.findall(r'Refusal\(\s*\[?"([a-z_]+)"', source)}
    assert len(rules) == 21
    assert {key.removeprefix("rule.") for key in words_in("en") if key.startswith("rule.")} == rules


def test_every_sentence_asked_for_is_there():
    asked: set[str] = set()
    for name, asset in ASSETS.items():
        if name.endswith(".js"):
            asked |= set(re.findall(r'\bword\(\s*"([^"]+)"', asset.content.decode()))
    for entry in (files("booking_api.pages") / "templates").iterdir():
        asked |= set(re.findall(r'words\["([^"]+)"\]', entry.read_text()))
    assert len(asked) > 30
    assert asked - words_in("en").keys() == set()


def test_no_sentence_is_left_over():
    """A sentence that nothing shows is a translation somebody does for nothing."""
    used = " ".join(asset.content.decode() for asset in ASSETS.values())
    used += " ".join(entry.read_text() for entry in (files("booking_api.pages") / "templates").iterdir())
    prefixes = ("service.", "live.", "state.", "problem.", "rule.", "access.")
    left = [key for key in words_in("en") if f'"{key}"' not in used and not key.startswith(prefixes)]
    assert left == []


def _subclasses(kind: type) -> list[type]:
    return [
        kind
        for child in kind.__subclasses__()
        for kind in (child, *_subclasses(child))
        if hasattr(kind, "code")
    ]
