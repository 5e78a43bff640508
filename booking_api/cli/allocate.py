"""`gongdao allocate`: solves a round, or goes on with one after declines, and says what each stage cost."""

import gc
import json
import time
from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TaskID

from allocator.allocation import Bounding, allocate
from allocator.continuation import continue_round, continues_of
from booking_api.cli import Unusable, solver_module
from booking_api.cli.files import FILE, New, check_writable, read_file, write_whole
from booking_api.cli.seeds import NEEDED, SEED
from fairness.rounds.check import Refused, Standing, check_result
from fairness.rounds.continuing import ContinuationUnusable, continuing
from fairness.rounds.outcome import Outcome, write_outcome
from fairness.rounds.problem import ProblemUnusable, read_problem
from fairness.rounds.round import Round, make_ready, public_order

_MIB = 1024


@click.command("allocate")
@click.argument("problem_path", metavar="PROBLEM.json", type=FILE)
@click.option("--seed", type=SEED, help="The round's seed: 64 digits of lower-case hex, from its draw.")
@click.option("--out", type=FILE, required=True, metavar="RESULT.json", help="Where the result is written.")
@click.option(
    "--after",
    type=FILE,
    multiple=True,
    metavar="RESULT.json",
    help="Go on after this result; repeated: after all of these, the round's own first.",
)
@click.option("--declined", type=FILE, help="With --after: ids of those who declined, one a line.")
@click.option(
    "--improving", type=FILE, help="With --after: ids of those who ask for a better line, one a line."
)
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def command(
    *,
    problem_path: Path,
    seed: str | None,
    out: Path,
    after: tuple[Path, ...],
    declined: Path | None,
    improving: Path | None,
    as_json: bool,
) -> None:
    """Who gets which session: the promise pass over a problem file, with its certificate.

    `gongdao check PROBLEM.json RESULT.json` checks the result without a solver. The formats are in docs/spec/round.md.
    """
    # Everything read stays until the end: looking for garbage in millions of lines would only cost time.
    gc.disable()
    check_writable(out, "--out", besides=[problem_path, *after, declined, improving])
    with _Stages(quiet=as_json) as stages:
        if after:
            if seed is not None:
                raise Unusable("--seed: a continuation has the seed of the result that it continues")
            round_, outcome = _go_on(stages, problem_path, after, declined, improving)
        else:
            if declined or improving:
                raise Unusable("--declined, --improving: these go on with a result, which --after names")
            if seed is None:
                raise Unusable(f"--seed: {NEEDED}")
            round_, outcome = _solve(stages, problem_path, bytes.fromhex(seed))
        stages("write")
        write_whole(New(out, write_outcome(round_, outcome) + b"\n", "--out"))
    _tell(stages, outcome, out, as_json=as_json)


class _Stages:
    """What each stage took, and the most memory up to its end; a bar on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._took: dict[str, dict[str, float]] = {}
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Bar(console=self._console, transient=True, disable=quiet or not self._console.is_terminal)
        self._task: TaskID | None = None
        self._name = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._bar.stop()

    def __call__(self, name: str, done: int = 0, of: int = 1) -> None:
        if name != self._name:
            self._end()
            self._name, self._began = name, time.perf_counter()
            self._task = self._bar.add_task(name, total=of)
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=of)

    def tell(self) -> dict[str, dict[str, float]]:
        for name, figures in self._took.items():
            self._console.print(
                f"{name:<12} {figures['seconds']:>8.2f} s  {figures['peak_mib']:>7,.0f} MiB at most",
                highlight=False,
            )
        return self._took

    def _end(self) -> None:
        if self._name:
            took = time.perf_counter() - self._began
            self._took[self._name] = {"seconds": round(took, 3), "peak_mib": _peak_mib()}
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._name, self._task = "", None


def _peak_mib() -> int:
    """The most memory that this process had. Not `ru_maxrss`: that begins with what the parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) // _MIB


def _solve(stages: _Stages, path: Path, seed: bytes) -> tuple[Round, Outcome]:
    stages("read")
    try:
        problem = read_problem(read_file(path))
    except ProblemUnusable as error:
        raise Unusable(f"{path}: {error}") from error
    stages("order")
    order = public_order(problem.applications, seed)
    stages("ready")
    round_ = make_ready(problem, order)
    del problem, order
    return round_, allocate(round_, seed, _bounding(), progress=stages)


def _go_on(
    stages: _Stages,
    path: Path,
    after: tuple[Path, ...],
    declined_path: Path | None,
    improving_path: Path | None,
) -> tuple[Round, Outcome]:
    stages("check")
    declined, improving = _ids(declined_path), _ids(improving_path)
    before = _standing(path, after)
    try:
        continued = continuing(before.round_, before.outcome, declined=declined, improving=improving)
    except ContinuationUnusable as error:
        named = ", ".join(str(one) for one in (declined_path, improving_path) if one is not None)
        raise Unusable(f"{named}: {error}") from error
    continues = continues_of(before.text, declined=declined, improving=improving)
    return continued.whole, continue_round(continued, before.outcome, continues, _bounding(), progress=stages)


def _bounding() -> Bounding:
    return solver_module("allocator.bound").bound_of


def _tell(stages: _Stages, outcome: Outcome, out: Path, *, as_json: bool) -> None:
    stages_told, measures = stages.tell(), outcome.measures
    if as_json:
        told = {
            "applications": measures.applications,
            "seated": measures.seated,
            "bound": outcome.bound,
            "by_line": measures.by_line,
            "stages": stages_told,
        }
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{measures.seated:,} of {measures.applications:,} seated, {outcome.bound:,} at most could be; "
        f"{sum(measures.by_line[:1]):,} got their first line: {click.format_filename(out)}"
    )


def _standing(path: Path, after: tuple[Path, ...]) -> Standing:
    texts = [read_file(one) for one in after]
    try:
        return check_result(read_file(path), texts[-1], after=texts[:-1])
    except ProblemUnusable as error:
        raise Unusable(f"{path}: {error}") from error
    except Refused as refused:
        raise Unusable(f"--after: {refused}") from refused


def _ids(path: Path | None) -> set[str]:
    if path is None:
        return set()
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"{path}: not UTF-8") from None
    # Not `splitlines`: an id may have in it what that takes for a line's end.
    return {line.removesuffix("\r") for line in text.split("\n")} - {""}
