"""Services are found by their entry points, each whole; one that cannot be loaded ends the start with one line."""

import sys
import textwrap
from importlib.metadata import EntryPoint

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import text

from booking_api.app import create_app
from booking_api.gate.access import ACCESS
from booking_api.schema import migrate_platform
from booking_api.services import GROUP, ServiceUnusable, access_of, load_services
from reservation.database import create_engine

GOOD = """
    from pathlib import Path
    from litestar import get
    from booking_api.gate.access import Access
    from booking_api.services import Service

    @get("/api/v1/weather")
    async def get_weather() -> dict[str, str]:
        \"\"\"What the weather is.\"\"\"
        return {"weather": "fine"}

    service = Service(
        "weather",
        [get_weather],
        {("GET", "/api/v1/weather"): Access.PUBLIC},
        {"weather": "Weather."},
        Path(__file__).parent / "versions",
    )
"""
VERSION = """
    from alembic import op
    revision, down_revision, branch_labels, depends_on = "weather0001", None, ("weather",), None

    def upgrade():
        op.execute("CREATE TABLE weather (day date PRIMARY KEY)")
"""


@pytest.fixture
def point(tmp_path, monkeypatch):
    """Makes an entry point of a module with this source, as an installed package would."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(source: str, *, name: str = "weather", module: str = "weather_service") -> EntryPoint:
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        (tmp_path / "versions").mkdir(exist_ok=True)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return EntryPoint(name=name, value=f"{module}:service", group=GROUP)

    yield make
    for module in [name for name in sys.modules if name.startswith("weather")]:
        del sys.modules[module]


def test_the_core_runs_without_any(settings, token):
    assert load_services([]) == ()
    assert access_of([]) == ACCESS
    create_app(settings)


async def test_a_services_routes_are_served_and_described(settings, token, point):
    async with AsyncTestClient(create_app(settings, load_services([point(GOOD)]))) as client:
        assert (await client.get("/api/v1/weather")).json() == {"weather": "fine"}
        described = (await client.get("/api/v1/openapi.json")).json()
        assert described["paths"]["/api/v1/weather"]["get"]["x-access"] == "public"
        assert (await client.get("/api/v1/pools")).status_code == 200


async def test_a_services_tables_are_a_branch_of_their_own(database_url, point, tmp_path):
    [service] = load_services([point(GOOD)])
    (tmp_path / "versions" / "0001_weather.py").write_text(textwrap.dedent(VERSION))
    engine = create_engine(database_url, connections=2)
    try:
        for _ in range(2):
            await migrate_platform(engine, service.migrations)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT day FROM weather"))
            versions = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars()
            assert "weather0001" in set(versions)
    finally:
        await engine.dispose()


BAD = {
    "import missing_module_of_nobody\n": "cannot be loaded: ModuleNotFoundError",
    "1 / 0\n": "cannot be loaded: ZeroDivisionError",
    "other = 1\n": "cannot be loaded: AttributeError",
    "service = {}\n": "but a dict",
    GOOD.replace('"weather",\n        [', '"wether",\n        ['): "calls itself 'wether'",
    GOOD.replace('{("GET", "/api/v1/weather")', '{("GET", "/api/v1/pools")'): "claims GET /api/v1/pools",
    GOOD.replace('"versions"', '"nowhere"'): "is not there",
}


@pytest.mark.parametrize("source", BAD, ids=list(BAD.values()))
def test_a_service_that_cannot_be_used_ends_the_start_with_one_line(point, source):
    with pytest.raises(ServiceUnusable, match="service weather") as refused:
        load_services([point(source)])
    assert BAD[source] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_services_of_one_name_are_refused(point):
    twice = [point(GOOD), point(GOOD, module="weather_again")]
    with pytest.raises(ServiceUnusable, match="installed twice"):
        load_services(twice)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('{("GET", "/api/v1/weather"): Access.PUBLIC}', "{}"), "nobody says who may ask it"),
        (("[get_weather]", "[]"), "nothing serves it"),
    ],
)
def test_a_route_without_its_access_is_not_served(settings, token, point, change, says):
    services = load_services([point(GOOD.replace(*change))])
    with pytest.raises(ServiceUnusable, match=says):
        create_app(settings, services)
