"""`gongdao account`: roles, given by whoever runs the installation."""

import asyncio

import click
from sqlalchemy.exc import SQLAlchemyError

from booking_api.cli import Unusable
from booking_api.cli.surroundings import read_addresses, settings_or_exit
from booking_api.errors import UnknownAccount
from booking_api.identity.accounts import ROLES, Person, set_roles
from reservation.database import create_engine


@click.group("account")
def command() -> None:
    """Give accounts their roles."""


@command.command("roles")
@click.argument("login")
@click.argument("roles", nargs=-1, type=click.Choice(ROLES))
def roles_command(*, login: str, roles: tuple[str, ...]) -> None:
    """Give LOGIN exactly these ROLES beside applicant; none takes all away. They count from the next sign-in on."""
    addresses = read_addresses(settings_or_exit())
    try:
        person = asyncio.run(_set(addresses.database_url, login, list(roles)))
    except UnknownAccount as error:
        raise Unusable(f"nobody has the login {login!r}") from error
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise Unusable(f"the database: {str(error).partition(chr(10))[0]}") from error
    click.echo(f"{person.login}: {', '.join(['applicant', *person.roles])}")


async def _set(url: str, login: str, roles: list[str]) -> Person:
    engine = create_engine(url, connections=1)
    try:
        return await set_roles(engine, login=login, roles=roles)
    finally:
        await engine.dispose()
