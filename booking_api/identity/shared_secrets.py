"""Secrets shared with other systems, each in a file of its own. Imports the standard library and `tokens`."""

from pathlib import Path

from booking_api.identity.tokens import KeyFileError

SECRET_LENGTHS = range(16, 1025)


def read_secret(path: Path) -> bytes:
    """A secret shared with another system: the file's text without the blanks around it.

    Raises:
        KeyFileError: it cannot be read, or has not 16 to 1,024 bytes.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    if len(secret) not in SECRET_LENGTHS or not secret.isascii():
        raise KeyFileError(f"{path}: not a secret of 16 to 1,024 ASCII characters")
    return secret
