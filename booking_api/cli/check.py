"""`gongdao check`: check a round's result. The same as `python -m fairness check`, and `--rerun`, which solves it again."""

import argparse

import click

from booking_api.cli import solver_module
from fairness.rounds.command import Rerun, add_options, run


@click.command(
    "check",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, arguments: tuple[str, ...]) -> int:
    """See `gongdao check --help`."""
    parser = argparse.ArgumentParser("gongdao check")
    add_options(parser)
    parser.add_argument(
        "--rerun", action="store_true", help="solve it again too, and compare every byte (loads the solver)"
    )
    asked = parser.parse_args(list(arguments))
    rerun: Rerun | None = solver_module("allocator.rerun").rerun if asked.rerun else None
    return run(asked, rerun)
