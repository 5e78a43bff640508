"""A result against its problem, step by step. Imports nothing that solves.

(0) problem: its ids and references hold. (1) order: the result is canonical and lists everybody in the public order of its
seed. (2) reserves: the first pass is what the rule promises while the reserves are kept, where there are any. (3) promises:
the final pass is, with as many seats kept as the first one took. (4) bound: the cut shows that no more can be seated. (5)
measures: every figure is what the seats give.

A continuation is checked in the same steps, after the result that it continues.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from fairness.rounds.certificate import CertificateRefused, check_pass
from fairness.rounds.continuing import ContinuationUnusable, continuing, measure_continued
from fairness.rounds.cut import CutRefused, cut_value
from fairness.rounds.measures import Measures, measure
from fairness.rounds.outcome import (
    Outcome,
    OutcomeRefused,
    continues_of_result,
    read_outcome,
    seed_of_result,
    taken,
)
from fairness.rounds.passed import Passed
from fairness.rounds.problem import read_problem
from fairness.rounds.result_file import Continues
from fairness.rounds.round import Round, make_ready, public_order

STEPS = ("problem", "order", "reserves", "promises", "bound", "measures")

Progress: TypeAlias = Callable[[str], None]
"""Called with the name of each step when it begins."""


class Refused(ValueError):
    """The step that does not hold, and why; `rerun`, for whoever solves again, comes after all steps."""

    def __init__(self, step: str, reason: str) -> None:
        number = STEPS.index(step) if step in STEPS else len(STEPS)
        super().__init__(f"({number}) {step} FAILS: {reason}")
        self.number, self.step, self.reason = number, step, reason


class Standing(NamedTuple):
    """A round with an outcome that holds, and the outcome's canonical text."""

    round_: Round
    outcome: Outcome
    text: bytes


def silent(_step: str) -> None:
    """No progress."""


def check_result(
    problem_text: bytes,
    result_text: bytes,
    *,
    after: Sequence[bytes] = (),
    seed: bytes | None = None,
    progress: Progress = silent,
) -> Standing:
    """The result, if it is what the rule promises for this problem, and all that it continues are.

    `after`: the texts of the results that it continues, the round's own first. `seed`: the one that the order must be of;
    without it, any will do, and whoever asks must compare it with the draw's. The texts are those of the files, a
    result's line feed at its end included or not.

    Raises:
        ProblemUnusable: the problem is none.
        Refused: a step does not hold.
    """
    # (0) Who asks for what.
    progress("problem")
    problem = read_problem(problem_text)
    texts = [text.removesuffix(b"\n") for text in (*after, result_text)]
    if seed is not None and _told_seed(texts[0]) != seed:
        raise Refused("order", f"it is of another seed, {_told_seed(texts[0]).hex()}")
    standing = _check_first(
        make_ready(problem, public_order(problem.applications, _told_seed(texts[0]))), texts[0], progress
    )
    for text in texts[1:]:
        standing = _check_continuation(standing, text, progress)
    return standing


def _told_seed(text: bytes) -> bytes:
    try:
        return seed_of_result(text)
    except OutcomeRefused as error:
        raise Refused("order", str(error)) from error


def _check_first(round_: Round, text: bytes, progress: Progress) -> Standing:
    # (1) The public order.
    progress("order")
    if _continues(text) is not None:
        raise Refused("order", "it continues another result, which must be given with it (--after)")
    outcome = _read(text, round_)
    # (2) The first pass, with all that is reserved.
    progress("reserves")
    if outcome.first is not None:
        _check_pass("reserves", round_, round_.reserves, outcome.first)
    # (3) The final pass, with what of it was taken.
    progress("promises")
    kept = {} if outcome.first is None else taken(round_, outcome.first)
    _check_kept(outcome, kept)
    _check_pass("promises", round_, kept, outcome.final)
    # (4) and (5) What is said of it.
    progress("bound")
    _check_bound(round_, outcome)
    progress("measures")
    _check_measures(outcome, measure(round_, kept, outcome.final))
    return Standing(round_, outcome, text)


def _check_continuation(before: Standing, text: bytes, progress: Progress) -> Standing:
    # (1) The continuation's order, by who declined and who asked for an improvement.
    progress("order")
    continues = _continues(text)
    if continues is None:
        raise Refused("order", "it continues no result")
    if continues.result != sha256(before.text).hexdigest():
        raise Refused("order", "it continues another result than the one before it")
    for asked in (continues.declined, continues.improving):
        if asked != sorted(set(asked)):
            raise Refused(
                "order", "who declined and who asked for an improvement are named in id order, each once"
            )
    try:
        continued = continuing(
            before.round_, before.outcome, declined=continues.declined, improving=continues.improving
        )
    except ContinuationUnusable as error:
        raise Refused("order", str(error)) from error
    outcome = _read(text, continued.whole)
    if outcome.seed != before.outcome.seed:
        raise Refused("order", "another seed than that of the result which it continues")
    # (2) and (3) One pass, with what was kept before.
    progress("promises")
    _check_kept(outcome, before.outcome.kept)
    _check_pass("promises", continued.round_, before.outcome.kept, continued.asked(outcome.final))
    # (4) and (5) What is said of it.
    progress("bound")
    _check_bound(continued.round_, outcome)
    progress("measures")
    _check_measures(outcome, measure_continued(continued, outcome.kept, outcome.final))
    return Standing(continued.whole, outcome, text)


def _read(text: bytes, round_: Round) -> Outcome:
    try:
        return read_outcome(text, round_)
    except OutcomeRefused as error:
        raise Refused("order", str(error)) from error


def _continues(text: bytes) -> Continues | None:
    try:
        return continues_of_result(text)
    except OutcomeRefused as error:
        raise Refused("order", str(error)) from error


def _check_kept(outcome: Outcome, kept: Mapping[int, int]) -> None:
    if outcome.kept != kept:
        raise Refused("promises", "other seats are kept reserved than were taken in the first pass")


def _check_pass(step: str, round_: Round, reserved: Mapping[int, int], passed: Passed) -> None:
    try:
        check_pass(round_, reserved, passed)
    except CertificateRefused as error:
        raise Refused(step, str(error)) from error


def _check_bound(round_: Round, outcome: Outcome) -> None:
    try:
        value = cut_value(round_, outcome.cut)
    except CutRefused as error:
        raise Refused("bound", str(error)) from error
    if value != outcome.bound:
        raise Refused("bound", f"the cut shows {value}, the result says {outcome.bound}")


def _check_measures(outcome: Outcome, measures: Measures) -> None:
    if measures != outcome.measures:
        raise Refused("measures", f"the seats give {measures}")
