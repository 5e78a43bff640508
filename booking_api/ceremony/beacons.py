"""Where a beacon's rounds come from: relays over HTTP, a file, or a demonstration chain of one's own. Imports httpx.

Every round is verified; from whom it came says nothing about it.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from booking_api.ceremony.errors import CeremonyUnusable
from fairness.beacon import QUICKNET, BeaconRefused, Chain, public_key_of, sign_round, verify_round
from fairness.bundle import chain_told, read_chain
from fairness.canonical import NotCanonical, decode, encode, hex_of

RELAYS = ("https://api.drand.sh", "https://api2.drand.sh", "https://drand.cloudflare.com")
RELAY_TIMEOUT_S = 5.0
DEMO_PERIOD_S = 3
_SECRET_BYTES = 32
_ORDER_BITS = 254
"""Below the group's order (RFC 9380, section 8.8.1), whatever the bits are."""


class Round(NamedTuple):
    """A round whose signature has been verified."""

    number: int
    signature: bytes


def from_relays(chain: Chain, number: int, relays: Sequence[str] = RELAYS) -> Round:
    """The round from the first relay that has it.

    Raises:
        CeremonyUnusable: none has; the message has each one's answer.
    """
    problems: list[str] = []
    with httpx.Client(timeout=RELAY_TIMEOUT_S) as client:
        for relay in relays:
            try:
                answer = client.get(f"{relay.rstrip('/')}/{chain.hash.hex()}/public/{number}")
                answer.raise_for_status()
                return _verified(chain, number, answer.content)
            except (httpx.HTTPError, CeremonyUnusable) as error:
                problems.append(f"{relay}: {error}")
    raise CeremonyUnusable("no relay has the round: " + "; ".join(problems))


def from_file(chain: Chain, number: int, path: Path) -> Round:
    """The round out of a file, as a relay answers: JSON with `round` and `signature`.

    Raises:
        CeremonyUnusable: it is not the round.
    """
    try:
        return _verified(chain, number, path.read_bytes())
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error


def _verified(chain: Chain, number: int, text: bytes) -> Round:
    try:
        told: Any = json.loads(text)
        if told["round"] != number:
            raise CeremonyUnusable(f"this is round {told['round']}, round {number} is needed")
        signature = hex_of(told["signature"], 48, "signature")
        verify_round(chain, number, signature)
    except (ValueError, KeyError, TypeError, BeaconRefused) as error:
        raise CeremonyUnusable(f"this is not the round: {error}") from error
    return Round(number, signature)


def new_demo_chain(folder: Path, *, now_s: int) -> Chain:
    """A chain of the same scheme whose secret lies beside it: `chain.json` and `chain.secret`.

    Raises:
        CeremonyUnusable: the files cannot be written.
    """
    secret = secrets.randbits(_ORDER_BITS) | 1
    chain = Chain("demo", public_key_of(secret), DEMO_PERIOD_S, now_s, secrets.token_bytes(_SECRET_BYTES))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chain.json").write_bytes(encode(chain_told(chain)) + b"\n")
        secret_file = folder / "chain.secret"
        secret_file.touch(mode=0o600, exist_ok=False)
        secret_file.write_text(f"{secret:x}\n")
    except OSError as error:
        raise CeremonyUnusable(f"{folder}: {error.strerror or error}") from error
    return chain


def demo_round(folder: Path, number: int, *, now_s: int) -> bytes:
    """The demonstration's round as a relay answers it, once it is due.

    Raises:
        CeremonyUnusable: it is not due, or there is no demonstration here.
    """
    chain = read_chain_file(folder / "chain.json")
    if now_s < chain.time_of(number):
        raise CeremonyUnusable(f"round {number} is due in {chain.time_of(number) - now_s} s")
    try:
        secret = int((folder / "chain.secret").read_text(), 16)
    except (OSError, ValueError) as error:
        raise CeremonyUnusable(f"{folder}: no demonstration chain: {error}") from error
    signature = sign_round(secret, number)
    return json.dumps({"round": number, "signature": signature.hex()}).encode() + b"\n"


def read_chain_file(path: Path | None) -> Chain:
    """The chain in a file; drand's quicknet without one.

    Raises:
        CeremonyUnusable: there is none in it.
    """
    if path is None:
        return QUICKNET
    try:
        return read_chain(members_of_file(path))
    except NotCanonical as error:
        raise CeremonyUnusable(f"{path}: no chain: {error}") from error


def members_of_file(path: Path) -> Any:
    """What a file of canonical JSON says.

    Raises:
        CeremonyUnusable: it cannot be read.
        NotCanonical: it is not canonical.
    """
    try:
        return decode(path.read_bytes().removesuffix(b"\n"))
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error
