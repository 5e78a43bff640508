"""Mobile phone numbers in one spelling. Imports the standard library only."""

import re
import unicodedata

TYPED_LIMIT = 40
_MAINLAND = re.compile(r"(?:\+86)?(1[3-9][0-9]{9})")
_ABROAD = re.compile(r"\+(?!86)[1-9][0-9]{6,14}")


class PhoneUnusable(ValueError):
    """The text is no mobile phone number; the message says what would be right."""


def parse_phone(text: str) -> str:
    """A number as people type it: 11 digits for the mainland, else + and the country (E.164).

    >>> parse_phone("+86 138-0013-8000"), parse_phone("+852 5123 4567")
    ('13800138000', '+85251234567')

    Raises:
        PhoneUnusable: it is neither.
    """
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text[:TYPED_LIMIT]))
    mainland = _MAINLAND.fullmatch(plain)
    if mainland:
        return mainland[1]
    if len(text) > TYPED_LIMIT or not _ABROAD.fullmatch(plain):
        raise PhoneUnusable("11 digits of a mobile phone, or + and the number with its country")
    return plain


def masked_phone(phone: str) -> str:
    """What may be shown to somebody who should know it: its ends.

    >>> masked_phone("13800138000")
    '138****8000'
    """
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"
