"""What is disclosed is what there is, whoever asks, and no small number points at anybody."""

import csv
import doctest
import io
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from booking_api import clock
from booking_api.pages.catalogue import words_in
from booking_api.registers.tables import exam_result, register_import
from reservation import NewUnit, UnitKind, add_authority, publish_pool
from services.disclosure import results

PLANS, RESULTS = "/api/v1/disclosure/plans", "/api/v1/disclosure/results"
TOMORROW = clock.today() + timedelta(days=1)


def test_examples_are_true():
    assert doctest.testmod(results).failed == 0


def test_the_package_declares_its_entry_point():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["gongdao.services"] == {"disclosure": "services.disclosure:service"}


@pytest.fixture
async def sessions(kernel):
    """Sessions of two cities and an inspection station."""
    for city in ("cn-hz", "cn-nb"):
        await add_authority(kernel, authority_id=city, level="city", name={"en": city, "zh-CN": "市"})
        for service, rule in (("driving_test", "subject-2"), ("inspection", "yearly")):
            await publish_pool(
                kernel,
                authority=city,
                service=service,
                rule=rule,
                title={"en": rule},
                hold_ttl_s=300,
                units=[
                    NewUnit(
                        kind=UnitKind.SESSION,
                        title={"en": "S"},
                        capacity=10 + hour,
                        site="x-site",
                        starts_at=datetime(TOMORROW.year, TOMORROW.month, TOMORROW.day, hour, tzinfo=UTC),
                        attributes={"subject": "2", "class": "C1" if hour < 3 else "C2"},
                    )
                    for hour in (1, 2, 3)
                ],
            )


async def test_sessions_are_disclosed_by_what_is_asked_for(client, sessions):
    everything = (await client.get(PLANS)).json()
    assert len(everything["sessions"]) == 6  # inspections are no tests
    first = everything["sessions"][0]
    assert (first["authority"], first["subject"], first["capacity"]) == ("cn-hz", "2", 11)
    assert (first["booked"], first["free"], first["cancelled"]) == (0, 11, False)
    asked = {"authority": "cn-nb", "class": "C1", "subject": "2", "from": TOMORROW, "until": TOMORROW}
    found = (await client.get(PLANS, params=asked)).json()["sessions"]
    assert [each["capacity"] for each in found] == [11, 12]
    assert (await client.get(PLANS, params={"subject": "3"})).json() == {"sessions": [], "next": None}
    assert (await client.get(PLANS, params={"cursor": "x"})).json()["errors"][0]["field"] == "cursor"


async def test_csv_is_the_same_in_pages_that_link_to_each_other(client, sessions):
    rows, url = [], f"{PLANS}?limit=4"
    while url:
        answer = await client.get(url, headers={"Accept": "text/csv"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows += csv.DictReader(io.StringIO(answer.text))
        url = answer.links["next"]["url"] if "next" in answer.links else None
    told = (await client.get(PLANS)).json()["sessions"]
    assert [row["unit"] for row in rows] == [str(each["unit"]) for each in told]
    assert rows[0]["starts_at"] == told[0]["starts_at"]
    assert {row["cancelled"] for row in rows} == {"false"}


@pytest.fixture
async def sittings(kernel):
    """Adds results: (site, subject, day, outcome, how many)."""

    async def add(*told):
        rows = [
            (f"{site}-{subject}-{day}-{outcome}-{n}", site, subject, day, outcome)
            for site, subject, day, outcome, count in told
            for n in range(count)
        ]
        about = {
            "register": "exam_result",
            "source": "s",
            "file": "f",
            "sha256": "0",
            "rows": 1,
            "bad_rows": 0,
        }
        async with kernel.engine.begin() as connection:
            made = await connection.execute(
                insert(register_import).values(about).returning(register_import.c.id)
            )
            import_id = made.scalar_one()
            await connection.execute(
                insert(exam_result),
                [
                    {
                        "number": number,
                        "identity_number": "11010519491231002X",
                        "authority": "cn-hz",
                        "site": site,
                        "subject": subject,
                        "vehicle_class": "C1",
                        "day": day,
                        "outcome": outcome,
                        "import_id": import_id,
                    }
                    for number, site, subject, day, outcome in rows
                ],
            )

    return add


async def test_results_are_monthly_and_small_counts_are_not_told(client, sittings):
    october, november = date(2025, 10, 5), date(2025, 11, 5)
    await sittings(
        ("a", 2, october, "passed", 15),
        ("a", 2, october, "failed", 5),
        ("a", 2, october, "no_show", 4),
        ("a", 2, november, "passed", 9),
        ("a", 2, november, "failed", 4),
        ("b", 3, november, "no_show", 6),
    )
    asked = {"from": "2025-10-20", "until": "2025-11-02"}  # widened to whole months
    told = (await client.get(RESULTS, params=asked)).json()["results"]
    figures = [
        (each["month"], each["site"], each["sat"], each["passed"], each["pass_rate"], each["no_shows"])
        for each in told
    ]
    assert figures == [
        ("2025-10", "a", 20, 15, 0.75, None),
        ("2025-11", "a", None, None, None, None),
        ("2025-11", "b", None, None, None, 6),
    ]
    first = (await client.get(RESULTS, params=asked | {"limit": 1})).json()
    second = (await client.get(RESULTS, params=asked | {"limit": 1, "cursor": first["next"]})).json()
    assert first["results"] + second["results"] == told[:2]
    assert "11010519491231002X" not in (await client.get(RESULTS, params=asked)).text


async def test_the_month_that_is_not_over_is_not_told(client, sittings):
    """Asked for every day, a growing count would tell how each day's few ended."""
    await sittings(("a", 2, clock.today(), "passed", 50), ("a", 2, clock.today(), "failed", 50))
    assert (await client.get(RESULTS)).json()["results"] == []
    assert (await client.get(RESULTS, params={"from": str(clock.today())})).json()["results"] == []


async def test_a_span_that_is_too_long_or_the_wrong_way_round_is_refused(client):
    for asked, field in [
        ({"from": "2020-01-01", "until": "2026-01-01"}, "from"),
        ({"from": "2026-03-01", "until": "2026-01-01"}, "until"),
    ]:
        answer = await client.get(RESULTS, params=asked)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert (await client.get(RESULTS, params={"until": "2024-02-29"})).status_code == 200


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
async def test_the_page_shows_sessions_results_and_a_plot(client, sessions, sittings, lang):
    last_month = (clock.today().replace(day=1) - timedelta(days=1)).replace(day=1)
    await sittings(("a", 2, last_month, "passed", 15), ("a", 2, last_month, "failed", 5))
    answer = await client.get(f"/disclosure?lang={lang}&authority=cn-hz")
    assert answer.status_code == 200
    words = words_in(lang, ("services.disclosure",))
    for told in (
        words.text("Open data on tests"),
        "75.0 %",
        '<rect class="block series-5"',
        str(TOMORROW),
        "x-site",
    ):
        assert told in answer.text
    assert answer.text.count("<td>x-site</td>") == 3
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/') == 1
    assert (await client.get("/disclosure/disclosure.css")).headers["content-type"].startswith("text/css")


async def test_the_page_stands_without_anything_to_show_and_takes_no_markup(client):
    answer = await client.get("/disclosure", params={"authority": "<b>", "cursor": "<i>"})
    assert answer.status_code == 200
    assert "<b>" not in answer.text
    assert words_in("zh-CN", ("services.disclosure",)).text("There is nothing to show.") in answer.text
