"""`gongdao verify`: verify an evidence bundle. The same as `python -m fairness verify`, which needs no server packages."""

import click

from fairness.__main__ import main


@click.command(
    "verify",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, arguments: tuple[str, ...]) -> int:
    """See `python -m fairness verify --help`."""
    return main(["verify", *arguments], program="gongdao")
