"""`gongdao why`: a round's result, checked and then explained for one application."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import click
import msgspec

from booking_api.cli import Unusable
from booking_api.cli.ceremony_options import Refused
from booking_api.cli.files import FILE, check_writable, read_file, write_page
from booking_api.pages.catalogue import LANGUAGES, words_in
from booking_api.pages.rounds.why import as_text, tell, why_page
from fairness.rounds.check import Refused as ResultRefused
from fairness.rounds.check import Standing, check_result
from fairness.rounds.outcome import OutcomeRefused, continues_of_result
from fairness.rounds.problem import ProblemUnusable, read_problem
from fairness.rounds.why import NoApplication, Why, explain

_HALF = re.compile("[\udc80-\udcff]")


@click.command("why")
@click.argument("problem", type=FILE)
@click.argument("result", type=FILE)
@click.option("--id", "applicant", required=True, help="Whose application.")
@click.option("--out", type=FILE, help="A page, one file that needs nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def command(
    *, problem: Path, result: Path, applicant: str, out: Path | None, as_json: bool, lang: Any
) -> int:
    """Why this session, and why not that one: check RESULT against PROBLEM, then explain it for one application.

    Exit code 1 when the result is not the one that the rule promises: nothing is explained then.
    """
    if out is not None:
        check_writable(out, "--out", besides=[problem, result])
    applicant = _id(applicant)
    problem_text, result_text = read_file(problem), read_file(result)
    standing = _standing(problem, problem_text, result, result_text)
    why = _explained(problem_text, standing, applicant)
    words = words_in(lang)
    files = f"{shlex.quote(str(problem))} {shlex.quote(str(result))}"
    commands = [f"gongdao check {files}", f"gongdao why {files} --id {shlex.quote(applicant)}"]
    told = tell(why, standing.outcome.measures, standing.outcome.bound, words, commands)
    if out is not None:
        write_page(out, why_page(told, words))
    if as_json:
        # Bytes: JSON is UTF-8, whatever the terminal's language.
        click.echo(msgspec.json.encode(why))
    elif out is None:
        click.echo(as_text(told).encode("utf-8", "surrogateescape"))
    return 0


def _id(text: str) -> str:
    """The id as it was typed: where the surroundings know ASCII alone, Python keeps other bytes as halves of characters."""
    try:
        return os.fsencode(text).decode() if _HALF.search(text) else text
    except UnicodeDecodeError:
        raise Unusable("--id: not UTF-8") from None


def _standing(problem: Path, problem_text: bytes, result: Path, result_text: bytes) -> Standing:
    try:
        if continues_of_result(result_text.removesuffix(b"\n")) is not None:
            raise Unusable(f"{result}: it continues another result; a round's own result can be explained")
        return check_result(problem_text, result_text)
    except ProblemUnusable as error:
        raise Unusable(f"{problem}: {error}") from error
    except OutcomeRefused as error:
        raise Refused(f"the result does not hold: {error}") from error
    except ResultRefused as refused:
        raise Refused(f"the result does not hold: {refused}") from refused


def _explained(problem_text: bytes, standing: Standing, applicant: str) -> Why:
    try:
        return explain(read_problem(problem_text), standing.round_, standing.outcome, applicant)
    except NoApplication as error:
        raise Unusable(f"--id: {error}") from error
