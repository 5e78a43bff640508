"""Examples of bodies and answers, as the API's description shows them. Plain values; a test holds them to their types.

The identity number is the one of GB 11643's own example.
"""

from typing import Any

PERSON: dict[str, Any] = {
    "id": "p4c1f0a9b27d8e6350f12",
    "login": "zhang.wei",
    "name": "张伟",
    "identity_number": "110*************2X",
    "verified": True,
    "roles": [],
}
NEW_ACCOUNT = {
    "login": "zhang.wei",
    "identity_number": "11010519491231002X",
    "name": "张伟",
    "phone": "13800138000",
    "password": "four horses, one cart",
}
SIGN_IN = {"login": "zhang.wei", "password": "four horses, one cart"}
REFRESH = {"refresh_token": "x1Qm0T8c3nVb2Zr7Lw5Jd9Ks4Hf6Gy0PqAeUiOtRvXs"}
TOKENS = {
    "access_token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJwNGMxZjBhOWIyN2Q4ZTYzNTBmMTIifQ.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_token": REFRESH["refresh_token"],
    "account": PERSON,
}
VERIFICATION = {"login": "zhang.wei", "identity_number": "11010519491231002X"}

POOL: dict[str, Any] = {
    "id": 3,
    "authority": "cn-zj-hz",
    "service": "driving_test",
    "rule": "subject-2",
    "title": {"zh-CN": "科目二 · 场地驾驶", "en": "Subject 2 · Field driving"},
    "claimant_kind": "person",
    "state": "open",
    "hold_ttl_s": 300,
    "epoch": 1,
    "demo": False,
}
UNIT: dict[str, Any] = {
    "id": 1204,
    "pool": 3,
    "kind": "session",
    "title": {"zh-CN": "西湖考场 · 上午场", "en": "Xihu site · morning"},
    "site": "hz-xihu",
    "starts_at": "2026-12-08T00:30:00Z",
    "ends_at": "2026-12-08T03:30:00Z",
    "attributes": {"subject": "2", "class": "C1", "district": "西湖区"},
    "capacity": 40,
    "booked": 31,
    "promised": 0,
    "free": 6,
}
CURSOR = "9mXo1bE0cMQxMjA0"
POOLS = {"pools": [POOL], "next": None}
UNITS = {"units": [UNIT], "next": CURSOR}
COUNTS = 'event: availability\ndata: {"1204": 6}\n\n'

HOLD_ID = "019ac5a2-3f10-8000-8000-0c9a41d7e2b5"
NEW_HOLD = {"pool": 3, "units": [1204]}
HOLD = {
    "id": HOLD_ID,
    "pool": 3,
    "units": [1204],
    "expires_at_ms": 1_764_055_500_000,
    "repeated": False,
}
PRESENT_HOLD: dict[str, Any] = {
    "id": HOLD_ID,
    "pool": 3,
    "service": "driving_test",
    "vehicle": None,
    "units": [1204],
    "expires_at_ms": HOLD["expires_at_ms"],
    "confirming": False,
}
HOLDS = {"holds": [PRESENT_HOLD]}
CONFIRM = {"unit": 1204}
BOOKING: dict[str, Any] = {
    "id": HOLD_ID,
    "pool": 3,
    "unit": 1204,
    "state": "booked",
    "created_at": "2026-11-25T06:41:12.402193Z",
    "ended_at": None,
    "ended_by": None,
    "moved_to": None,
    "concluded_at": None,
}
CANCELLED = BOOKING | {"state": "cancelled", "ended_at": "2026-11-26T01:10:00Z", "ended_by": "owner"}
BOOKINGS = {"bookings": [BOOKING], "next": None}
RESCHEDULE = {"hold": HOLD_ID}

NEW_PLAN = {
    "authority": "cn-zj-hz",
    "service": "driving_test",
    "title": {"zh-CN": "12 月第 2 周考试计划", "en": "Tests in the second week of December"},
    "source": "Hangzhou office, 2026-11-20",
    "opens_at": "2026-11-27T01:00:00Z",
}
PLAN: dict[str, Any] = NEW_PLAN | {
    "id": 12,
    "state": "published",
    "closes_at": None,
    "created_at": "2026-11-24T02:00:00Z",
    "published_at": "2026-11-25T02:00:00Z",
    "closed_at": None,
    "sessions": 18,
    "places": 640,
}
PLANS = {"plans": [PLAN], "next": None}
SESSION_ROW = {
    "site": "hz-xihu",
    "title": "西湖考场",
    "day": "2026-12-08",
    "start": "08:30",
    "end": "11:30",
    "subject": 2,
    "vehicle_class": "C1",
    "capacity": 36,
    "priority_capacity": 4,
}
ROWS = {"sessions": [SESSION_ROW]}
SCHEDULE = {
    "site": "hz-xihu",
    "title": "西湖考场",
    "subject": 2,
    "vehicle_class": "C1",
    "first_day": "2026-12-07",
    "last_day": "2026-12-18",
    "weekdays": [1, 3, 5],
    "slots": [{"start": "08:30", "end": "11:30", "capacity": 36, "priority_capacity": 4}],
}
ADDED = {"added": 2, "plan": PLAN | {"state": "draft", "published_at": None}}
PLANNED_SESSION = {
    "id": 77,
    "unit": 1204,
    "site": "hz-xihu",
    "title": {"zh-CN": "西湖考场", "en": "Xihu site"},
    "district": "西湖区",
    "subject": 2,
    "vehicle_class": "C1",
    "quota": "ordinary",
    "starts_at": "2026-12-08T00:30:00Z",
    "ends_at": "2026-12-08T03:30:00Z",
    "capacity": 36,
    "cancelled_at": None,
    "cancel_reason": None,
}
PLANNED_SESSIONS = {"sessions": [PLANNED_SESSION], "next": None}
SESSION_CANCEL = {"reason": "The site is flooded."}
SESSION_CANCELLED = {"unit": 1204, "bookings_ended": 31}
SETTINGS_CHANGE = {
    "settings": {"leaving": {"notice_hours": 48}},
    "reason": "Order 2026/17 of the provincial office",
}
SETTINGS_HISTORY = {"changes": [SETTINGS_CHANGE | {"set_by": "p88a", "set_at": "2026-11-01T03:00:00Z"}]}
DAYS_OFF_REQUEST = {"days": {"2027-01-01": "元旦"}}
DAYS_OFF = {"days": ["2027-01-01"]}
