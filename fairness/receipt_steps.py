"""Is this receipt true? With the auditor's own trust file, and the draw's bundle when there is one.

The steps, as `docs/spec/draw.md`, section 9, numbers them:

0. read    the file has the right form
1. id      the id_hash is the id's and the salt's, where they are told
2. list    the line, or the neighbours, are in the list whose root was frozen
3. log     the freeze is in a log of the trust file, cosigned by its quorum
4. bundle  with the draw's bundle: the draw holds, and it is this freeze that counts in it
"""

from typing import NamedTuple

from fairness.bundle import Readable
from fairness.canonical import NotCanonical
from fairness.draw import Scoring, score_of, scored_within
from fairness.entrants import EntrantsRefused, ProvenLine, check_absence, hash_id
from fairness.entries import Outcome
from fairness.merkle import ProofRefused, check_inclusion, leaf_hash
from fairness.policy import Cosigned, Policy
from fairness.receipt import Receipt, read_receipt
from fairness.seed import category_seed, freeze_hash
from fairness.tlog_proof import TlogProofRefused, check_tlog_proof, parse_tlog_proof
from fairness.verify import Progress, Refused, Verified, silent, verify

RECEIPT_STEPS = ("read", "id", "list", "log", "bundle")
_READ, _ID, _LIST, _LOG, _BUNDLE = range(len(RECEIPT_STEPS))


class ReceiptRefused(ValueError):
    """A step that failed: its number, its name and why."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"step {number}, {RECEIPT_STEPS[number]}: {reason}")
        self.number = number
        self.name = RECEIPT_STEPS[number]
        self.reason = reason


class Fate(NamedTuple):
    """What became of an entrant. `rank` from 1, None without a place; `outcome` is their category's."""

    category: str
    weight: int
    score: bytes
    rank: int | None
    outcome: Outcome


class CheckedReceipt(NamedTuple):
    """A receipt that holds. `draw` is None without a bundle, `fate` also where the receipt is of an absence."""

    receipt: Receipt
    cosigned: Cosigned
    draw: Verified | None
    fate: Fate | None


def check_receipt(
    text: bytes,
    policy: Policy,
    *,
    bundle: Readable | None = None,
    demo: bool = False,
    scoring: Scoring = scored_within,
    progress: Progress = silent,
) -> CheckedReceipt:
    """Checks a receipt's file. `demo` accepts a demonstration's beacon in the bundle.

    Raises:
        ReceiptRefused: a step fails; those before it hold, those after it were not looked at.
    """
    try:
        receipt = read_receipt(text)
    except NotCanonical as error:
        raise ReceiptRefused(_READ, str(error)) from error
    check_id(receipt)
    check_line(receipt)
    cosigned = _check_log(receipt, policy)
    if bundle is None:
        return CheckedReceipt(receipt, cosigned, None, None)
    try:
        draw = verify(bundle, policy, demo=demo, scoring=scoring, progress=progress)
    except Refused as refused:
        raise ReceiptRefused(_BUNDLE, f"its {refused}") from refused
    if draw.freeze != freeze_hash(receipt.freeze):
        raise ReceiptRefused(_BUNDLE, f"it is of the freeze {draw.freeze.hex()}, the receipt of another")
    return CheckedReceipt(receipt, cosigned, draw, _fate_of(draw, receipt.own))


def check_id(receipt: Receipt) -> None:
    """Step 1.

    Raises:
        ReceiptRefused: the id_hash is of another id or salt.
    """
    if receipt.salt and hash_id(salt=receipt.salt, entrant_id=receipt.entrant_id) != receipt.id_hash:
        raise ReceiptRefused(_ID, "the id_hash is not that of the id and the salt")


def check_line(receipt: Receipt) -> None:
    """Step 2.

    Raises:
        ReceiptRefused: neither is shown to be in the frozen list, nor to be absent from it.
    """
    frozen = receipt.frozen
    for line in receipt.lines:
        if line.entrant.category not in frozen.quotas:
            raise ReceiptRefused(_LIST, "the category of a line has no quota")
    try:
        if receipt.own is not None:
            own = receipt.own
            leaf = leaf_hash(own.entrant.record())
            check_inclusion(
                leaf=leaf, index=own.place, size=frozen.entrants, proof=own.proof, root=frozen.root
            )
            return
        before, after = _neighbours(receipt)
        check_absence(receipt.id_hash, before=before, after=after, size=frozen.entrants, root=frozen.root)
    except (EntrantsRefused, ProofRefused) as error:
        raise ReceiptRefused(_LIST, str(error)) from error


def _neighbours(receipt: Receipt) -> tuple[ProvenLine | None, ProvenLine | None]:
    """The lines before and after the id_hash; whether they are neighbours is not looked at."""
    below = [line for line in receipt.lines if line.entrant.id_hash < receipt.id_hash]
    above = [line for line in receipt.lines if line.entrant.id_hash >= receipt.id_hash]
    if len(below) > 1 or len(above) > 1:
        raise EntrantsRefused("the two lines are on the same side of the id_hash")
    return next(iter(below), None), next(iter(above), None)


def _check_log(receipt: Receipt, policy: Policy) -> Cosigned:
    try:
        return check_tlog_proof(policy, parse_tlog_proof(receipt.log), receipt.freeze)
    except TlogProofRefused as error:
        raise ReceiptRefused(_LOG, str(error)) from error


def _fate_of(draw: Verified, own: ProvenLine | None) -> Fate | None:
    if own is None:
        return None
    id_hash, weight, category = own.entrant
    ranks = {winner.id_hash: rank for rank, winner in enumerate(draw.winners[category], 1)}
    return Fate(
        category=category,
        weight=weight,
        score=score_of(category_seed(draw.seed, category), id_hash, weight),
        rank=ranks.get(id_hash),
        outcome=draw.outcomes[category],
    )
