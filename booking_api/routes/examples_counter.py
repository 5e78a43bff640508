"""Examples for the counter. Plain values, as in `examples`."""

from typing import Any

from booking_api.routes.examples import HOLD_ID, PERSON, PRESENT_HOLD

VISIT_ID = "5f0a7c1e-93bd-4a1c-8a06-0d7c2b9e4f31"
NEW_VISIT = {"authority": "cn-zj-hz", "identity_number": "11010519491231002X", "name": "张伟"}
VISIT: dict[str, Any] = {
    "id": VISIT_ID,
    "authority": "cn-zj-hz",
    "person": PERSON | {"login": "c-k7m2q-9px4h"},
    "has_password": False,
    "opened_at": "2026-11-25T06:40:00Z",
    "expires_at": "2026-11-25T07:10:00Z",
}
BEGUN = {"visit": VISIT, "new_account": True}
VISITED = {"visit": VISIT, "holds": [PRESENT_HOLD]}
PASSWORD = {"password": "four horses, one cart"}
ACTS = {
    "acts": [
        {
            "id": 811,
            "visit": VISIT_ID,
            "kind": "confirmed",
            "at": "2026-11-25T06:44:31Z",
            "subject": HOLD_ID,
            "outcome": "done",
            "identity_number": PERSON["identity_number"],
        }
    ]
}
