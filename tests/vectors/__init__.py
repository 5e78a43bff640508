"""Published vectors, each with its source in the file."""

import json
from pathlib import Path
from typing import Any


def vectors(name: str) -> Any:
    """The vectors of this file."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())
