"""A result against its problem, step by step. Imports nothing that solves.

(0) problem   its ids and references hold
(1) order     the result lists everybody in the public order of its seed, and is canonical
(2) reserves  the first pass is what the rule promises while the reserves are kept (where there are any)
(3) promises  the final pass is, with as many seats kept as the first one took
(4) bound     the cut shows that no more can be seated
(5) measures  every figure is what the seats give
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from fairness.rounds.certificate import CertificateRefused, check_pass
from fairness.rounds.cut import CutRefused, cut_value
from fairness.rounds.measures import Measures, measure
from fairness.rounds.outcome import OutcomeRefused, read_outcome, seed_of_result
from fairness.rounds.passed import Passed
from fairness.rounds.problem import ProblemUnusable, read_problem
from fairness.rounds.round import Round, make_ready, public_order

STEPS = ("problem", "order", "reserves", "promises", "bound", "measures")

Progress: TypeAlias = Callable[[str], None]
"""Called with the name of each step when it begins."""


class Refused(ValueError):
    """The step that does not hold, and why."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"({STEPS.index(step)}) {step}: {reason}")
        self.step, self.reason = step, reason


class Checked(NamedTuple):
    """What a result that holds says."""

    seed: bytes
    bound: int
    measures: Measures


def silent(_step: str) -> None:
    """No progress."""


def check_result(problem_text: bytes, result_text: bytes, *, progress: Progress = silent) -> Checked:
    """What the result says, if it is the one that the rule promises for this problem.

    The texts are those of the files, a result's line feed at its end included or not.

    Raises:
        Refused: a step does not hold; for step `problem` the input is unusable rather than false.
    """
    try:
        # (0)
        progress("problem")
        problem = read_problem(problem_text)
        # (1)
        progress("order")
        text = result_text.removesuffix(b"\n")
        round_ = make_ready(problem, public_order(problem.applications, seed_of_result(text)))
        outcome = read_outcome(text, round_)
        # (2)
        progress("reserves")
        if outcome.first is not None:
            _check("reserves", round_, round_.reserves, outcome.first)
        # (3)
        progress("promises")
        reserved = outcome.reserved(round_)
        _check("promises", round_, reserved, outcome.final)
        # (4)
        progress("bound")
        if cut_value(round_, outcome.cut) != outcome.bound:
            raise Refused(
                "bound", f"the cut shows {cut_value(round_, outcome.cut)}, the result says {outcome.bound}"
            )
        # (5)
        progress("measures")
        measures = measure(round_, reserved, outcome.final)
        if measures != outcome.measures:
            raise Refused("measures", f"the seats give {measures}")
    except ProblemUnusable as error:
        raise Refused("problem", str(error)) from error
    except OutcomeRefused as error:
        raise Refused("order", str(error)) from error
    except CutRefused as error:
        raise Refused("bound", str(error)) from error
    return Checked(outcome.seed, outcome.bound, measures)


def _check(step: str, round_: Round, reserved: Mapping[int, int], passed: Passed) -> None:
    try:
        check_pass(round_, reserved, passed)
    except CertificateRefused as error:
        raise Refused(step, str(error)) from error
