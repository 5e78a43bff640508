"""`gongdao simulate`: the same demand under five rules, as a page, as JSON or in the terminal."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from allocator.simulation.demand import Parameters, Session, false_of, seats_of
from allocator.simulation.report import Report
from booking_api.cli import Unusable, solver_module
from booking_api.cli.files import FILE, check_writable, write_page
from booking_api.cli.roster_sessions import read_board, read_sessions
from booking_api.cli.seeds import SEED
from booking_api.pages.catalogue import LANGUAGES, words_in
from booking_api.pages.rounds.findings import findings
from booking_api.pages.rounds.simulation import Told, simulation_page

FEWEST, APPLICATIONS_LIMIT, SESSIONS_LIMIT = 20, 200_000, 5_000
DEFAULT = Parameters()


class Share(click.ParamType[float]):
    """A share as `5%` or `0.05`, from 0 to 1."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share as a number."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)(%?)", str(value).strip())
        share = float(found[1]) / (100 if found[2] else 1) if found else -1.0
        if not 0 <= share <= 1:
            self.fail(f"{value} is no share: 5% or 0.05 is one, from 0 to 1", param, ctx)
        return share


@click.command("simulate")
@click.option(
    "--out",
    type=FILE,
    help="The page, one file that needs nothing else.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything that was found as JSON.")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The page's language."
)
@click.option(
    "--applications",
    type=click.IntRange(FEWEST, APPLICATIONS_LIMIT),
    help=f"{DEFAULT.applications} if left out; with --roster as many as its seats allow.",
)
@click.option(
    "--sessions",
    "sessions_count",
    type=click.IntRange(5, SESSIONS_LIMIT),
    help=f"{DEFAULT.sessions} if left out; not with --roster.",
)
@click.option(
    "--seats",
    "seats_share",
    type=Share(),
    help=f"Of the applications, {DEFAULT.seats_share:.0%} if left out; not with --roster and --applications.",
)
@click.option(
    "--bots", "bots_share", type=Share(), default="5%", show_default=True, help="Of the applications."
)
@click.option(
    "--liars", "liars_share", type=Share(), default="20%", show_default=True, help="Who lie if it pays."
)
@click.option(
    "--identities",
    type=click.IntRange(1, 100),
    default=DEFAULT.identities,
    show_default=True,
    help="Of a bot where they are not checked.",
)
@click.option(
    "--weeks",
    type=click.IntRange(2, 52),
    default=DEFAULT.weeks,
    show_default=True,
    help="Waited before, fewer than this.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 52), default=DEFAULT.rounds, show_default=True, help="In a row."
)
@click.option(
    "--roster",
    type=FILE,
    metavar="SESSIONS.json",
    help="Take the sessions from a roster: id, capacity and site of each.",
)
@click.option(
    "--staff",
    type=FILE,
    metavar="STAFF.json",
    help="With --roster: the staff it was made of, to show its board on the page.",
)
@click.option("--seed", type=SEED, default=DEFAULT.seed, help="All chance comes from it.")
def command(
    *,
    out: Path | None,
    as_json: bool,
    lang: Any,
    applications: int | None,
    sessions_count: int | None,
    seats_share: float | None,
    roster: Path | None,
    staff: Path | None,
    **given: Any,
) -> int:
    """The same demand under five rules: who gets the seats, and what speed, false identities and lies earn.

    The same options give the same numbers on any machine.
    """
    if staff is not None and roster is None:
        raise Unusable("--staff: its board is a roster's, which --roster names")
    if roster is not None:
        _check_beside_roster(applications, sessions_count, seats_share)
    if out is not None:
        check_writable(out, "--out", besides=[roster, staff])
    said: dict[str, Any] = {
        "applications": applications,
        "sessions": sessions_count,
        "seats_share": seats_share,
        **given,
    }
    parameters = Parameters(**{name: value for name, value in said.items() if value is not None})
    sessions = None if roster is None else read_sessions(roster)
    if sessions is not None:
        parameters = _of_roster(parameters, sessions, applications)
    _check_numbers(parameters)
    board = None if staff is None or roster is None else read_board(roster, staff)
    report: Report = solver_module("allocator.simulation.run").simulate(
        parameters, sessions, progress=_progress
    )
    if out is not None:
        told = Told(report, words_in(lang))
        command_roster = " --staff ".join(
            shlex.quote(str(path)) for path in (roster, staff) if path is not None
        )
        write_page(out, simulation_page(told, findings(told), board=board, roster=command_roster))
    if as_json:
        # Bytes: JSON is UTF-8, whatever the terminal's language.
        click.echo(msgspec.json.encode(report))
    elif out is None:
        _print(report)
    return 0


def _check_beside_roster(
    applications: int | None, sessions_count: int | None, seats_share: float | None
) -> None:
    if sessions_count is not None:
        raise Unusable("--sessions: --roster says how many there are, leave one out")
    if seats_share is not None and applications is not None:
        raise Unusable("--seats: --roster and --applications say which share it is, leave one out")


def _check_numbers(parameters: Parameters) -> None:
    if not seats_of(parameters):
        raise Unusable("--seats: they come to none")
    if sum(false_of(parameters, parameters.applications)) >= parameters.applications:
        raise Unusable("--bots, --liars: they leave nobody who is honest")


def _of_roster(parameters: Parameters, sessions: list[Session], applications: int | None) -> Parameters:
    seats = sum(session.capacity for session in sessions)
    if seats > APPLICATIONS_LIMIT:
        raise Unusable(f"--roster: it has {seats:,} seats, {APPLICATIONS_LIMIT:,} are the most")
    if not parameters.seats_share:
        raise Unusable("--seats: they come to none")
    wanted = max(round(seats / parameters.seats_share), FEWEST) if applications is None else applications
    if wanted > APPLICATIONS_LIMIT:
        raise Unusable(
            f"--seats: for the {seats:,} seats of --roster they are {wanted:,} applications, {APPLICATIONS_LIMIT:,} are the most"
        )
    return msgspec.structs.replace(
        parameters, applications=wanted, sessions=len(sessions), seats_share=seats / wanted
    )


def _progress(rule: str, what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{rule}: {what} {done}/{of}")
        if (what, done) == ("rounds", of):
            sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    elif done == of:
        sys.stderr.write(f"{rule}: {what} done\n")


_COLUMNS = ("rule", "seated", "bots' seats", "first line", "passed over", "gain by a lie", "longest wait")


def _print(report: Report) -> None:
    rows: list[tuple[str, ...]] = [_COLUMNS]
    for one in report.rules:
        people = one.envy.of
        rows.append(
            (
                one.rule,
                f"{one.seated.count} of {report.bound}",
                f"{one.seats_by_kind['bot'] / report.seats if report.seats else 0:.1%}",
                f"{sum(one.by_line[:1]) / people:.1%}",
                f"{one.envy.rate:.1%}",
                f"{one.lies.better_off.rate:.1%}",
                f"{one.waiting.longest} of {report.parameters.rounds}",
            )
        )
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(_COLUMNS))]
    for name, *cells in rows:
        told = [
            name.ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)),
        ]
        click.echo("  ".join(told))
