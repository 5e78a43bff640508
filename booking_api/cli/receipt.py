"""`gongdao receipt`: check an entrant's receipt. The same as `python -m fairness receipt`, which needs no server packages."""

import click

from fairness.__main__ import main


@click.command(
    "receipt",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, arguments: tuple[str, ...]) -> int:
    """See `python -m fairness receipt --help`."""
    return main(["receipt", *arguments], program="gongdao")
