"""`gongdao beacon`: check a round of the beacon. The same as `python -m fairness beacon`, which needs no server packages."""

import click

from fairness.__main__ import main


@click.command(
    "beacon",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, arguments: tuple[str, ...]) -> int:
    """See `python -m fairness beacon --help`."""
    return main(["beacon", *arguments], program="gongdao")
