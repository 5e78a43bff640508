"""Identity numbers for people of the demo, of a rush and of a benchmark. Imports the identity room's check digit."""

from datetime import date, timedelta

from booking_api.identity.numbers import check_character

FIRST_AREA = 330106
FIRST_BIRTHDAY = date(1960, 1, 1)
BIRTHDAYS = 14_610
SEQUENCES = 999
NUMBERS_LIMIT = BIRTHDAYS * SEQUENCES * 9_000
"""Forty years of days, 999 sequence numbers a day, 9,000 area codes: each number is one person."""


def identity_number(number: int) -> str:
    """A well-formed number for the demo's person so numbered, of NUMBERS_LIMIT.

    >>> identity_number(0), identity_number(14_610)
    ('330106196001010014', '330106196001010022')
    """
    area, place = divmod(number, BIRTHDAYS * SEQUENCES)
    sequence, day = divmod(place, BIRTHDAYS)
    born = FIRST_BIRTHDAY + timedelta(days=day)
    digits = f"{FIRST_AREA + area}{born:%Y%m%d}{sequence + 1:03d}"
    return digits + check_character(digits)
