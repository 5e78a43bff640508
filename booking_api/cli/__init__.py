"""The command `gongdao`. Exit codes: 0 good, 1 the thing checked is false, 2 unusable input.

Commands are loaded when they are called, so that `--help` is quick and a notary's machine needs no server packages.
"""

import importlib
import sys
from typing import Any

import click

COMMANDS = {
    "serve": ("booking_api.cli.serve", "Run the platform: servers, migrations, API and pages."),
    "demo": ("booking_api.cli.demo", "A demo city, demo tokens, an opening rush to watch, and a draw."),
    "audit": ("booking_api.cli.audit", "Check the invariants on a live system."),
    "account": ("booking_api.cli.account", "Give accounts their roles."),
    "authority": ("booking_api.cli.authority", "Register authorities: ministry, provinces, city offices."),
    "plan": ("booking_api.cli.plan", "Import, publish and close plans of sessions."),
    "register": ("booking_api.cli.register", "Import registers of learners, licences, vehicles, violations."),
    "rebuild": ("booking_api.cli.rebuild", "Make Valkey's view anew from PostgreSQL."),
    "verify": ("booking_api.cli.verify", "Is this draw what it says it is? Offline, by your own trust file."),
    "receipt": ("booking_api.cli.receipt", "Is somebody in a draw's list, and what became of them? Offline."),
    "draw": ("booking_api.cli.draw", "Announce, freeze, contribute, finish; or rank a list by a seed."),
    "allocate": ("booking_api.cli.allocate", "A round: who gets which session, with a certificate."),
    "check": (
        "booking_api.cli.check",
        "Is a round's result what the rule promises? Offline, without a solver.",
    ),
    "why": ("booking_api.cli.why", "Why this, why not that: a round's result explained for one application."),
    "simulate": (
        "booking_api.cli.simulate",
        "The same demand under five rules: who gets the seats, what a lie earns.",
    ),
    "roster": (
        "booking_api.cli.roster",
        "Which sessions there can be, out of examiners, vehicles, rooms and lanes.",
    ),
    "beacon": ("booking_api.cli.beacon", "Is this signature the beacon's round's?"),
    "log": ("booking_api.cli.log", "Keep a log, witness others', prove, verify and monitor."),
    "keys": ("booking_api.cli.keys", "Secret keys of logs, witnesses and contributors."),
    "backup": ("booking_api.cli.backup", "Write database, keys and settings into one archive; check one."),
    "restore": ("booking_api.cli.restore", "Bring an archive back."),
}


class _Lazy(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click hands its context to all
        """The commands in the order people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gongdao")
def gongdao() -> None:
    """Gongdao 公道 shares out driving-test sessions, inspection appointments and plate numbers, fairly."""


class Unusable(click.ClickException):
    """Input or surroundings that cannot be used: one line, exit code 2."""

    exit_code = 2


def solver_module(name: str) -> Any:
    """The module of this name, which needs the packages of the extra `rounds`.

    Raises:
        Unusable: one of them is missing.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise Unusable(
            f"{(error.name or name).partition('.')[0]} is missing: pip install 'gongdao[rounds]'"
        ) from error


def main() -> None:
    """Runs a command; every unusable input is one line on standard error and exit code 2."""
    try:
        result: Any = gongdao.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "gongdao"
        click.echo(f"{where}: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    sys.exit(result if isinstance(result, int) else 0)
