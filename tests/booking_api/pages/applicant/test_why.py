"""Why not: each rule in words, the person's own facts, the first possible day, and where to go when waiting does not help."""

from tests.booking_api.pages.visitors import Shown, Visiting
from tests.planning import in_days


async def test_a_hold_that_rules_forbid_is_answered_with_the_rules_the_facts_and_the_first_day(
    enter, holds, city
):
    browser = await enter("applicant-6")
    _, refused = await holds(browser, city.second[0], rule="subject-2")
    shown = Shown(refused)
    assert shown.status == 403
    assert "Why this session is not for you now" in shown.text
    assert "10 days must pass" in shown.text
    assert "not passed" in shown.text
    [link] = [each["href"] for each in shown.all("a") if f"from={in_days(5)}" in each.get("href", "")]
    assert f"pool={city.pools['subject-2']}" in link
    assert (await browser.page(link)).status == 200
    assert "You hold no place" in (await browser.page("/hold")).text


async def test_the_same_can_be_asked_before_and_in_chinese(enter, city):
    browser = await enter("applicant-6")
    assert "First day on which it is possible" in (await browser.page(f"/why?unit={city.second[0]}")).text
    chinese = await browser.page(f"/why?unit={city.second[0]}&lang=zh-CN")
    assert "须间隔 10 天" in chinese.text
    assert f"{in_days(5).year}年{in_days(5).month}月{in_days(5).day}日" in chinese.text


async def test_where_waiting_does_not_help_a_counter_is_named(enter, city):
    shown = await (await enter("applicant-5")).page(f"/why?unit={city.second[0]}")
    assert "your learner certificate is for C2, this session for C1" in shown.text
    assert "go to a service counter of cn-zj-hz" in shown.text
    assert not [each for each in shown.all("a") if "from=" in each.get("href", "")]


async def test_each_vehicle_is_told_apart(enter, city):
    shown = await (await enter("applicant-6")).page(f"/why?unit={city.inspections[0]}")
    assert "1 violations of this vehicle are open" in shown.text
    assert "Learner certificate" not in shown.text
    none = await (await enter("applicant-11")).page(f"/why?unit={city.inspections[0]}")
    assert none.status == 200


async def test_where_nothing_stands_against_it_the_session_is_offered(enter, city):
    shown = await (await enter("applicant-2")).page(f"/why?unit={city.second[2]}")
    assert "Nothing stands against this session" in shown.text
    assert [link for link in shown.all("a") if link.get("href", "").endswith(f"unit={city.second[2]}#wanted")]


async def test_strangers_sign_in_first_and_a_session_there_is_not_is_not_found(client, enter, city):
    sent = await Visiting(client).get(f"/why?unit={city.second[0]}")
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        f"/sign-in?next=%2Fwhy%3Funit%3D{city.second[0]}",
    )
    browser = await enter("applicant-2")
    for unit in ("", "x", "999999"):
        assert (await browser.page(f"/why?unit={unit}")).status == 404
