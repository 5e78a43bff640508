"""An ID token is believed if its provider has signed it, with a known key, for this very sign-in."""

from joserfc.jwk import ECKey, RSAKey

from booking_api.identity.oidc import provider as provider_module
from tests.booking_api.identity.oidc.identity_provider import CLIENT, KEYS, RSA, SECRET
from tests.booking_api.identity.oidc.signing_in import linked, refused, signed_in


async def test_every_algorithm_of_ours_signs_in(both):
    client, idp = both
    await linked(client, idp)
    for idp.algorithm in KEYS:
        assert (await signed_in(client, idp)).status_code == 200


CLAIMS = [
    {"nonce": "of another sign-in"},
    {"nonce": None},
    {"nonce": ["x"]},
    {"iss": "http://127.0.0.1:1"},
    {"iss": None},
    {"aud": "another client"},
    {"aud": None},
    {"aud": [CLIENT, "another client"]},
    {"azp": "another client"},
    {"exp": 1},
    {"exp": None},
    {"exp": "tomorrow"},
    {"iat": 2**40},
    {"iat": None},
    {"nbf": 2**40},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    {"at_hash": 1},
    {"sub": ""},
    {"sub": None},
    {"sub": 7},
    {"sub": "x" * 256},
    {"sub": "a\x00b"},
]


async def test_a_token_that_is_not_of_this_sign_in_is_not_believed(both):
    client, idp = both
    await linked(client, idp)
    told = []
    for idp.claims in CLAIMS:
        told.append((idp.claims, (await signed_in(client, idp)).json().get("code")))
    assert told == [(wrong, "id_token_refused") for wrong in CLAIMS]


async def test_several_audiences_and_no_hash_are_believed_where_the_standard_says_so(both):
    """The positive control of the claims above."""
    client, idp = both
    await linked(client, idp)
    idp.claims = {"aud": [CLIENT, "another client"], "azp": CLIENT, "at_hash": None}
    assert (await signed_in(client, idp)).status_code == 200


FORGERIES = {
    "alg none": lambda: ("none", b""),
    "HS256 with the public key": lambda: ("HS256", RSA.as_pem(private=False)),
    "HS256 with the client's secret": lambda: ("HS256", SECRET.encode()),
    "another key under a known name": lambda: ("RS256", RSAKey.generate_key(2048, {"kid": "rsa"})),
    "another key under no known name": lambda: ("RS256", RSAKey.generate_key(2048, {"kid": "evil"})),
}


async def test_a_token_the_provider_has_not_signed_is_not_believed(both):
    client, idp = both
    await linked(client, idp)
    told = {}
    for name, forgery in FORGERIES.items():
        idp.algorithm, idp.key = forgery()
        told[name] = (await signed_in(client, idp)).json().get("code")
    assert told == dict.fromkeys(FORGERIES, "id_token_refused")


async def test_a_new_key_is_fetched_but_not_for_every_forged_token(both, monkeypatch):
    client, idp = both
    await linked(client, idp)
    idp.key = ECKey.generate_key("P-256", {"kid": "new"})
    idp.algorithm = "ES256"
    idp.published["new"] = idp.key
    refused(await signed_in(client, idp), 403, "id_token_refused")
    assert idp.seen.count("/keys") == 1
    monkeypatch.setattr(provider_module, "FETCHED_AGAIN_AFTER_S", 0)
    assert (await signed_in(client, idp)).status_code == 200
    assert idp.seen.count("/keys") == 2
