"""`gongdao draw`: rank a list by a seed. The same as `python -m fairness draw`, which needs no server packages."""

import click

from fairness.__main__ import main


@click.command(
    "draw",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, arguments: tuple[str, ...]) -> int:
    """See `python -m fairness draw --help`."""
    return main(["draw", *arguments], program="gongdao")
