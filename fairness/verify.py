"""Is this draw what it says it is? Everything is recomputed from a bundle and the auditor's own trust file.

The steps, as `docs/spec/draw.md`, section 8, numbers them:

0. read          the header has the right form
1. witnesses     every checkpoint is signed by a trusted log and cosigned by its quorum
2. log           the checkpoints are one growing log, and every entry is in it
3. entries       one announcement, one freeze, every contribution, one result, and they agree
4. trust         the beacon's chain and every contributor's key are in the trust file
5. times         keys were known long before the freeze; freeze and contributions before the round
6. entrants      the list is the one that was frozen
7. contributions every proof is good
8. beacon        the signature is the round's
9. seed          it follows from freeze, beacon and contributions
10. ranking      the winners are those that the seed gives, no more and no fewer

The first step that fails is named, and nothing after it is looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from fairness.beacon import BeaconRefused, verify_round
from fairness.bundle import (
    HEADER_LIMIT,
    Header,
    Readable,
    end_line,
    in_order,
    read_header,
    read_line,
    winner_line,
)
from fairness.canonical import NotCanonical
from fairness.ceremony import Ceremony, EntriesRefused, read_ceremony
from fairness.conclude import CategoryList, empty_lists
from fairness.draw import Scored, Scoring, scored_within
from fairness.entrants import EntrantsRefused, reader_of_lines
from fairness.entries import Frozen, Outcome
from fairness.history import HistoryRefused, check_log, check_times, check_witnesses
from fairness.merkle import Accumulator, ProofRefused, leaf_hash
from fairness.policy import Policy
from fairness.seed import category_seed, contribution_input, freeze_hash, seed_of
from fairness.vrf import VrfRefused
from fairness.vrf import verify as verify_proof

STEPS = (
    "read",
    "witnesses",
    "log",
    "entries",
    "trust",
    "times",
    "entrants",
    "contributions",
    "beacon",
    "seed",
    "ranking",
)
PROGRESS_EVERY = 50_000
_REFUSALS = (
    NotCanonical,
    ProofRefused,
    HistoryRefused,
    EntriesRefused,
    EntrantsRefused,
    VrfRefused,
    BeaconRefused,
)

Progress = Callable[[str, int, int], None]
"""(the step's name, how much is done, of how much)."""


class Refused(ValueError):
    """A step that failed: its number, its name and why."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"step {number}, {STEPS[number]}: {reason}")
        self.number = number
        self.name = STEPS[number]
        self.reason = reason


class Verified(NamedTuple):
    """A draw that holds. `demo`: its beacon is a demonstration, so that it shows the procedure and nothing else."""

    draw: str
    demo: bool
    freeze: bytes
    seed: bytes
    outcomes: Mapping[str, Outcome]
    winners: Mapping[str, Sequence[Scored]]
    """Those with a place by category, in the order of their ranks."""
    notes: tuple[str, ...]
    """What each step has found, in its order."""


def silent(_step: str, _done: int, _of: int) -> None:
    """Progress that nobody watches."""


def verify(
    source: Readable,
    policy: Policy,
    *,
    demo: bool = False,
    scoring: Scoring = scored_within,
    progress: Progress = silent,
) -> Verified:
    """Verifies a bundle against a trust file. `demo` accepts a demonstration's beacon.

    Raises:
        Refused: the first step that fails.
    """
    run = _Run(source, policy, demo=demo, scoring=scoring, progress=progress)
    notes: list[str] = []
    for number, step in enumerate(run.steps()):
        try:
            notes.append(step())
        except _REFUSALS as error:
            raise Refused(number, str(error)) from error
    return Verified(
        draw=run.header.draw,
        demo=run.header.chain.is_demo,
        freeze=run.freeze,
        seed=run.seed,
        outcomes=run.outcomes,
        winners=run.winners,
        notes=tuple(notes),
    )


class _Run:
    """Owns what one verification has found so far; each step reads what those before it left."""

    header: Header
    ceremony: Ceremony
    freeze: bytes
    lists: dict[str, CategoryList]
    outputs: list[bytes]
    seed: bytes
    outcomes: dict[str, Outcome]
    winners: dict[str, list[Scored]]

    def __init__(
        self, source: Readable, policy: Policy, *, demo: bool, scoring: Scoring, progress: Progress
    ) -> None:
        self._source = source
        self._policy = policy
        self._demo = demo
        self._scoring = scoring
        self._progress = progress

    def steps(self) -> Sequence[Callable[[], str]]:
        """In the order of STEPS."""
        return (
            self._read,
            self._witnesses,
            self._log,
            self._entries,
            self._trust,
            self._times,
            self._entrants,
            self._contributions,
            self._beacon,
            self._rederive_seed,
            self._ranking,
        )

    # Step 0
    def _read(self) -> str:
        self.header = read_header(read_line(self._source, limit=HEADER_LIMIT))
        return f"a bundle of the draw {self.header.draw}"

    # Step 1
    def _witnesses(self) -> str:
        self._history = check_witnesses(self.header, self._policy)
        return f"{len(self._history)} checkpoints of {self._history[0].log.name}, each cosigned by the quorum"

    # Step 2
    def _log(self) -> str:
        check_log(self.header, self._history)
        return (
            f"one log of {self._history[-1].size} entries with {len(self.header.entries)} of this draw in it"
        )

    # Step 3
    def _entries(self) -> str:
        self.ceremony = read_ceremony(self.header)
        self.freeze = freeze_hash(self.header.entries[self.ceremony.frozen_at].text)
        voided = f", after {self.ceremony.voided} voided" if self.ceremony.voided else ""
        return f"one announcement, one freeze{voided}, {len(self.ceremony.contributed)} contributions, one result"

    # Step 4
    def _trust(self) -> str:
        chain = self.header.chain
        if chain.hash != self._frozen.beacon.chain:
            raise EntriesRefused("the chain is not the one that was announced")
        if chain.is_demo and not self._demo:
            raise EntriesRefused(f"{chain.beacon_id} is a demonstration: one party knows its secret")
        if chain.hash not in self._policy.chains.values():
            raise EntriesRefused(f"the chain {chain.hash.hex()} is not in the trust file")
        for key in self._frozen.contributors:
            if key not in self._policy.contributors.values():
                raise EntriesRefused(f"the contributor {key.hex()} is not in the trust file")
        return f"the beacon {chain.beacon_id} and {len(self._frozen.contributors)} contributors are trusted"

    # Step 5
    def _times(self) -> str:
        due_s = self.header.chain.time_of(self.header.round)
        check_times(self.header, self.ceremony, self._history, self._policy, due_s=due_s)
        return f"frozen and contributed {self._policy.margin_s} s or more before the round"

    # Step 6
    def _entrants(self) -> str:
        frozen, tree, last, tickets = self._frozen, Accumulator(), b"", 0
        read = reader_of_lines(frozen.quotas)
        self.lists = empty_lists(frozen.quotas)
        for number in range(1, frozen.entrants + 1):
            try:
                entrant = read(read_line(self._source))
            except (EntrantsRefused, NotCanonical) as error:
                raise EntrantsRefused(f"entrant {number}: {error}") from error
            if entrant.id_hash <= last:
                raise EntrantsRefused(f"entrant {number} is not above the one before")
            last, tickets = entrant.id_hash, tickets + entrant.weight
            tree.append(leaf_hash(entrant.record()))
            self.lists[entrant.category].append(entrant)
            if number % PROGRESS_EVERY == 0:
                self._progress("entrants", number, frozen.entrants)
        if tickets != frozen.tickets:
            raise EntrantsRefused(f"they have {tickets} tickets, {frozen.tickets} were frozen")
        if tree.root() != frozen.root:
            raise EntrantsRefused("the list's root is not the one that was frozen")
        return f"{frozen.entrants} entrants with {tickets} tickets, as frozen"

    # Step 7
    def _contributions(self) -> str:
        told = {one.key: one.proof for one in self.ceremony.contributed}
        alpha = contribution_input(self.freeze)
        self.outputs = [verify_proof(key, alpha, told[key]) for key in self._frozen.contributors]
        return f"{len(self.outputs)} proofs are good"

    # Step 8
    def _beacon(self) -> str:
        randomness = verify_round(self.header.chain, self.header.round, self.header.signature)
        if randomness != self.ceremony.finished.randomness:
            raise BeaconRefused("the randomness of the result is not the round's")
        return f"round {self.header.round} is {randomness.hex()}"

    # Step 9
    def _rederive_seed(self) -> str:
        self.seed = seed_of(freeze=self.freeze, signature=self.header.signature, outputs=self.outputs)
        if self.seed != self.ceremony.finished.seed:
            raise EntriesRefused("the seed of the result does not follow from the freeze and the beacon")
        return f"the seed is {self.seed.hex()}"

    # Step 10
    def _ranking(self) -> str:
        self.outcomes, self.winners = {}, {}
        for category in in_order(self._frozen.quotas):
            self.winners[category] = self._rank_category(category)
            self.outcomes[category] = self.lists[category].outcome(self.winners[category])
        if self.outcomes != dict(self.ceremony.finished.categories):
            raise EntriesRefused("the figures of the result are not those of the ranking")
        winners = sum(outcome.winners for outcome in self.outcomes.values())
        if read_line(self._source) != end_line(entrants=self._frozen.entrants, winners=winners):
            raise EntriesRefused("after the last winner there is something else than the end line")
        if self._source.readline(1):
            raise EntriesRefused("there is something after the end line")
        return f"{winners} winners, as the seed gives them"

    def _rank_category(self, category: str) -> list[Scored]:
        seed, quota = category_seed(self.seed, category), self._frozen.quotas[category]
        ranked = self.lists[category].rank(seed, quota, self._scoring)
        for place, scored in enumerate(ranked, 1):
            if read_line(self._source) != winner_line(category, place, scored):
                raise EntriesRefused(f"winner {place} of {category} is not {scored.id_hash.hex()}")
        return ranked

    @property
    def _frozen(self) -> Frozen:
        return self.ceremony.frozen
