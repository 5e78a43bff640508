"""Who may do what: the one place that says it. Imports this application's errors and tokens.

Every route of the API is listed, and a route that is not listed cannot be served: `Gate.enter` finds no entry. Whose
booking or hold it is (the owner) is the kernel's to check, in the same statement that finds it.
"""

from collections.abc import Mapping
from enum import StrEnum

from booking_api.errors import NotVerified, RoleMissing
from booking_api.identity.tokens import Account
from booking_api.organisations.errors import KeyScopeMissing


class Access(StrEnum):
    """Whom a route serves."""

    PUBLIC = "everybody, uncounted"
    UNKNOWN = "everybody, counted by network"
    ACCOUNT = "a signed-in account"
    VERIFIED = "a signed-in account whose person has been verified"
    CLERK = "a counter clerk"
    OPERATOR = "an operator of an authority"
    SCHOOL = "somebody who acts for a driving school, or the school's API key"
    STATION = "somebody who works at a test site or inspection station"
    AUDITOR = "an auditor"
    ORGANISATION = "somebody who acts for a driving school, a test site or an inspection station"
    SIGNED = "a peer system, by the signature of its request; uncounted"


ACCESS: Mapping[tuple[str, str], Access] = {
    ("GET", "/api/v1/pools"): Access.PUBLIC,
    ("GET", "/api/v1/pools/{pool_id}/units"): Access.PUBLIC,
    ("GET", "/api/v1/pools/{pool_id}/availability"): Access.PUBLIC,
    ("GET", "/api/v1/units/{unit_id}"): Access.PUBLIC,
    ("GET", "/api/v1/units/{unit_id}/availability"): Access.PUBLIC,
    ("GET", "/api/v1/openapi.json"): Access.PUBLIC,
    ("POST", "/api/v1/accounts"): Access.UNKNOWN,
    ("POST", "/api/v1/sign-in"): Access.UNKNOWN,
    ("POST", "/api/v1/tokens"): Access.UNKNOWN,
    ("POST", "/api/v1/sign-out"): Access.UNKNOWN,
    ("GET", "/api/v1/accounts/me"): Access.ACCOUNT,
    ("GET", "/api/v1/bookings"): Access.ACCOUNT,
    ("POST", "/api/v1/holds"): Access.VERIFIED,
    # Whoever has a hold or a booking was verified when it was made, and may always end or keep it.
    ("GET", "/api/v1/holds"): Access.ACCOUNT,
    ("GET", "/api/v1/holds/{hold_id}"): Access.ACCOUNT,
    ("DELETE", "/api/v1/holds/{hold_id}"): Access.ACCOUNT,
    ("POST", "/api/v1/holds/{hold_id}/confirm"): Access.ACCOUNT,
    ("GET", "/api/v1/bookings/{booking_id}"): Access.ACCOUNT,
    ("GET", "/api/v1/bookings/{booking_id}/ticket.ics"): Access.ACCOUNT,
    ("GET", "/api/v1/bookings/{booking_id}/ticket.svg"): Access.ACCOUNT,
    ("POST", "/api/v1/bookings/{booking_id}/cancel"): Access.ACCOUNT,
    ("POST", "/api/v1/bookings/{booking_id}/reschedule"): Access.ACCOUNT,
    ("POST", "/api/v1/verifications"): Access.CLERK,
    ("POST", "/api/v1/accounts/me/verification"): Access.ACCOUNT,
    ("POST", "/api/v1/accounts/me/verification/code"): Access.ACCOUNT,
    ("GET", "/api/v1/accounts/me/export"): Access.ACCOUNT,
    ("POST", "/api/v1/accounts/me/erase"): Access.ACCOUNT,
    ("GET", "/api/v1/sign-in/oidc"): Access.UNKNOWN,
    ("GET", "/api/v1/sign-in/oidc/callback"): Access.UNKNOWN,
    ("POST", "/api/v1/accounts/me/external-identities"): Access.ACCOUNT,
    ("GET", "/api/v1/accounts/me/external-identities"): Access.ACCOUNT,
    ("DELETE", "/api/v1/accounts/me/external-identities/{identity_id}"): Access.ACCOUNT,
    # The rules and their history are everybody's to know.
    ("GET", "/api/v1/authorities/{authority}/settings/{service}"): Access.PUBLIC,
    ("GET", "/api/v1/authorities/{authority}/settings/{service}/history"): Access.PUBLIC,
    ("GET", "/api/v1/authorities/{authority}/days-off"): Access.PUBLIC,
    ("PUT", "/api/v1/authorities/{authority}/settings/{service}"): Access.OPERATOR,
    ("POST", "/api/v1/authorities/{authority}/days-off"): Access.OPERATOR,
    ("POST", "/api/v1/plans"): Access.OPERATOR,
    ("GET", "/api/v1/plans"): Access.OPERATOR,
    ("GET", "/api/v1/plans/{plan_id}/sessions"): Access.OPERATOR,
    ("POST", "/api/v1/plans/{plan_id}/sessions"): Access.OPERATOR,
    ("POST", "/api/v1/plans/{plan_id}/schedules"): Access.OPERATOR,
    ("DELETE", "/api/v1/plans/{plan_id}"): Access.OPERATOR,
    ("POST", "/api/v1/plans/{plan_id}/publish"): Access.OPERATOR,
    ("POST", "/api/v1/plans/{plan_id}/close"): Access.OPERATOR,
    ("POST", "/api/v1/plans/{plan_id}/sessions/{session_id}/cancel"): Access.OPERATOR,
    ("GET", "/api/v1/authorities/{authority}/organisations"): Access.PUBLIC,
    ("POST", "/api/v1/organisations"): Access.OPERATOR,
    ("POST", "/api/v1/organisations/{organisation}/suspend"): Access.OPERATOR,
    ("POST", "/api/v1/organisations/{organisation}/resume"): Access.OPERATOR,
    ("GET", "/api/v1/organisations/{organisation}/changes"): Access.OPERATOR,
    ("PUT", "/api/v1/organisations/{organisation}/members/{login}"): Access.OPERATOR,
    ("DELETE", "/api/v1/organisations/{organisation}/members/{login}"): Access.OPERATOR,
    # Schools and stations alike: the route finds which of them the account acts for.
    ("POST", "/api/v1/api-keys"): Access.ACCOUNT,
    ("GET", "/api/v1/organisations/{organisation}/api-keys"): Access.ACCOUNT,
    ("DELETE", "/api/v1/api-keys/{key_id}"): Access.ACCOUNT,
    ("POST", "/api/v1/consents"): Access.VERIFIED,
    ("GET", "/api/v1/consents"): Access.ACCOUNT,
    ("DELETE", "/api/v1/consents/{consent_id}"): Access.ACCOUNT,
    ("GET", "/api/v1/consent-requests"): Access.VERIFIED,
    ("POST", "/api/v1/consent-requests/{request_id}/accept"): Access.VERIFIED,
    ("DELETE", "/api/v1/consent-requests/{request_id}"): Access.VERIFIED,
    ("GET", "/api/v1/schools/{school}/learners"): Access.SCHOOL,
    ("POST", "/api/v1/schools/{school}/consent-requests"): Access.SCHOOL,
    ("POST", "/api/v1/schools/{school}/batches"): Access.SCHOOL,
    ("GET", "/api/v1/schools/{school}/batches"): Access.SCHOOL,
    ("GET", "/api/v1/schools/{school}/batches/{batch_id}"): Access.SCHOOL,
    ("POST", "/api/v1/schools/{school}/batches/{batch_id}/cancel"): Access.SCHOOL,
    ("POST", "/api/v1/schools/{school}/substitutions"): Access.SCHOOL,
    ("GET", "/api/v1/schools/{school}/substitutions"): Access.SCHOOL,
    ("POST", "/api/v1/check-ins"): Access.STATION,
    ("GET", "/api/v1/notices"): Access.ACCOUNT,
    ("POST", "/api/v1/notices/{notice_id}/read"): Access.ACCOUNT,
    ("POST", "/api/v1/webhooks"): Access.ORGANISATION,
    ("GET", "/api/v1/webhooks"): Access.ORGANISATION,
    ("DELETE", "/api/v1/webhooks/{webhook_id}"): Access.ORGANISATION,
    ("POST", "/api/v1/webhooks/{webhook_id}/ping"): Access.ORGANISATION,
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries"): Access.ORGANISATION,
    ("GET", "/api/v1/payments"): Access.ACCOUNT,
    ("POST", "/api/v1/payments"): Access.VERIFIED,
    ("POST", "/api/v1/payments/callback"): Access.SIGNED,
    ("POST", "/api/v1/payments/refunds"): Access.ACCOUNT,
    ("POST", "/api/v1/payments/counter"): Access.CLERK,
    ("POST", "/api/v1/payments/counter/refunds"): Access.CLERK,
    ("POST", "/api/v1/sign-in/second"): Access.UNKNOWN,
    ("POST", "/api/v1/sign-in/second/options"): Access.UNKNOWN,
    ("GET", "/api/v1/factors"): Access.ACCOUNT,
    ("POST", "/api/v1/factors/totp"): Access.ACCOUNT,
    ("POST", "/api/v1/factors/totp/activate"): Access.ACCOUNT,
    ("POST", "/api/v1/factors/totp/remove"): Access.ACCOUNT,
    ("POST", "/api/v1/factors/security-keys/options"): Access.ACCOUNT,
    ("POST", "/api/v1/factors/security-keys"): Access.ACCOUNT,
    ("POST", "/api/v1/factors/security-keys/{key_id}/remove"): Access.ACCOUNT,
    ("POST", "/api/v1/factor-resets"): Access.CLERK,
    ("GET", "/api/v1/accounts/me/events"): Access.ACCOUNT,
    ("POST", "/api/v1/accounts/me/password"): Access.ACCOUNT,
    ("POST", "/api/v1/session"): Access.UNKNOWN,
    ("POST", "/api/v1/session/second"): Access.UNKNOWN,
    ("GET", "/api/v1/session"): Access.ACCOUNT,
    ("DELETE", "/api/v1/session"): Access.ACCOUNT,
    ("DELETE", "/api/v1/sessions"): Access.ACCOUNT,
}


KEY_SCOPES: Mapping[tuple[str, str], str] = {
    ("GET", "/api/v1/schools/{school}/learners"): "learners:read",
    ("POST", "/api/v1/schools/{school}/consent-requests"): "learners:write",
    ("POST", "/api/v1/schools/{school}/batches"): "batches:write",
    ("GET", "/api/v1/schools/{school}/batches"): "batches:read",
    ("GET", "/api/v1/schools/{school}/batches/{batch_id}"): "batches:read",
    ("POST", "/api/v1/schools/{school}/batches/{batch_id}/cancel"): "batches:write",
    ("POST", "/api/v1/schools/{school}/substitutions"): "batches:write",
    ("GET", "/api/v1/schools/{school}/substitutions"): "batches:read",
    ("POST", "/api/v1/webhooks"): "webhooks",
    ("GET", "/api/v1/webhooks"): "webhooks",
    ("DELETE", "/api/v1/webhooks/{webhook_id}"): "webhooks",
    ("POST", "/api/v1/webhooks/{webhook_id}/ping"): "webhooks",
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries"): "webhooks",
    ("POST", "/api/v1/check-ins"): "check-ins",
}
"""What an API key needs for a route; a route that is not here is for people only."""

ROLES_OF: Mapping[Access, tuple[str, ...]] = {
    Access.CLERK: ("clerk",),
    Access.OPERATOR: ("operator",),
    Access.SCHOOL: ("school",),
    Access.STATION: ("station",),
    Access.AUDITOR: ("auditor",),
    Access.ORGANISATION: ("school", "station"),
}
"""One of them is needed. What a role is for (which authority, school or station) is its scope; the route compares it with what is asked."""


def check_access(account: Account, access: Access) -> None:
    """Lets a signed-in account pass, or says what it lacks.

    Raises:
        NotVerified: nobody has found the person behind this account yet, or its token is older than that.
        RoleMissing: the account has not the role.
    """
    if access is Access.VERIFIED and not account.verified:
        raise NotVerified
    roles = ROLES_OF.get(access)
    if roles is not None and not any(account.scopes(role) for role in roles):
        raise RoleMissing(role=" or ".join(roles))


def check_key(account: Account, route: tuple[str, str]) -> None:
    """Lets an API key pass whose scopes allow this route.

    Raises:
        KeyScopeMissing: none of them does, or no key may use it.
    """
    scope = KEY_SCOPES.get(route)
    if scope is None or scope not in account.scopes("key"):
        raise KeyScopeMissing(scope=scope)
