"""`gongdao account`: roles, given by whoever runs the installation."""

import re

import click

from booking_api.cli import Unusable
from booking_api.cli.surroundings import on_database
from booking_api.errors import UnknownAccount
from booking_api.identity.accounts import ROLES, set_roles

_ROLE = re.compile(rf"({'|'.join(ROLES)}):[a-z0-9][a-z0-9._-]{{0,63}}")


@click.group("account")
def command() -> None:
    """Give accounts their roles."""


@command.command("roles")
@click.argument("login")
@click.argument("roles", nargs=-1, metavar="[ROLE:SCOPE]...")
def roles_command(*, login: str, roles: tuple[str, ...]) -> None:
    """Give LOGIN exactly these roles beside applicant; none takes all away. They count from the next sign-in on.

    ROLE is clerk, operator, auditor, school or station; SCOPE is the authority, school or station it is for:
    `operator:cn-zj-hz`.
    """
    for role in roles:
        if not _ROLE.fullmatch(role):
            raise Unusable(f"{role!r} is no role: one of {', '.join(ROLES)}, a colon, and what it is for")
    try:
        person = on_database(lambda engine: set_roles(engine, login=login, roles=list(roles)))
    except UnknownAccount as error:
        raise Unusable(f"nobody has the login {login!r}") from error
    click.echo(f"{person.login}: {', '.join(['applicant', *person.roles])}")
