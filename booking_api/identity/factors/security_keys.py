"""Security keys as second factors (W3C WebAuthn level 3). Imports webauthn and SQLAlchemy.

Registering follows section 7.1 of the specification, signing in section 7.2; the library checks the answers' form, type,
origin, relying party and signature. What must hold between requests is kept here: a challenge is good once, a credential
is one account's, its count only grows.
"""

from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
    options_to_json_dict,
    parse_cbor,
    parse_client_data_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from booking_api.errors import InvalidRequest
from booking_api.identity.factors import tables
from booking_api.identity.factors.active import lock_account, recovery_codes_if_first, void_codes_if_last
from booking_api.identity.factors.browser import Assertion, NewCredential
from booking_api.identity.factors.challenges import give_challenge, use_challenge
from booking_api.identity.factors.errors import KeyRefused, TooManyKeys, UnknownFactor
from booking_api.identity.factors.events import EventKind, record
from booking_api.identity.factors.party import RelyingParty

RELYING_PARTY_NAME = "Gongdao"
KEYS_LIMIT = 10
KEY_NAME_LIMIT = 60

# What the library lets through of others' malformed CBOR, JSON and keys, beside its own exceptions (tried by mutation).
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}

_key = tables.security_key.c


def checked_key_name(told: str) -> str:
    """What the owner calls a key, with single blanks.

    Raises:
        InvalidRequest: it is empty, too long, or cannot be printed.
    """
    name = " ".join(told.split())
    if not 0 < len(name) <= KEY_NAME_LIMIT or not name.isprintable():
        reason = f"what you call the key, 1 to {KEY_NAME_LIMIT} characters"
        raise InvalidRequest(errors=[{"field": "name", "reason": reason}])
    return name


async def registration_options(
    engine: AsyncEngine, party: RelyingParty, *, account: str, login: str
) -> dict[str, Any]:
    """What the browser's `navigator.credentials.create()` needs.

    Raises:
        TooManyKeys: the account has KEYS_LIMIT.
    """
    known = await _descriptors(engine, account)
    if len(known) >= KEYS_LIMIT:
        raise TooManyKeys(limit=KEYS_LIMIT)
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=RELYING_PARTY_NAME,
        user_id=account.encode(),
        user_name=login,
        challenge=await give_challenge(engine, account=account, ticket=None),
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
    )
    return options_to_json_dict(options)


async def add_key(
    engine: AsyncEngine, party: RelyingParty, *, account: str, name: str, credential: NewCredential
) -> list[str]:
    """Adds the key. The ten recovery codes if it is the account's first factor, else none.

    Raises:
        KeyRefused: the answer does not fit the challenge, origin or relying party, or somebody has this credential.
        TooManyKeys: the account has KEYS_LIMIT.
        UnknownAccount: there is no such account.
    """
    challenge = _challenge_in(credential.response.client_data)
    if challenge is None or not await use_challenge(engine, challenge, account=account, ticket=None):
        raise KeyRefused
    found = _checked_registration(party, credential, challenge)
    values = {
        "credential": found.credential_id,
        "account": account,
        "public_key": found.credential_public_key,
        "sign_count": found.sign_count,
        "transports": sorted(_TRANSPORTS & set(credential.response.transports)),
        "name": name,
    }
    try:
        async with engine.begin() as connection:
            await lock_account(connection, account)
            count = select(func.count()).where(_key.account == account)
            if (await connection.execute(count)).scalar_one() >= KEYS_LIMIT:
                raise TooManyKeys(limit=KEYS_LIMIT)
            codes = await recovery_codes_if_first(connection, account)
            await connection.execute(insert(tables.security_key).values(values))
            await record(connection, EventKind.KEY_ADDED, account=account, by=account)
    except IntegrityError:
        raise KeyRefused from None
    return codes


async def sign_in_options(
    engine: AsyncEngine, party: RelyingParty, *, account: str, ticket: str
) -> dict[str, Any]:
    """What the browser's `navigator.credentials.get()` needs.

    Raises:
        UnknownFactor: the account has no key.
    """
    known = await _descriptors(engine, account)
    if not known:
        raise UnknownFactor
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=await give_challenge(engine, account=account, ticket=ticket),
        allow_credentials=known,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json_dict(options)


async def use_key(
    engine: AsyncEngine, party: RelyingParty, *, account: str, ticket: str, assertion: Assertion
) -> bool:
    """True when one of the account's keys has signed the challenge given with this ticket, and its count has grown."""
    challenge = _challenge_in(assertion.response.client_data)
    if challenge is None or not await use_challenge(engine, challenge, account=account, ticket=ticket):
        return False
    mine = (_key.credential == _credential_id(assertion.id)) & (_key.account == account)
    query = select(tables.security_key).where(mine)
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return False
    found = _checked_assertion(party, assertion, challenge, public_key=row.public_key)
    if found is None:
        return False
    # Some keys never count and always say 0; one that has counted and does not count on is a copy (section 7.2, 22).
    grows = or_(_key.sign_count < found.new_sign_count, (_key.sign_count == 0) & (found.new_sign_count == 0))
    async with engine.begin() as connection:
        used = await connection.execute(
            update(tables.security_key)
            .where(mine, grows)
            .values(sign_count=found.new_sign_count, used_at=func.now())
            .returning(_key.credential)
        )
        if used.one_or_none() is not None:
            return True
        await record(connection, EventKind.KEY_COUNTED_BACK, account=account, by=account)
    return False


async def remove_key(engine: AsyncEngine, *, account: str, credential: str) -> None:
    """The key is good for nothing any more. If it was the last factor, the recovery codes are void.

    Raises:
        UnknownFactor: the account has no such key.
    """
    async with engine.begin() as connection:
        await lock_account(connection, account)
        removed = await connection.execute(
            delete(tables.security_key)
            .where(_key.credential == _credential_id(credential), _key.account == account)
            .returning(_key.credential)
        )
        if removed.one_or_none() is None:
            raise UnknownFactor
        await void_codes_if_last(connection, account)
        await record(connection, EventKind.KEY_REMOVED, account=account, by=account)


async def _descriptors(engine: AsyncEngine, account: str) -> list[PublicKeyCredentialDescriptor]:
    query = select(_key.credential, _key.transports).where(_key.account == account).order_by(_key.created_at)
    async with engine.connect() as connection:
        return [
            PublicKeyCredentialDescriptor(
                id=row.credential, transports=[AuthenticatorTransport(each) for each in row.transports]
            )
            for row in await connection.execute(query)
        ]


def _credential_id(told: str) -> bytes:
    """The stored form; empty, which is nobody's, for what is no base64url."""
    try:
        return base64url_to_bytes(told)
    except ValueError:
        return b""


def _challenge_in(client_data: str) -> bytes | None:
    try:
        told = parse_client_data_json(base64url_to_bytes(client_data))
    except _MALFORMED:
        return None
    # We are in nobody's frame (section 7.1, step 11; section 7.2, step 14); the library does not look.
    return None if told.cross_origin else told.challenge


def _checked_registration(
    party: RelyingParty, credential: NewCredential, challenge: bytes
) -> VerifiedRegistration:
    try:
        found = verify_registration_response(
            credential=msgspec.to_builtins(_without_attestation(credential)),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
        # A point that is not on its curve would be found out only when the owner wants to sign in.
        decoded_public_key_to_cryptography(decode_credential_public_key(found.credential_public_key))
    except _MALFORMED as error:
        raise KeyRefused from error
    return found


def _without_attestation(credential: NewCredential) -> NewCredential:
    """The credential without what its maker says of it: we ask for none (section 8.7), and parse nobody's certificates."""
    told = parse_cbor(base64url_to_bytes(credential.response.attestation_object))
    bare = encode_cbor({"fmt": "none", "attStmt": {}, "authData": told["authData"]})
    response = replace(credential.response, attestation_object=bytes_to_base64url(bare))
    return replace(credential, response=response)


def _checked_assertion(
    party: RelyingParty, assertion: Assertion, challenge: bytes, *, public_key: bytes
) -> VerifiedAuthentication | None:
    try:
        return verify_authentication_response(
            credential=msgspec.to_builtins(assertion),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            # The count is compared where it is stored, in one statement with its change: see `use_key`.
            credential_current_sign_count=0,
        )
    except _MALFORMED:
        return None
