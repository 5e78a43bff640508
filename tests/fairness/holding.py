"""Draws that hold, each in a way of its own: every verifier must take them."""

from collections.abc import Callable

from fairness import vrf
from fairness.entries import Contributed, Entry, Voided, write
from fairness.seed import contribution_input, freeze_hash
from tests.fairness.ceremonies import CONTRIBUTORS, KEYS, entrants_of, frozen_of, play, secret


def frozen_again() -> bytes:
    """A first freeze with one contribution was voided, since the other contributor was ill; the second counts."""
    first = frozen_of(entrants_of(30), code=secret("first"))
    code = freeze_hash(write(first))
    proof = vrf.prove(CONTRIBUTORS[0], contribution_input(code))
    before: list[Entry] = [
        first,
        Contributed("test-draw", code, KEYS[0], proof),
        Voided("test-draw", code, "a contributor was ill"),
    ]
    return play(before=before).bundle()


def places_for_all() -> bytes:
    """More places than entrants in one category, none in another."""
    return play(frozen=frozen_of(entrants_of(30), quotas={"A": 1_000, "B": 0, "新": 1})).bundle()


HOLDING: dict[str, Callable[[], bytes]] = {
    "as it should be": lambda: play().bundle(),
    "frozen again after a void": frozen_again,
    "places for everybody and for nobody": places_for_all,
    "one entrant": lambda: play(1).bundle(),
}
