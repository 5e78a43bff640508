"""Examples for schools and stations: the register, API keys, consents, batches, substitutions, webhooks.

Plain values, as in `examples`.
"""

from typing import Any

from booking_api.routes.examples import HOLD_ID, PERSON

SCHOOL_ID = "anda"
NEW_ORGANISATION: dict[str, Any] = {
    "id": SCHOOL_ID,
    "kind": "school",
    "authority": "cn-zj-hz",
    "name": {"zh-CN": "安达驾校", "en": "Anda driving school"},
    "sites": [],
}
ORGANISATION: dict[str, Any] = NEW_ORGANISATION | {"state": "active"}
SUSPENDED = ORGANISATION | {"state": "suspended"}
ORGANISATIONS = {"organisations": [ORGANISATION], "next": None}
REASON = {"reason": "The school's licence has run out."}
REASON_TO_RESUME = {"reason": "The licence was renewed on 2026-12-01."}
CHANGES = {
    "changes": [
        {
            "id": 41,
            "action": "suspended",
            "account": None,
            "reason": REASON["reason"],
            "by": "p88a1c0d2e4f60718293a",
            "at": "2026-11-24T03:12:00Z",
        },
        {
            "id": 17,
            "action": "created",
            "account": None,
            "reason": None,
            "by": "p88a1c0d2e4f60718293a",
            "at": "2026-09-01T01:00:00Z",
        },
    ],
    "next": None,
}
MEMBERSHIP = {"organisation": SCHOOL_ID, "account": PERSON["id"]}

NEW_API_KEY = {
    "organisation": SCHOOL_ID,
    "name": "office system",
    "scopes": ["batches:read", "batches:write", "learners:read"],
    "expires_in_days": 180,
}
API_KEY: dict[str, Any] = {
    "id": "5b0e9d3c71a2f846",
    "organisation": SCHOOL_ID,
    "name": "office system",
    "prefix": "gdk_5b0e9d3c71a2f846_",
    "scopes": NEW_API_KEY["scopes"],
    "created_at": "2026-11-20T02:00:00Z",
    "expires_at": "2027-05-19T02:00:00Z",
    "last_used": "2026-11-25",
    "revoked_at": None,
}
MADE_API_KEY = {
    "key": "gdk_5b0e9d3c71a2f846_kQ7wN2xT9vLc4RzJ8mYs1HdGf6bPaEuX3oViKtMqBnU",
    "about": API_KEY | {"last_used": None},
}
API_KEYS = {"keys": [API_KEY]}

TERMS = {"subjects": [2, 3], "until": "2027-06-30"}
NEW_CONSENT = TERMS | {"school": SCHOOL_ID}
CONSENT: dict[str, Any] = NEW_CONSENT | {
    "id": 905,
    "given_at": "2026-11-22T12:01:00Z",
    "withdrawn_at": None,
}
CONSENTS = {"consents": [CONSENT], "next": None}
CONSENT_REQUESTS: dict[str, Any] = {
    "requests": [
        {
            "id": 33,
            "school": SCHOOL_ID,
            "school_name": NEW_ORGANISATION["name"],
            "asked_at": "2026-11-22T09:30:00Z",
        }
    ],
    "next": None,
}
ASK = {"identity_number": "11010519491231002X", "name": "张伟"}
ASKED = {"asked": True}
LEARNERS = {
    "learners": [
        {
            "consent": 905,
            "account": PERSON["id"],
            "identity_number": "110*************2X",
            "name": "张*",
            "vehicle_class": "C1",
            "subjects": [2, 3],
            "until": "2027-06-30",
        }
    ],
    "next": None,
}

NEW_BATCH = {
    "mode": "best_effort",
    "rows": [
        {"learner": PERSON["id"], "units": [1204, 1205]},
        {"learner": "11010519491231002X", "units": [1204]},
    ],
}
BATCH: dict[str, Any] = {
    "id": 260,
    "mode": "best_effort",
    "state": "done",
    "sent_by": "key:5b0e9d3c71a2f846",
    "sent_at": "2026-11-25T06:30:00Z",
    "ended_at": "2026-11-25T06:30:04Z",
    "cancel_asked": False,
    "rows": {"waiting": 0, "held": 0, "booked": 1, "refused": 1, "released": 0},
}
SENT_BATCH = BATCH | {
    "state": "queued",
    "ended_at": None,
    "rows": {"waiting": 2, "held": 0, "booked": 0, "refused": 0, "released": 0},
}
CANCELLED_BATCH = SENT_BATCH | {"cancel_asked": True}
BATCHES = {"batches": [BATCH], "next": None}
BATCH_ROWS: dict[str, Any] = {
    "batch": BATCH,
    "rows": [
        {
            "number": 1,
            "account": PERSON["id"],
            "state": "booked",
            "unit": 1204,
            "booking": HOLD_ID,
            "code": None,
            "refusals": [],
        },
        {
            "number": 2,
            "account": None,
            "state": "refused",
            "unit": None,
            "booking": None,
            "code": "no_consent",
            "refusals": [{"code": "no_consent", "unit": None}],
        },
    ],
    "next": None,
}
NEW_SUBSTITUTION = {
    "booking": HOLD_ID,
    "learner": "p9d27e0c4b81f6a35027e",
    "reason": "The learner is ill.",
}
SUBSTITUTION = {
    "id": 8,
    "school": SCHOOL_ID,
    "unit": 1204,
    "from_booking": HOLD_ID,
    "from_account": PERSON["id"],
    "to_booking": "019ac5a2-7b44-8000-8000-51b0c6de90f3",
    "to_account": NEW_SUBSTITUTION["learner"],
    "reason": NEW_SUBSTITUTION["reason"],
    "by": "key:5b0e9d3c71a2f846",
    "at": "2026-11-25T07:00:00Z",
}
SUBSTITUTIONS = {"substitutions": [SUBSTITUTION], "next": None}

NEW_WEBHOOK = {
    "organisation": f"school:{SCHOOL_ID}",
    "url": "https://office.anda.example.cn/gongdao",
    "kinds": ["batch.finished", "session.cancelled"],
}
WEBHOOK: dict[str, Any] = NEW_WEBHOOK | {
    "id": "3f0d6f0a-52c7-4bb2-9d6e-1f6a3c0b8e77",
    "created_at": "2026-11-20T02:00:00Z",
    "failing_since": None,
    "off_at": None,
    "off_reason": None,
}
REGISTERED_WEBHOOK = WEBHOOK | {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDYmF0ZXN0cw=="}
WEBHOOKS = {"webhooks": [WEBHOOK]}
PING = {"id": "msg_4c1a9a58d1f34e5c8d0a7c1de9b25f60"}
DELIVERIES = {
    "deliveries": [
        {
            "id": PING["id"],
            "kind": "batch.finished",
            "state": "waiting",
            "attempts": 2,
            "noted_at": "2026-11-25T06:30:04Z",
            "next_at": "2026-11-25T06:35:09Z",
            "ended_at": None,
            "last_status": 503,
            "last_error": None,
        }
    ]
}
