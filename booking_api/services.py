"""Services of other packages, found by the entry point `gongdao.services`. Imports Litestar and the access table.

A service declares itself in one frozen value; the core runs without any. It imports what it needs of this application,
which never imports it: `pip install` is all that adds one.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin
from litestar.types import ControllerRouterHandler

from booking_api.gate.access import ACCESS, Access

GROUP = "gongdao.services"
API = "/api/v1/"


class ServiceUnusable(RuntimeError):
    """A service cannot be loaded, so nothing is started; the message says which and why."""


class Service(NamedTuple):
    """What a service brings. Its API lives under `/api/v1/<name>`, its pages under `/<name>`.

    `access` says who may do what, as the core's table does. `tags` are its groups in the API's description.
    `migrations` is the folder of its tables' versions, an Alembic branch of its own.
    """

    name: str
    routes: Sequence[ControllerRouterHandler]
    access: Mapping[tuple[str, str], Access]
    tags: Mapping[str, str] = {}
    migrations: Path | None = None


class ServicePlugin(InitPlugin):
    """Attaches one service to the application."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Adds the service's routes."""
        app_config.route_handlers.extend(self.service.routes)
        return app_config


def load_services(found: Iterable[EntryPoint] | None = None) -> tuple[Service, ...]:
    """Every installed service, in order of its name.

    Raises:
        ServiceUnusable: one cannot be imported, is no `Service`, or claims another one's name or the core's routes.
    """
    points = entry_points(group=GROUP) if found is None else found
    services: dict[str, Service] = {}
    for point in sorted(points, key=lambda point: point.name):
        service = _load(point)
        if service.name in services:
            raise ServiceUnusable(f"service {service.name}: installed twice; uninstall one of them")
        services[service.name] = service
    return tuple(services.values())


def access_of(services: Iterable[Service]) -> Mapping[tuple[str, str], Access]:
    """Who may do what, in the core and in these services."""
    table = dict(ACCESS)
    for service in services:
        table |= service.access
    return table


def check_routes(app: Litestar, access: Mapping[tuple[str, str], Access]) -> None:
    """Passes when every route of the API is in the table and nothing else is.

    Raises:
        ServiceUnusable: a service serves what its table does not name, or names what it does not serve.
    """
    served = {
        (method, route.path_format)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if route.path_format.startswith(API) and method != "OPTIONS"
    }
    for method, path in sorted(served ^ set(access)):
        lacks = "nobody says who may ask it" if (method, path) in served else "nothing serves it"
        raise ServiceUnusable(f"{method} {path}: {lacks}; correct the service's `access`")


def _load(point: EntryPoint) -> Service:
    where = f"service {point.name} ({point.value})"
    try:
        service = point.load()
    except Exception as error:
        # Whatever somebody else's module does when it is imported, the start ends with this line and not with a trace.
        raise ServiceUnusable(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(service, Service):
        raise ServiceUnusable(f"{where} is no booking_api.services.Service but a {type(service).__name__}")
    if service.name != point.name:
        raise ServiceUnusable(f"{where} calls itself {service.name!r}; the two names must be one")
    home = f"{API}{service.name}"
    for method, path in service.access:
        if path != home and not path.startswith(home + "/"):
            raise ServiceUnusable(f"{where} claims {method} {path}; a service's API lives under {home}")
    if service.migrations is not None and not service.migrations.is_dir():
        raise ServiceUnusable(f"{where}: its migrations folder {service.migrations} is not there")
    return service
