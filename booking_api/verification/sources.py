"""What a source of verification is, and how what it has on record is compared. Imports the standard library, `phones`."""

import hmac
import re
import unicodedata
from typing import NamedTuple, Protocol

from booking_api.identity.phones import PhoneUnusable, parse_phone

_DOTS = re.compile("[\u00b7\u2022\u2027\u30fb\uff65.]")


class Claimed(NamedTuple):
    """Who an account says it is."""

    identity_number: str
    name: str
    phone: str


class VerificationSource(Protocol):
    """A system that knows people. Everybody may know a number and a name: a match alone verifies nobody."""

    @property
    def name(self) -> str:
        """How the source is named in settings and in `verified_by`."""
        ...

    async def phone_of(self, claimed: Claimed) -> str | None:
        """The phone on record for this person, if number, name and phone are all as on record, else None.

        The same work and the same answer whichever of them is wrong.

        Raises:
            SourceUnavailable: it does not answer, or not in a way that can be believed.
        """
        ...


def same_name(one: str, other: str) -> bool:
    """True for two spellings of one name: blanks, width, case and the dot between name parts do not count.

    >>> same_name("买买提 · 艾力", "买买提•艾力"), same_name("张伟", "张玮")
    (True, False)
    """
    return hmac.compare_digest(_spelled_name(one), _spelled_name(other))


def same_phone(one: str, other: str) -> bool:
    """True for two spellings of one number; what is no number is the same as nothing."""
    spelled = _spelled_phone(one)
    return hmac.compare_digest(spelled, _spelled_phone(other)) and spelled != b""


def _spelled_name(name: str) -> bytes:
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", name)).casefold()
    return _DOTS.sub("·", plain).encode()


def _spelled_phone(phone: str) -> bytes:
    try:
        return parse_phone(phone).encode()
    except PhoneUnusable:
        return b""
