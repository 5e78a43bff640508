"""How this package's commands end: exit codes 0 good, 1 something differs, 2 unusable input. Imports click."""

import sys

import click


def run(command: click.Command) -> None:
    """Runs a command and exits; unusable input is one line on standard error."""
    try:
        result = command.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        click.echo(f"{command.name}: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    sys.exit(result if isinstance(result, int) else 0)
