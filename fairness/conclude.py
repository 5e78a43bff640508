"""From a frozen list and everything public to the result: what the operator writes, and `verify` writes again."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fairness.beacon import randomness_of
from fairness.bundle import in_order
from fairness.draw import Scored, Scoring, Weights, rank, scored_within
from fairness.entrants import Entrant
from fairness.entries import Finished, Frozen, Outcome
from fairness.seed import category_seed, seed_of
from fairness.vrf import output_of


class CategoryList(NamedTuple):
    """A category's entrants: their id_hashes behind each other, and their weights. 36 bytes an entrant."""

    id_hashes: bytearray
    weights: Weights

    def append(self, entrant: Entrant) -> None:
        """The next entrant of the list."""
        self.id_hashes.extend(entrant.id_hash)
        self.weights.append(entrant.weight)

    def rank(self, seed: bytes, quota: int, scoring: Scoring) -> list[Scored]:
        """The category's winners in order. `seed` is the category's."""
        return rank(seed, self.id_hashes, self.weights, quota=quota, scoring=scoring)

    def outcome(self, ranked: Sequence[Scored]) -> Outcome:
        """The category's result in figures."""
        cutoff = ranked[-1].score if ranked else b""
        return Outcome(len(self.weights), sum(self.weights), len(ranked), cutoff)


def empty_lists(categories: Iterable[str]) -> dict[str, CategoryList]:
    """A list for each category, nobody in it yet."""
    return {category: CategoryList(bytearray(), array("I")) for category in categories}


def conclude(
    frozen: Frozen,
    lists: Mapping[str, CategoryList],
    *,
    freeze: bytes,
    signature: bytes,
    proofs: Mapping[bytes, bytes],
    scoring: Scoring = scored_within,
) -> tuple[Finished, list[tuple[str, list[Scored]]]]:
    """The result and each category's winners. The signature and the proofs (by key) have been verified."""
    outputs = [output_of(proofs[key]) for key in frozen.contributors]
    seed = seed_of(freeze=freeze, signature=signature, outputs=outputs)
    winners: list[tuple[str, list[Scored]]] = []
    for category in in_order(frozen.quotas):
        ranked = lists[category].rank(category_seed(seed, category), frozen.quotas[category], scoring)
        winners.append((category, ranked))
    finished = Finished(
        draw=frozen.draw,
        freeze=freeze,
        randomness=randomness_of(signature),
        seed=seed,
        categories={category: lists[category].outcome(ranked) for category, ranked in winners},
    )
    return finished, winners
