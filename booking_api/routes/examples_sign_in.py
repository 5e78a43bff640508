"""Examples for signing in: second factors, sessions, identity providers, verification online, one's own data.

Plain values, as in `examples`. Secrets, codes and keys are made up.
"""

from typing import Any

from booking_api.routes.examples import BOOKING, PERSON, SIGN_IN

PASSWORD_AGAIN = {"password": SIGN_IN["password"]}
PASSWORD_CHANGE = {"old_password": SIGN_IN["password"], "new_password": "six lanterns over the water"}
SESSION = {"csrf_token": "Yk0mJ3q9b1tW7uHcZs5nDf2xLr8vPgAeQoKiTjUyMhE", "account": PERSON}

KEY_ID = "hZ2Rk0o8Wq4vTn6yLs1dJx"
FACTORS: dict[str, Any] = {
    "totp": True,
    "security_keys": [
        {
            "id": KEY_ID,
            "name": "blue key",
            "added_at": "2026-11-20T02:10:00Z",
            "used_at": "2026-11-25T06:40:31Z",
        }
    ],
    "recovery_codes_left": 9,
}
EVENTS = {
    "events": [
        {"kind": "totp_activated", "by": PERSON["id"], "at": "2026-11-20T02:05:12Z"},
        {"kind": "password_changed", "by": PERSON["id"], "at": "2026-11-02T11:32:00Z"},
    ]
}
TOTP_SET_UP = {
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_uri": (
        "otpauth://totp/Gongdao:zhang.wei?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Gongdao"
    ),
}
CODE = {"code": "481516"}
REMOVAL = {"code": "481516"}
ACTIVATED = {
    "recovery_codes": [
        "mfrg-gzdf-mztw-q2lk",
        "nvxw-4zlt-orqx-i2lp",
        "oj2w-e3lf-nzqw-yytp",
        "pbqx-g43j-ozsx-6427",
        "qf2g-c5dv-onuw-k6lr",
        "rbwx-a4tt-ojsw-6n3b",
        "sf3h-e2lq-mvzx-a55c",
        "tnvw-o4df-pfxw-k7q3",
        "uf2x-k6bt-nzrw-5e2d",
        "vj3g-i7dm-ozsx-c4tf",
    ]
}
NO_CODES: dict[str, Any] = {"recovery_codes": []}
CREATION_OPTIONS = {
    "public_key": {
        "rp": {"id": "booking.example.cn", "name": "Gongdao"},
        "user": {"id": "cDRjMWYwYTliMjdk", "name": "zhang.wei", "displayName": "zhang.wei"},
        "challenge": "m0v9S7cQ3zVn1tXe5RwJ8yLk2HgFdBaP6uTiOqNsMxY",
        "pubKeyCredParams": [{"type": "public-key", "alg": -8}, {"type": "public-key", "alg": -7}],
        "timeout": 60000,
        "excludeCredentials": [],
    }
}
REQUEST_OPTIONS = {
    "public_key": {
        "rpId": "booking.example.cn",
        "challenge": "m0v9S7cQ3zVn1tXe5RwJ8yLk2HgFdBaP6uTiOqNsMxY",
        "timeout": 60000,
        "allowCredentials": [{"type": "public-key", "id": KEY_ID}],
        "userVerification": "preferred",
    }
}
NEW_SECURITY_KEY = {
    "name": "blue key",
    "credential": {
        "id": KEY_ID,
        "rawId": KEY_ID,
        "type": "public-key",
        "response": {
            "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
            "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVg",
            "transports": ["usb"],
        },
    },
}
TICKET = {"ticket": "hR3vK9wLq2ZxT7nB5cJm1sYd8fGp4aUe6oXiNtQkVzM"}
SECOND_STEP = TICKET | {"totp_code": "481516"}
RESET = {"login": "zhang.wei", "identity_number": "11010519491231002X"}

AUTHORIZATION_URL = (
    "https://id.example.cn/authorize?response_type=code&client_id=gongdao&scope=openid"
    "&redirect_uri=https%3A%2F%2Fbooking.example.cn%2Fapi%2Fv1%2Fsign-in%2Foidc%2Fcallback"
    "&state=b7Qe&nonce=k2Lp&code_challenge=s0Xr&code_challenge_method=S256"
)
AUTHORIZATION = {"authorization_url": AUTHORIZATION_URL}
EXTERNAL_IDENTITY = {
    "id": "7d1f0c52-6a3e-4a0f-9a55-0b9c1c7e4f21",
    "issuer": "https://id.example.cn",
    "subject": "248289761001",
    "linked_at": "2026-11-21T08:00:00Z",
}
EXTERNAL_IDENTITIES = {"external_identities": [EXTERNAL_IDENTITY]}

VERIFICATION_STARTED = {"source": "register", "sent_to": "138****8000", "expires_in": 600}
EXPORT: dict[str, Any] = {
    "format": "gongdao-person/1",
    "account": [{"id": PERSON["id"], "login": "zhang.wei", "name": "张伟", "phone": "13800138000"}],
    "bookings": [{"id": BOOKING["id"], "unit_id": 1204, "state": "booked", "salt": "9f2c41d07be6a853"}],
    "sign_ins": [],
    "exported_at": "2026-11-25T06:45:00Z",
}
