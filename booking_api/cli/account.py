"""`gongdao account`: roles, given by whoever runs the installation."""

import click

from booking_api.cli import Unusable
from booking_api.cli.surroundings import on_database
from booking_api.errors import UnknownAccount
from booking_api.identity.accounts import ROLES, set_roles


@click.group("account")
def command() -> None:
    """Give accounts their roles."""


@command.command("roles")
@click.argument("login")
@click.argument("roles", nargs=-1, type=click.Choice(ROLES))
def roles_command(*, login: str, roles: tuple[str, ...]) -> None:
    """Give LOGIN exactly these ROLES beside applicant; none takes all away. They count from the next sign-in on."""
    try:
        person = on_database(lambda engine: set_roles(engine, login=login, roles=list(roles)))
    except UnknownAccount as error:
        raise Unusable(f"nobody has the login {login!r}") from error
    click.echo(f"{person.login}: {', '.join(['applicant', *person.roles])}")
