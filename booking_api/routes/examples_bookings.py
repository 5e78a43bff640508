"""Examples for fees, notices and what one takes along to a session. Plain values, as in `examples`."""

from typing import Any

from booking_api.routes.examples import BOOKING, HOLD_ID, POOL, UNIT

PAYMENT_ID = "b3e7a0f4-0c2d-4c7a-9d55-6a1f0e2b9c84"
NEW_PAYMENT = {"authority": "cn-zj-hz", "subject": 2}
PAYMENT: dict[str, Any] = NEW_PAYMENT | {
    "id": PAYMENT_ID,
    "amount_fen": 13_000,
    "currency": "CNY",
    "state": "pending",
    "provider": "remote",
    "pay_url": f"https://pay.example.cn/o/{PAYMENT_ID}",
    "created_at": "2026-11-25T06:42:00Z",
    "settled_at": None,
    "used_by": None,
}
SETTLED = PAYMENT | {"state": "settled", "pay_url": None, "settled_at": "2026-11-25T06:44:19Z"}
PAYMENTS = {"payments": [SETTLED]}
REFUNDING = {"payments": [SETTLED | {"state": "refunding"}]}
CALLBACK = {
    "order": PAYMENT_ID,
    "state": "paid",
    "amount_fen": 13_000,
    "currency": "CNY",
    "reference": "4200002026112500017",
}
HEARD = {"order": PAYMENT_ID, "state": "settled"}
COUNTER_PAYMENT = NEW_PAYMENT | {"login": "zhang.wei", "amount_fen": 13_000, "receipt": "HZ-2026-004711"}
PAID_AT_COUNTER = SETTLED | {"provider": "counter"}
COUNTER_REFUND = {"payment": PAYMENT_ID, "receipt": "HZ-2026-004712"}
REFUNDED = PAID_AT_COUNTER | {"state": "refunded"}

NOTICE: dict[str, Any] = {
    "id": 5120,
    "kind": "session.cancelled",
    "at": "2026-11-25T06:41:12.402193Z",
    "facts": {"booking": HOLD_ID, "unit": 1204, "reason": "The site is flooded."},
    "read_at": None,
}
READ_NOTICE = NOTICE | {"read_at": "2026-11-25T08:00:00Z"}
NOTICES = {"notices": [NOTICE], "next": None}

BOOKED_UNIT: dict[str, Any] = {
    "id": HOLD_ID,
    "state": "booked",
    "pool": 3,
    "unit": 1204,
    "authority": POOL["authority"],
    "service": POOL["service"],
    "rule": POOL["rule"],
    "title": POOL["title"],
    "unit_title": UNIT["title"],
    "site": UNIT["site"],
    "starts_at": UNIT["starts_at"],
    "ends_at": UNIT["ends_at"],
    "attributes": UNIT["attributes"],
    "created_at": BOOKING["created_at"],
    "ended_at": None,
    "moved_to": None,
    "check_in_code": "GD1.DGVMLIR7CCAABAAAAAAIYDE2IHL6FNKQ2M4WZ7TX3V5A",
}
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Gongdao//Gongdao 1//ZH\r\nBEGIN:VEVENT\r\n"
    "SUMMARY;LANGUAGE=zh-CN:科目二 · 场地驾驶\r\nDTSTART:20261208T003000Z\r\nDTEND:20261208T033000Z\r\n"
    f"DTSTAMP:20261125T064112Z\r\nUID:{HOLD_ID}@cn-zj-hz\r\nSEQUENCE:0\r\nLOCATION;LANGUAGE=zh-CN:西湖考场\r\n"
    "STATUS:CONFIRMED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
CODE_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="328" height="328"><path d="M4 4.5h7m1 0h1"/></svg>'
)

CHECK_IN = {"code": "GD1.AGI2FPTDTCAABAAAAXFG5A6CFUTQKZX2M4ONVWE7JQ"}
CHECKED_IN: dict[str, Any] = {
    "booking": HOLD_ID,
    "unit": 1204,
    "title": {"zh-CN": "西湖考场 · 上午场", "en": "Xihu site · morning"},
    "starts_at": "2026-12-08T00:30:00Z",
    "subject": 2,
    "vehicle_class": "C1",
    "vehicle": None,
    "name": "张伟",
    "identity_number": "110*************2X",
    "at": "2026-12-08T00:04:12Z",
    "repeated": False,
}
