"""A security key in software: ES256, attestation "none", as W3C WebAuthn level 3 lays it out, with every part to bend."""

import base64
import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SecurityKey:
    """One credential. `count` is what it says next; a key that never counts has `counts=False`."""

    def __init__(self, *, origin: str = "http://localhost:8000", counts: bool = True) -> None:
        self.origin = origin
        self.id = secrets.token_bytes(32)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.counts = counts
        self.count = 1 if counts else 0

    def public_key(self) -> bytes:
        """COSE (RFC 9053, section 7.1.1)."""
        point = self.private.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def create(self, options: dict, *, public_key: bytes | None = None, **bent) -> dict:
        """The answer to `navigator.credentials.create()`."""
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + (public_key or self.public_key())
        data = self._data(options["rp"]["id"], bent, flags=PRESENT | VERIFIED | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options, bent)
        return self._credential(
            {
                "clientDataJSON": b64url(client_data),
                "attestationObject": b64url(attestation),
                "transports": ["usb"],
            }
        )

    def get(self, options: dict, **bent) -> dict:
        """The answer to `navigator.credentials.get()`."""
        data = self._data(options["rpId"], bent, flags=PRESENT | VERIFIED)
        client_data = self._client_data("webauthn.get", options, bent)
        signer = bent.get("signer", self.private)
        signature = signer.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": b64url(client_data),
                "authenticatorData": b64url(data),
                "signature": b64url(signature),
                "userHandle": None,
            }
        )

    def _data(self, party: str, bent: dict, *, flags: int) -> bytes:
        count = bent.get("count", self.count)
        self.count += self.counts
        name = bent.get("party", party)
        return (
            hashlib.sha256(name.encode()).digest()
            + bytes([bent.get("flags", flags)])
            + count.to_bytes(4, "big")
        )

    def _client_data(self, kind: str, options: dict, bent: dict) -> bytes:
        told = {
            "type": bent.get("type", kind),
            "challenge": bent.get("challenge", options["challenge"]),
            "origin": bent.get("origin", self.origin),
            "crossOrigin": bent.get("cross_origin", False),
        }
        return json.dumps(told).encode()

    def _credential(self, response: dict) -> dict:
        """As a browser's `toJSON()` gives it, with the members we do not use."""
        name = b64url(self.id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": response,
        }
