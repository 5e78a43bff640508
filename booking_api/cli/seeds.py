"""The seed of a round, as options take it."""

from typing import Any

import click

from fairness.canonical import NotCanonical, hex_of
from fairness.rounds.outcome import SEED_BYTES

NEEDED = f"{2 * SEED_BYTES} digits of lower-case hex are needed"


class _Seed(click.ParamType[str]):
    """Bytes in lower-case hex, which stay text: that is how they are published."""

    name = "hex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return hex_of(value, SEED_BYTES, "it").hex()
        except NotCanonical:
            self.fail(NEEDED, param, ctx)


SEED = _Seed()
