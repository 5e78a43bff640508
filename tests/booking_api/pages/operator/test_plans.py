"""A plan from the empty form to its last session cancelled, as an operator without scripts sees it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.plans.draft import NewPlan, draft_plan
from reservation import rebuild
from tests.booking_api.pages.operator.conftest import HZ
from tests.booking_api.pages.visitors import Shown

HEADER = "site,title,title_en,day,start,end,subject,vehicle_class,capacity,priority_capacity"


@pytest.fixture
async def draft(operator) -> str:
    """A draft's address."""
    told = await operator.post(
        f"{HZ}/plans/new", service="driving_test", title="十二月", title_en="December", source="No. 1"
    )
    return told.headers["location"].partition("?")[0]


def lines(day, *, sites: int = 2) -> str:
    return "\n".join(
        [HEADER, *(f"hz-{n},考场 {n},Site {n},{day},08:30,11:30,2,C1,20,2" for n in range(sites))]
    )


def hidden(shown: Shown, name: str) -> str:
    [field] = shown.all("input", type="hidden", name=name)
    return field["value"]


async def stored(sql, draft: str) -> list[int]:
    plan = int(draft.rpartition("/")[2])
    return [
        row.capacity
        for row in await sql("SELECT capacity FROM plan_session WHERE plan_id = :plan", plan=plan)
    ]


@pytest.fixture
def sql(kernel):
    async def run(statement: str, **values):
        async with kernel.engine.connect() as connection:
            return (await connection.execute(text(statement), values)).all()

    return run


async def test_a_file_is_shown_as_a_calendar_and_stored_only_when_it_is_added(operator, draft, soon, sql):
    shown = Shown(await operator.post(f"{draft}/import", rows=lines(soon)))
    assert shown.status == 200
    assert "Add 4 sessions to the draft" in shown.text
    assert "44" in shown.text
    assert await stored(sql, draft) == []
    text = hidden(shown, "rows")
    for told in ("sessions_added", "sessions_there"):
        answer = await operator.post(f"{draft}/sessions", rows=text)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{draft}?told={told}")
    assert sorted(await stored(sql, draft)) == [2, 2, 20, 20]


async def test_a_file_saved_by_a_spreadsheet_in_china_is_read(operator, draft, soon):
    for encoding in ("utf-8-sig", "gb18030"):
        answer = await operator.post(
            f"{draft}/import", files={"file": ("plan.csv", lines(soon).encode(encoding), "text/csv")}
        )
        assert "hz-0,考场 0,Site 0" in answer.text, encoding


async def test_every_wrong_row_is_told_with_its_column_and_what_would_be_right(operator, draft, soon, sql):
    wrong = [
        f"hz-1,考场,,{soon},11:30,08:30,2,C1,20,",
        "hz-1,考场,,soon,08:30,11:30,2,C1,20,",
        f"hz-1,考场,,{soon},08:30,11:30,2,Z9,20,",
        f"hz-1,考场,,{soon},08:30,11:30,,,20,",
        f"hz-1,考场,,{soon},08:30,11:30,2,C1,many,",
        f"hz-1,考场,,{soon},08:30",
    ]
    text = "\n".join([lines(soon), lines(soon).split("\n")[1], *wrong])
    shown = Shown(await operator.post(f"{draft}/import", rows=text))
    assert shown.status == 422
    for said in (
        "7 rows cannot be used",
        "2 other rows are right",
        "Line 4",
        "The same session as line 2.",
        "end is after start.",
        "vehicle_class",
        "C1",
        "A driving test has a subject and a vehicle_class.",
        "2026-12-08",
        "5 values, and the first line names 10.",
    ):
        assert said in shown.text, said
    assert await stored(sql, draft) == []


async def test_what_is_no_plan_at_all_shows_the_form_again(operator, draft):
    for pasted, said in (
        ("", "The first line must name the columns"),
        ("place,day\nx,y", "names the column place, which is none"),
        (HEADER, "There is no row below the first line."),
        ("day,day", "names a column twice"),
    ):
        shown = Shown(await operator.post(f"{draft}/import", rows=pasted))
        assert (shown.status, said in shown.text) == (422, True), pasted
        [field] = shown.all("textarea", name="rows")
        assert field["aria-invalid"] == "true"


PATTERN = {
    "site": "hz-xihu",
    "title": "西湖考场",
    "subject": "2",
    "vehicle_class": "C1",
    "weekdays": ["1", "3"],
    "slot-1-start": "08:30",
    "slot-1-end": "11:30",
    "slot-1-capacity": "20",
}


async def test_a_weekly_pattern_leaves_days_off_out(operator, draft, soon):
    monday = soon + timedelta(days=7 - soon.weekday())
    await operator.post(f"{HZ}/days-off", day=str(monday), name="元旦")
    pattern = PATTERN | {"first_day": str(monday), "last_day": str(monday + timedelta(days=13))}
    shown = Shown(await operator.post(f"{draft}/schedule", **pattern))
    assert shown.status == 200
    assert "Add 3 sessions to the draft" in shown.text
    assert str(monday) not in hidden(shown, "rows")


WRONG_PATTERNS = [
    ({"last_day": "2026-01-01"}, "last_day"),
    ({"last_day": "2199-01-01"}, "last_day"),
    ({"weekdays": []}, "weekdays"),
    ({"slot-1-end": "08:00"}, "slot-1-end"),
    ({"slot-1-capacity": "0"}, "slot-1-capacity"),
    ({"slot-1-start": "", "slot-1-end": "", "slot-1-capacity": ""}, "slot-1-start"),
    ({"slot-2-start": "13:00"}, "slot-2-end"),
    ({"vehicle_class": "Z9"}, "vehicle_class"),
    ({"subject": ""}, "subject"),
    ({"except_days": "soon"}, "except_days"),
]


async def test_a_pattern_that_cannot_be_says_which_field_and_keeps_what_was_typed(operator, draft, soon):
    right = PATTERN | {"first_day": str(soon), "last_day": str(soon + timedelta(days=13))}
    for changed, field in WRONG_PATTERNS:
        shown = Shown(await operator.post(f"{draft}/schedule", **(right | changed)))
        assert shown.status == 422, changed
        assert shown.all("a", href=f"#f-{field}"), changed
        [kept] = shown.all("input", name="title")
        assert kept["value"] == "西湖考场"


async def test_publishing_says_what_it_means_and_then_sets_the_moments(operator, draft, soon, sql, kernel):
    await operator.post(f"{draft}/sessions", rows=lines(soon))
    shown = await operator.page(f"{draft}/publish")
    assert "It is for good" in shown.text
    opens, closes = f"{soon - timedelta(days=5)}T09:00", f"{soon - timedelta(days=1)}T18:00"
    refused = Shown(await operator.post(f"{draft}/publish", opens_at=closes, closes_at=opens))
    assert (refused.status, bool(refused.all("a", href="#f-closes_at"))) == (422, True)
    answer = await operator.post(f"{draft}/publish", opens_at=opens, closes_at=closes)
    assert answer.headers["location"] == f"{draft}?told=plan_published"
    [plan] = await sql("SELECT state, opens_at, closes_at FROM plan")
    assert plan.state == "published"
    assert plan.opens_at.astimezone(clock.SHANGHAI).strftime("%Y-%m-%dT%H:%M") == opens
    assert (await operator.get(f"{draft}/publish")).status_code == 409
    # The application is building the pool's view beside us: whoever comes second is told None.
    for pool in await sql("SELECT id FROM pool"):
        while await rebuild(kernel, pool_id=pool.id) is None:
            await asyncio.sleep(0.01)


async def test_a_plan_whose_first_session_is_too_near_stays_a_draft_with_its_moments_as_they_were(
    operator, draft, sql
):
    await operator.post(f"{draft}/sessions", rows=lines(clock.today() + timedelta(days=2)))
    shown = Shown(await operator.post(f"{draft}/publish", opens_at="2026-12-01T09:00"))
    assert shown.status == 409
    assert "Possible from" in shown.text
    [plan] = await sql("SELECT state, opens_at FROM plan")
    assert (plan.state, plan.opens_at) == ("draft", None)


async def test_a_plan_is_closed_and_a_draft_is_deleted_only_after_a_page_that_says_so(
    operator, draft, published, sql
):
    plan = await published()
    for address, act, state in ((f"{HZ}/plans/{plan}", "close", "closed"), (draft, "delete", None)):
        before = await sql("SELECT state FROM plan WHERE id = :id", id=int(address.rpartition("/")[2]))
        page = await operator.page(f"{address}/{act}")
        assert page.all("form", action=f"{address}/{act}", method="post")
        assert (
            await sql("SELECT state FROM plan WHERE id = :id", id=int(address.rpartition("/")[2])) == before
        )
        assert (await operator.post(f"{address}/{act}")).status_code == 303
        after = await sql("SELECT state FROM plan WHERE id = :id", id=int(address.rpartition("/")[2]))
        assert [row.state for row in after] == ([state] if state else [])


async def test_an_operator_works_on_the_plans_of_their_own_authority_only(browser_of, published):
    plan = await published(authority="cn-zj-nb")
    mine, theirs = await browser_of("op", "operator:cn-zj-hz"), await browser_of("np", "operator:cn-zj-nb")
    for path in ("", "/publish", "/close", "/import"):
        assert (await mine.get(f"{HZ}/plans/{plan}{path}")).status_code == 404
        refused = await mine.get(f"/operator/cn-zj-nb/plans/{plan}{path}")
        assert (refused.status_code, "not_your_authority" in refused.text) == (403, True)
    assert (await mine.post(f"{HZ}/plans/{plan}/close")).status_code == 404
    for lang in ("en", "zh-CN"):
        shown = await theirs.page(f"/operator/cn-zj-nb/plans/{plan}?lang={lang}")
        assert (shown.status, bool(shown.all("html", lang=lang))) == (200, True)


async def test_an_operator_of_the_province_chooses_among_its_authorities(browser_of):
    province = await browser_of("prov", "operator:cn-zj")
    shown = await province.page("/operator")
    assert {a["href"] for a in shown.all("a", class_="card")} == {
        f"/operator/{name}" for name in ("cn-zj", "cn-zj-hz", "cn-zj-nb")
    }
    assert (await province.get(f"{HZ}/plans")).status_code == 200
    one = await browser_of("city", "operator:cn-zj-nb")
    assert (await one.get("/operator")).headers["location"] == "/operator/cn-zj-nb"


async def test_many_plans_are_read_page_by_page(operator, kernel):
    async with kernel.engine.begin() as connection:
        for n in range(31):
            new = NewPlan(authority="cn-zj-hz", service="inspection", title={"en": f"Plan {n}"}, source="x")
            await draft_plan(connection, new, by="op")
    first = await operator.page(f"{HZ}/plans")
    assert "Plan 0" not in first.text.split()
    [following] = first.all("a", rel="next")
    assert "Plan 0" in (await operator.page(following["href"])).text
