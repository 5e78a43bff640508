"""`gongdao register`: what other systems know of learners, licences, vehicles, violations and persons, imported from files."""

import csv
import sys
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
from rich.console import Console

from booking_api import clock
from booking_api.cli import Unusable
from booking_api.cli.surroundings import on_database
from booking_api.registers import (
    BadRow,
    FileUnusable,
    Format,
    Imported,
    ImportRefused,
    RegisterKind,
    import_register,
    read_imports,
)
from booking_api.registers.reading import format_of

IMPORT_TIMEOUT_S = 3_600.0
BAD_ROWS_SHOWN = 20


@click.group("register")
def command() -> None:
    """Import registers of learners, licences, vehicles, violations and persons."""


@command.command("import")
@click.argument("register", type=click.Choice([kind.value for kind in RegisterKind]))
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--source", required=True, help="Where the file comes from; kept with every row.")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    help="By the file's ending if left out.",
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="For example gb18030.")
@click.option("--skip-bad", is_flag=True, help="Import the good rows though there are bad ones.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write every bad row to this CSV file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def import_command(
    *,
    register: str,
    path: Path,
    source: str,
    form: str | None,
    encoding: str,
    skip_bad: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Import FILE (CSV, JSON Lines or a JSON array) into REGISTER, whole or not at all. Exit code 1 when it was refused.

    A row whose key is known replaces the known one; rows that the file does not name stay.
    """
    if not source.strip() or len(source) > 200:
        raise Unusable("--source: say in 1 to 200 characters where the file comes from")
    bad: list[BadRow] = []
    chosen = _format(form, path)
    with ExitStack() as stack:
        told = _BadRows(stack, report, bad)
        status = stack.enter_context(Console(stderr=True).status(path.name))
        try:
            imported = on_database(
                lambda engine: import_register(
                    engine,
                    kind=RegisterKind(register),
                    path=path,
                    form=chosen,
                    encoding=encoding,
                    source=source.strip(),
                    today=clock.today(),
                    skip_bad=skip_bad,
                    on_bad=told,
                    progress=lambda read, wrong: status.update(
                        f"{path.name}: {read:,} rows read, {wrong:,} bad"
                    ),
                ),
                answer_timeout_s=IMPORT_TIMEOUT_S,
            )
        except FileUnusable as error:
            raise Unusable(str(error)) from error
        except ImportRefused as error:
            status.stop()
            _show(bad, error.bad_rows, report, counts=chosen.counts)
            return _refused(error, as_json=as_json)
    _show(bad, imported.bad_rows, report, counts=chosen.counts)
    _tell(imported, as_json=as_json)
    return 0


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the imports as JSON.")
def list_command(*, as_json: bool) -> None:
    """The latest imports, newest first."""
    imports = on_database(read_imports)
    if as_json:
        sys.stdout.write(msgspec.json.encode([done._asdict() for done in imports]).decode() + "\n")
        return
    for done in imports:
        click.echo(
            f"{done.id}  {done.at:%Y-%m-%d %H:%M} UTC  {done.register}  {done.rows:,} rows, {done.bad_rows:,} left out"
            f"  {done.source} ({done.file}, sha256 {done.sha256[:12]})"
        )
    if not imports:
        click.echo("nothing has been imported")


def _format(form: str | None, path: Path) -> Format:
    try:
        return Format(form) if form else format_of(path)
    except FileUnusable as error:
        raise Unusable(str(error)) from error


class _BadRows:
    """Keeps the first bad rows to show, and writes all of them to the report if there is one."""

    def __init__(self, stack: ExitStack, report: Path | None, shown: list[BadRow]) -> None:
        self._shown = shown
        self._writer = None
        if report is not None:
            try:
                file = stack.enter_context(report.open("w", encoding="utf-8", newline=""))
            except OSError as error:
                raise Unusable(f"--report {report}: {error.strerror}") from error
            self._writer = csv.writer(file)
            self._writer.writerow(BadRow._fields)

    def __call__(self, bad: BadRow) -> None:
        if len(self._shown) < BAD_ROWS_SHOWN:
            self._shown.append(bad)
        if self._writer is not None:
            self._writer.writerow(bad)


def _tell(imported: Imported, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(imported._asdict()).decode() + "\n")
    else:
        click.echo(f"import {imported.id}: {imported.rows:,} rows taken, {imported.bad_rows:,} left out")


def _show(bad: list[BadRow], count: int, report: Path | None, *, counts: str) -> None:
    for row in bad:
        click.echo(f"{counts} {row.line}: {row.field}: {row.reason}", err=True)
    if count > len(bad):
        where = f"all are in {report}" if report else "--report FILE lists all"
        click.echo(f"and {count - len(bad):,} more; {where}", err=True)


def _refused(error: ImportRefused, *, as_json: bool) -> int:
    if as_json:
        told = {"refused": str(error), "rows": error.rows, "bad_rows": error.bad_rows}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        click.echo(f"nothing was imported: {error}; put them right, or --skip-bad", err=True)
    return 1
