"""`gongdao roster`: which sessions there can be, out of the staff a centre has. Exit 1: the minimums cannot be kept."""

import json
import math
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from booking_api.cli import Unusable, solver_module
from booking_api.cli.files import FILE, New, check_writable, read_file, write_whole
from fairness.canonical import encode

if TYPE_CHECKING:
    from allocator.roster.making import Made
    from allocator.roster.outcome import Roster
    from allocator.roster.search import Progress
    from allocator.roster.staff import Staff

TOLD_EVERY_S = 0.2


@click.command("roster")
@click.argument("staff", type=FILE)
@click.option("--out", type=FILE, required=True, help="The sessions' file.")
@click.option("--board", type=FILE, help="Draw the roster too: FILE.html or FILE.svg.")
@click.option(
    "--rounds",
    type=click.IntRange(0, 100_000),
    default=40,
    show_default=True,
    help="Rounds of repair at most.",
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), help="Stop the search after so long; then two runs may differ."
)
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON on standard output.")
def command(
    *, staff: Path, out: Path, board: Path | None, rounds: int, seconds: float | None, as_json: bool
) -> int:
    """Make the roster of STAFF.json: examiners, vehicles, rooms and lanes against the demand that is forecast.

    The same file gives the same bytes. Exit 1 with the reasons in words where the minimums cannot be kept; nothing is
    written then. The formats are in docs/spec/roster.md.
    """
    if board is not None and board.suffix not in {".html", ".svg"}:
        raise Unusable(f"--board: {board.name} must end in .html or .svg")
    if seconds is not None and not math.isfinite(seconds):
        raise Unusable(
            f"--seconds: {seconds} is no number of seconds, leave it out to search without a clock"
        )
    check_writable(out, "--out", besides=[staff, board])
    if board is not None:
        check_writable(board, "--board", besides=[staff])
    read = _read(staff)
    making = solver_module("allocator.roster.making")
    until = monotonic() + seconds if seconds is not None else math.inf
    try:
        made: Made = making.make_roster(
            read, rounds=rounds, seconds_left=lambda: min(1e9, until - monotonic()), tell=_told()
        )
    except making.NoRoster as error:
        _clear()
        _say_reasons(error, as_json=as_json)
        return 1
    except making.SolverWrong as error:
        raise click.ClickException(f"nothing is written: {error}") from error
    _clear()
    files = [New(out, encode(made.roster.plain()) + b"\n", "--out")]
    if board is not None:
        files.append(New(board, _drawn(read, made.roster, board.suffix).encode(), "--board"))
    write_whole(*files)
    _say(made, out, as_json=as_json)
    return 0


def _read(path: Path) -> "Staff":
    staff = import_module("allocator.roster.staff")
    try:
        read: Staff = staff.read_staff(read_file(path))
    except staff.StaffUnusable as error:
        raise Unusable(f"{path}: {error}") from error
    return read


def _drawn(staff: "Staff", roster: "Roster", suffix: str) -> str:
    board = import_module("allocator.roster.board")
    drawn: str = board.board_page(staff, roster) if suffix == ".html" else board.board_svg(staff, roster)
    return drawn


def _told() -> Any:
    """A line on standard error that is written over, where somebody sees it."""
    if not sys.stderr.isatty():
        return _untold
    last = 0.0

    def tell(progress: "Progress") -> None:
        nonlocal last
        if monotonic() - last < TOLD_EVERY_S:
            return
        last = monotonic()
        best = "-" if progress.best is None else f"{progress.best:,}"
        bound = "-" if progress.bound is None else f"{progress.bound:,}"
        click.echo(f"\r\x1b[K{progress.stage}: best {best}, bound {bound}", err=True, nl=False)

    return tell


def _untold(_: "Progress") -> None:
    """Nobody is watching."""


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def _say_reasons(error: Any, *, as_json: bool) -> None:
    if as_json:
        plain = {
            "roster": False,
            "reasons": error.reasons,
            "proved_by": error.proved_by,
            "minimal": error.minimal,
        }
        click.echo(json.dumps(plain, ensure_ascii=False))
        return
    click.echo(
        "No roster keeps the minimums. Together these leave no way:" if error.proved_by else "No roster:",
        err=True,
    )
    for reason in error.reasons:
        click.echo(f"  - {reason}", err=True)


def _say(made: "Made", out: Path, *, as_json: bool) -> None:
    roster = made.roster
    if made.stopped:
        click.echo("the clock ended the search: another run may find another roster", err=True)
    if as_json:
        plain = roster.plain()
        click.echo(
            json.dumps(
                {
                    "roster": True,
                    "sessions": len(roster.sessions),
                    "stopped": made.stopped,
                    **{
                        name: plain[name]
                        for name in ("seats", "met", "bound", "bound_by", "trips", "demand", "unmet")
                    },
                },
                ensure_ascii=False,
            )
        )
        return
    gap = 100 * (roster.bound - roster.met) / roster.bound if roster.bound else 0.0
    click.echo(
        f"{len(roster.sessions)} sessions, {roster.seats} seats, {roster.trips} trips between sites: {click.format_filename(out)}"
    )
    click.echo(
        f"weighted demand met: {roster.met:,}; no roster can meet more than {roster.bound:,} ({gap:.2f} % apart)"
    )
    for row in roster.unmet:
        where = (f" at {row.site}" if row.site else "") + (f" on {row.day}" if row.day else "")
        click.echo(f"{row.missing} seats of {row.type}{where} are missing")
        for reason in row.reasons:
            click.echo(f"  - {reason}")
