"""Pages that commands write: whole or not at all."""

import sys
from pathlib import Path

from booking_api.cli import Unusable


def write_page(path: Path, text: str) -> None:
    """Writes a page; what was there is replaced once the new one is complete.

    Raises:
        Unusable: it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise Unusable(f"--out: {path}: {error.strerror or error}") from error
    sys.stderr.write(f"written: {path}\n")
