"""Who may do what: the one place that says it. Imports this application's errors and tokens.

Every route of the API is listed, and a route that is not listed cannot be served: `Gate.enter` finds no entry. Whose
booking or hold it is (the owner) is the kernel's to check, in the same statement that finds it.
"""

from collections.abc import Mapping
from enum import StrEnum

from booking_api.errors import NotVerified, RoleMissing
from booking_api.identity.tokens import Account


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
    ("DELETE", "/api/v1/holds/{hold_id}"): Access.ACCOUNT,
    ("POST", "/api/v1/holds/{hold_id}/confirm"): Access.ACCOUNT,
    ("POST", "/api/v1/bookings/{booking_id}/cancel"): Access.ACCOUNT,
    ("POST", "/api/v1/bookings/{booking_id}/reschedule"): Access.ACCOUNT,
    ("POST", "/api/v1/verifications"): Access.CLERK,
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
}


ROLE_OF: Mapping[Access, str] = {
    Access.CLERK: "clerk",
    Access.OPERATOR: "operator",
    Access.SCHOOL: "school",
    Access.STATION: "station",
    Access.AUDITOR: "auditor",
}
"""What a role is for (which authority, school or station) is its scope; the route compares it with what is asked."""


def check_access(account: Account, access: Access) -> None:
    """Lets a signed-in account pass, or says what it lacks.

    Raises:
        NotVerified: nobody has found the person behind this account yet, or its token is older than that.
        RoleMissing: the account has not the role.
    """
    if access is Access.VERIFIED and not account.verified:
        raise NotVerified
    role = ROLE_OF.get(access)
    if role is not None and not account.scopes(role):
        raise RoleMissing(role=role)
