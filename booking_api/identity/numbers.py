"""Identity numbers of persons: form, check digit, birth date. Imports the standard library only.

    resident identity number    GB 11643-1999: 6 digits area, 8 birth date, 3 sequence, 1 check character. Residents
                                from Hong Kong, Macao and Taiwan have area codes from 810000, 820000, 830000.
    foreigner's, since 2023     18 digits as above, but 9, 2 digits place of issue, 3 digits nationality, then the
                                same birth date, sequence and check character
    foreigner's, 2017           3 letters nationality, 4 digits place, 6 birth date (YYMMDD), 2 digits. Its last digit
                                is not checked: no public source fixes the rule

A number that passes has only been typed without a slip: check digits can be computed by anyone. Whether it is somebody's
is for a counter or a register to say.
"""

import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""2^(18 - position) mod 11, of ISO/IEC 7064 MOD 11-2."""

CHECK_CHARACTERS = "10X98765432"
OLDEST_YEAR = 1880
LENGTH_LIMIT = 40

PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""First two digits of GB/T 2260, and those of residence permits."""

_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
_FOREIGNER_2017 = re.compile(r"[A-Z]{3}[0-9]{12}")


class NumberKind(StrEnum):
    """Which document a number is of."""

    RESIDENT = "resident"
    RESIDENCE_PERMIT = "residence_permit"
    FOREIGNER = "foreigner"
    FOREIGNER_2017 = "foreigner_2017"


class IdentityNumber(NamedTuple):
    """A well-formed number in canonical text. `born` is None where the document does not tell the century."""

    text: str
    kind: NumberKind
    born: date | None


class IdentityNumberError(ValueError):
    """The text cannot be an identity number. `reason` is one of form, area, birth_date, check_digit, old_form."""

    def __init__(self, reason: str, right: str) -> None:
        super().__init__(right)
        self.reason = reason


def parse_identity_number(text: str, *, today: date) -> IdentityNumber:
    """Reads a number as people type it: full-width digits, a small x and blanks between groups are put right.

    >>> parse_identity_number("11010519491231002x", today=date(2026, 1, 1)).born
    datetime.date(1949, 12, 31)

    Raises:
        IdentityNumberError: with what would be right.
    """
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text[:LENGTH_LIMIT])).upper()
    if len(text) > LENGTH_LIMIT or not plain:
        raise IdentityNumberError("form", "an identity number has 18 characters")
    if re.fullmatch(r"[0-9]{15}", plain):
        raise IdentityNumberError(
            "old_form", "numbers of 15 digits ended in 2013; use the 18 characters of the present card"
        )
    if _FOREIGNER_2017.fullmatch(plain):
        _check_short_birth_date(plain[7:13])
        return IdentityNumber(plain, NumberKind.FOREIGNER_2017, None)
    if not _EIGHTEEN.fullmatch(plain):
        raise IdentityNumberError(
            "form",
            "an identity number has 17 digits and a last character 0 to 9 or X; a foreigner's of 2017 has 15",
        )
    kind = _kind_of(plain)
    born = _birth_date(plain[6:14], today=today)
    if plain[17] != check_character(plain[:17]):
        raise IdentityNumberError(
            "check_digit", "the last character does not fit the others: one of them is mistyped"
        )
    return IdentityNumber(plain, kind, born)


def check_character(first_17: str) -> str:
    """The 18th character for 17 digits (GB 11643-1999, section 4.3).

    >>> check_character("11010519491231002")
    'X'
    """
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first_17, strict=True))
    return CHECK_CHARACTERS[total % 11]


def _kind_of(plain: str) -> NumberKind:
    if plain[0] == "9":
        if plain[1:3] not in PROVINCES:
            raise IdentityNumberError("area", "the second and third digit name no province")
        return NumberKind.FOREIGNER
    if plain[:2] not in PROVINCES:
        raise IdentityNumberError("area", "the first two digits name no province")
    return NumberKind.RESIDENCE_PERMIT if plain[:2] in {"81", "82", "83"} else NumberKind.RESIDENT


def _birth_date(digits: str, *, today: date) -> date:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise IdentityNumberError("birth_date", "digits 7 to 14 are no date (YYYYMMDD)") from None
    if not born.year >= OLDEST_YEAR or born > today:
        raise IdentityNumberError(
            "birth_date", f"the birth date {born} is not between {OLDEST_YEAR} and today"
        )
    return born


def _check_short_birth_date(digits: str) -> None:
    try:
        datetime.strptime(f"20{digits}", "%Y%m%d")  # noqa: DTZ007 - only whether such a day exists
    except ValueError:
        try:
            datetime.strptime(f"19{digits}", "%Y%m%d")  # noqa: DTZ007 - 29 February may be of either century
        except ValueError:
            raise IdentityNumberError("birth_date", "digits 5 to 10 are no date (YYMMDD)") from None
