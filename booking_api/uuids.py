"""Ids of our own rows, as they come back in paths and messages. Imports the standard library only."""

from uuid import UUID


def is_uuid(text: str) -> bool:
    """True for a UUID in canonical text form; anything else can be no row's id, and the database need not be asked.

    >>> is_uuid("0192f3c0-0000-7000-8000-000000000000"), is_uuid("0192F3C000007000-8000000000000000"), is_uuid("x")
    (True, False, False)
    """
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
