"""Figures of an authority: what is typed, what would change, what is set, and its history; days off."""

from datetime import timedelta

from booking_api import clock
from booking_api.plans.authorities import read_lineage, read_settings, set_settings
from tests.booking_api.pages.operator.conftest import HZ
from tests.booking_api.pages.visitors import Shown

RULES = f"{HZ}/rules/driving_test"


async def in_force(kernel, authority: str = "cn-zj-hz"):
    async with kernel.engine.connect() as connection:
        lineage = (await read_lineage(connection)).up(authority)
        return await read_settings(connection, lineage=lineage, service="driving_test")


async def test_figures_are_set_only_after_a_page_that_says_what_changes(operator, kernel):
    fields = {
        "plans.hold_ttl_s": "120",
        "eligibility.fees_fen.2": "130.50",
        "eligibility.certificate_wait_days.2.C1": "12",
        "schools.session_share": "12.5",
        "schools.batches": "yes",
        "reason": "The council's decision.",
    }
    shown = Shown(await operator.post(RULES, **fields))
    assert shown.status == 200
    for said in (
        "Life of a hold",
        "300 seconds",
        "120 seconds",
        "Fee of a sitting · Subject 2",
        "130.50 yuan",
    ):
        assert said in shown.text, said
    assert (await in_force(kernel)).plans.hold_ttl_s == 300
    told = await operator.post(RULES, step="set", **fields)
    assert told.headers["location"] == f"{RULES}?told=rules_set"
    now = await in_force(kernel)
    assert (now.plans.hold_ttl_s, now.eligibility.fees_fen, now.schools.batches) == (120, {2: 13_050}, True)
    assert now.schools.session_share == 0.125
    assert now.eligibility.certificate_wait_days[2]["C1"] == 12
    assert now.eligibility.certificate_wait_days[2]["C2"] == 10
    history = (await operator.page(RULES)).text
    assert "The council's decision." in history
    assert "Life of a hold: not set → 120" in " ".join(history.split())


async def test_an_empty_field_is_the_authoritys_above(operator, kernel):
    async with kernel.engine.begin() as connection:
        await set_settings(
            connection,
            lineage=["cn-zj"],
            service="driving_test",
            settings={"leaving": {"limit": 7}},
            reason="province",
            by="prov",
        )
    page = await operator.page(RULES)
    [field] = page.all("input", name="leaving.limit")
    assert (field["value"], field["placeholder"]) == ("", "7")
    assert "Set by Zhejiang" in page.text
    for limit, expected in (("2", 2), ("", 7)):
        await operator.post(RULES, step="set", reason="A reason.", **{"leaving.limit": limit})
        assert (await in_force(kernel)).leaving.limit == expected


async def test_what_the_form_has_no_field_for_stays(operator, kernel):
    async with kernel.engine.begin() as connection:
        await set_settings(
            connection,
            lineage=["cn-zj-hz"],
            service="driving_test",
            settings={"eligibility": {"passed_before": {"4": [1, 2]}}},
            reason="own",
            by="op",
        )
    await operator.post(RULES, step="set", reason="A reason.", **{"leaving.limit": "2"})
    now = await in_force(kernel)
    assert (list(now.eligibility.passed_before[4]), now.leaving.limit) == ([1, 2], 2)


async def test_every_figure_that_cannot_be_is_told_in_words_and_nothing_is_set(operator, kernel):
    wrong = {
        "plans.hold_ttl_s": "5",
        "plans.publish_ahead_days": "ten",
        "leaving.limit": "2.5",
        "schools.session_share": "120",
        "eligibility.fees_fen.1": "1e999",
        "plans.no_shows": "perhaps",
        "eligibility.retry_wait_days.2": "-1",
    }
    shown = Shown(await operator.post(RULES, step="set", reason="A reason.", **wrong))
    assert shown.status == 422
    for name, typed in wrong.items():
        assert shown.all("a", href=f"#f-{name}"), name
        kept = shown.all("input", name=name)
        assert not kept or kept[0]["value"] == typed
    for fields in ({"reason": "A reason."}, {"leaving.limit": "2"}, {"leaving.limit": "2", "reason": "x"}):
        refused = Shown(await operator.post(RULES, step="set", **fields))
        assert (refused.status, bool(refused.all("a", href="#f-reason"))) == (422, True), fields
    assert await in_force(kernel) == await in_force(kernel, "cn-zj-nb")


async def test_rules_of_another_authority_or_of_no_service_are_refused(browser_of, operator, kernel):
    other = await browser_of("np", "operator:cn-zj-nb")
    answer = await other.post(RULES, step="set", reason="A reason.", **{"leaving.limit": "2"})
    assert answer.status_code == 403
    assert (await operator.get(f"{HZ}/rules/plates")).status_code == 400
    assert (await in_force(kernel)).leaving.limit == 3


async def test_days_off_are_added_in_a_row_and_shown_with_who_has_set_them(operator, kernel):
    first = clock.today() + timedelta(days=20)
    answer = await operator.post(
        f"{HZ}/days-off", day=str(first), until=str(first + timedelta(days=2)), name="春节"
    )
    assert answer.headers["location"] == f"{HZ}/days-off?told=days_off_added"
    assert (await operator.page(f"{HZ}/days-off")).text.count("春节") == 3
    for fields, field in (
        ({"day": "soon", "name": "x"}, "day"),
        ({"day": str(clock.today() - timedelta(days=1)), "name": "x"}, "day"),
        ({"day": str(first), "until": str(first - timedelta(days=1)), "name": "x"}, "until"),
        ({"day": str(first), "until": str(first + timedelta(days=99)), "name": "x"}, "until"),
        ({"day": str(first)}, "name"),
    ):
        shown = Shown(await operator.post(f"{HZ}/days-off", **fields))
        assert (shown.status, bool(shown.all("a", href=f"#f-{field}"))) == (422, True), fields
    assert (await operator.page(f"{HZ}/days-off")).text.count("春节") == 3
