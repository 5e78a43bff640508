"""A result solved again: full verification, for whoever has the solver. Imports OR-Tools through `bound`."""

from collections.abc import Sequence

from allocator.allocation import allocate
from allocator.bound import bound_of
from allocator.continuation import continue_round
from fairness.rounds.check import Refused
from fairness.rounds.continuing import continuing
from fairness.rounds.outcome import continues_of_result, seed_of_result, write_outcome
from fairness.rounds.problem import read_problem
from fairness.rounds.round import make_ready, public_order


def rerun(problem_text: bytes, result_texts: Sequence[bytes]) -> None:
    """Holds when solving the problem gives the first text, and each continuation the next one, to the byte.

    The texts are of results that hold (`fairness.rounds.check`), line feeds at their ends included or not.

    Raises:
        Refused: a text differs.
    """
    texts = [text.removesuffix(b"\n") for text in result_texts]
    seed = seed_of_result(texts[0])
    problem = read_problem(problem_text)
    round_ = make_ready(problem, public_order(problem.applications, seed))
    outcome = allocate(round_, seed, bound_of)
    _compare(write_outcome(round_, outcome), texts[0])
    for text in texts[1:]:
        continues = continues_of_result(text)
        if continues is None:
            raise Refused("rerun", "it continues no result")
        continued = continuing(round_, outcome, declined=continues.declined, improving=continues.improving)
        round_, outcome = continued.whole, continue_round(continued, outcome, continues, bound_of)
        _compare(write_outcome(round_, outcome), text)


def _compare(solved: bytes, told: bytes) -> None:
    if solved != told:
        at = next(
            (place for place, pair in enumerate(zip(solved, told, strict=False)) if pair[0] != pair[1]),
            min(len(solved), len(told)),
        )
        raise Refused(
            "rerun", f"solving it again gives another result from byte {at} on: ...{_around(solved, at)}"
        )


def _around(text: bytes, at: int) -> str:
    return text[max(at - 40, 0) : at + 40].decode(errors="replace")
