"""A list and a seed, and nothing around them: for whoever has both and wants the ranking. Imports csv.

The list is CSV with the columns `id_hash` (64 hex digits) and `weight`; the result is canonical JSON.
"""

import csv
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from fairness.draw import Scored, Weights
from fairness.entrants import EntrantsRefused, read_id_hash, read_weight

VERSION = 1
COLUMNS = ["id_hash", "weight"]


class ListUnusable(ValueError):
    """The file is no list that can be drawn from; the message names the line."""


def read_list(source: Iterable[str]) -> tuple[bytes, Weights]:
    """(the id_hashes behind each other, their weights) of a CSV file's lines.

    Raises:
        ListUnusable: columns, a line or a repeated entrant.
    """
    rows = csv.reader(source, strict=True)
    hashes, weights, seen = bytearray(), array("I"), set[bytes]()
    try:
        header = next(rows, None)
        if header != COLUMNS:
            raise ListUnusable("line 1: the columns must be id_hash,weight")
        for row in rows:
            if len(row) != len(COLUMNS):
                raise ListUnusable(f"line {rows.line_num}: {len(row)} columns, there must be 2")
            one = read_id_hash(row[0].encode())
            if one in seen:
                raise ListUnusable(f"line {rows.line_num}: this id_hash is there twice")
            seen.add(one)
            hashes += one
            weights.append(read_weight(row[1].encode()))
    except (csv.Error, EntrantsRefused) as error:
        raise ListUnusable(f"line {rows.line_num}: {error}") from error
    return bytes(hashes), weights


def result_of(ranked: Sequence[Scored], *, seed: bytes, category: str, quota: int) -> dict[str, Any]:
    """The result as it is written. `seed` is the draw's, from which the category's follows."""
    return {
        "version": VERSION,
        "seed": seed.hex(),
        "category": category,
        "quota": quota,
        "cutoff": ranked[-1].score.hex() if ranked else "",
        "winners": [
            {"rank": place, "id_hash": one.id_hash.hex(), "weight": one.weight, "score": one.score.hex()}
            for place, one in enumerate(ranked, 1)
        ],
    }
