"""What browsers send of a security key (W3C WebAuthn level 3, section 5.1: `PublicKeyCredential.toJSON()`). Imports msgspec.

The format is the W3C's, which adds members over time: what is not known is left alone here, unlike in our own requests.
"""

from typing import Annotated

import msgspec

Base64Url = Annotated[str, msgspec.Meta(min_length=1, max_length=32_768, pattern=r"^[A-Za-z0-9_-]+$")]
CredentialId = Annotated[str, msgspec.Meta(min_length=1, max_length=1_364, pattern=r"^[A-Za-z0-9_-]+$")]
"""At most 1,023 bytes (section 4)."""
Transport = Annotated[str, msgspec.Meta(max_length=30)]


class AttestationResponse(msgspec.Struct, frozen=True):
    """The answer of a key that is added."""

    client_data: Base64Url = msgspec.field(name="clientDataJSON")
    attestation_object: Base64Url = msgspec.field(name="attestationObject")
    transports: Annotated[list[Transport], msgspec.Meta(max_length=10)] = []


class NewCredential(msgspec.Struct, frozen=True):
    """A key that is added."""

    id: CredentialId
    raw_id: CredentialId = msgspec.field(name="rawId")
    type: Transport
    response: AttestationResponse


class AssertionResponse(msgspec.Struct, frozen=True):
    """The answer of a key that signs in."""

    client_data: Base64Url = msgspec.field(name="clientDataJSON")
    authenticator_data: Base64Url = msgspec.field(name="authenticatorData")
    signature: Base64Url


class Assertion(msgspec.Struct, frozen=True):
    """A key that signs in."""

    id: CredentialId
    raw_id: CredentialId = msgspec.field(name="rawId")
    type: Transport
    response: AssertionResponse
