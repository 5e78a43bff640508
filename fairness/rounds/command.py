"""The command `check`: is a round's result what the rule promises? For `python -m fairness` and `gongdao`."""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from fairness.canonical import NotCanonical, hex_of
from fairness.rounds.check import STEPS, Refused, Standing, check_result, silent
from fairness.rounds.outcome import SEED_BYTES
from fairness.rounds.problem import ProblemUnusable


class SeedUnusable(ValueError):
    """What was given is no seed; the message says what would be right."""


Rerun: TypeAlias = Callable[[bytes, Sequence[bytes]], None]
"""Solves a problem again, and its continuations; raises `Refused` where a text differs by a byte."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is checked, and how it is told."""
    parser.description = (
        "Checks a round's result against its problem, without a solver; names the first step that fails."
    )
    parser.add_argument("problem", type=Path, metavar="PROBLEM.json")
    parser.add_argument("result", type=Path, metavar="RESULT.json")
    parser.add_argument(
        "--after",
        type=Path,
        action="append",
        default=[],
        metavar="RESULT.json",
        help="a result that this one continues, the round's own first",
    )
    parser.add_argument(
        "--seed",
        metavar="HEX",
        help="the seed that the draw's evidence gives: a result by another one is refused",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(asked: argparse.Namespace, rerun: Rerun | None = None) -> int:
    """Checks, tells, and gives the exit code: 0 it holds, 1 it does not, 2 unusable input."""
    # Everything read stays until the end: looking for garbage in millions of lines would only cost time.
    gc.disable()
    progress = _say_step if sys.stderr.isatty() and not asked.json else silent
    try:
        problem, *texts = [path.read_bytes() for path in (asked.problem, *asked.after, asked.result)]
        standing = check_result(
            problem, texts[-1], after=texts[:-1], seed=_seed(asked.seed), progress=progress
        )
        if rerun is not None:
            progress("rerun")
            rerun(problem, texts)
    except OSError as error:
        sys.stderr.write(f"Error: {error.filename}: {error.strerror}\n")
        return 2
    except SeedUnusable as error:
        sys.stderr.write(f"Error: --seed: {error}\n")
        return 2
    except ProblemUnusable as error:
        sys.stderr.write(f"Error: {asked.problem}: {error}\n")
        return 2
    except Refused as refused:
        _say_refused(refused, as_json=asked.json)
        return 1
    _say_held(standing, open_=() if rerun is not None else _left_open(standing), as_json=asked.json)
    return 0


def _seed(text: str | None) -> bytes | None:
    try:
        return None if text is None else hex_of(text, SEED_BYTES, "it")
    except NotCanonical as error:
        raise SeedUnusable(str(error)) from error


def _left_open(standing: Standing) -> list[str]:
    """What only solving again shows (`docs/spec/round.md`, section 7)."""
    found = ["whether the bound can be reached"]
    if any(len(line) > 1 for line in standing.round_.lines):
        found.append("which session of their line somebody has")
    if standing.round_.reserves or standing.round_.parties:
        found.append("what follows for others from the sessions of batches and from released reserves")
    return found


def _say_held(standing: Standing, *, open_: Sequence[str], as_json: bool) -> None:
    measures, bound = standing.outcome.measures, standing.outcome.bound
    if as_json:
        told = {
            "verified": True,
            "seed": standing.outcome.seed.hex(),
            "only_solving_again_shows": open_,
            "applications": measures.applications,
            "seated": measures.seated,
            "bound": bound,
            "by_line": measures.by_line,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.write(
        f"The rule is kept: {measures.seated:,} of {measures.applications:,} seated, {bound:,} at most could be; "
        f"{sum(measures.by_line[:1]):,} got their first line.\n"
        f"The order is that of the seed {standing.outcome.seed.hex()}.\n"
    )
    if open_:
        sys.stdout.write(f"Only solving again (gongdao check --rerun) shows {', '.join(open_)}.\n")


def _say_refused(refused: Refused, *, as_json: bool) -> None:
    if as_json:
        told = {
            "verified": False,
            "step": refused.number,
            "name": refused.step,
            "reason": refused.reason,
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    sys.stdout.write(f"{refused}\n")


def _say_step(step: str) -> None:
    number = STEPS.index(step) if step in STEPS else len(STEPS)
    sys.stderr.write(f"({number}) {step}\n")
