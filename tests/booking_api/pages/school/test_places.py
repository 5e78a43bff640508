"""A school's places on its pages: its share, who has them, substitutions, what became of tests."""

from datetime import timedelta

from booking_api import clock
from tests.booking_api.pages.school.conftest import SCHOOL
from tests.booking_api.pages.visitors import Shown


async def book(town, learner, unit):
    """Books a place through the school; gives the booking."""
    batch = await town.send([(learner.account, [unit])], key=learner.account)
    while (await town.told(batch.id))[0].ended_at is None:
        await town.carry()
    return (await town.told(batch.id))[1][0].booking


async def test_one_school_goes_straight_to_its_pages_and_several_are_a_choice(agent, town, browser_of):
    assert (await agent.get("/school")).headers["location"] == SCHOOL
    both = await browser_of("both", "school:s-101", "school:s-202")
    shown = await both.page("/school")
    assert [a["href"] for a in shown.all("a", class_="card")] == [SCHOOL, "/school/s-202"]
    nobody = await browser_of("nobody")
    assert (await nobody.get("/school")).status_code == 403


async def test_the_overview_counts_what_is_there(agent, town):
    [unit], [one, _] = await town.publish(10, days=5), await town.enrol(2)
    await book(town, one, unit)
    shown = await agent.page(SCHOOL)
    assert "1 of 5 used" in shown.text
    assert "One school may have 50% of each session" in shown.text
    assert len(shown.all("rect", class_="block series-1")) == 1
    assert "张*" in shown.text
    chinese = await agent.page(f"{SCHOOL}?lang=zh-CN")
    assert "已用 1 / 5" in chinese.text


async def test_sessions_show_the_schools_share_and_only_those_that_it_may_book(agent, town):
    [unit], [one] = await town.publish(10), await town.enrol(1)
    await town.publish(10, subject=2)
    await book(town, one, unit)
    shown = await agent.page(f"{SCHOOL}/sessions?subject=1")
    assert "1 of 5 used" in shown.text
    assert "9/10" in shown.text
    assert [a["href"] for a in shown.all("a", class_="button")] == [f"{SCHOOL}/batches/new?session={unit}"]


async def test_where_the_authority_lets_no_school_book_it_is_said(agent, town):
    await town.publish(10)
    await town.set_rules(batches=False)
    assert "No session is open to you" in (await agent.page(f"{SCHOOL}/sessions")).text
    shown = await agent.page(SCHOOL)
    assert "Booking for learners is off" in shown.text
    assert not shown.all("a", href=f"{SCHOOL}/batches/new")


async def test_another_learner_takes_a_place_and_both_are_on_record(agent, town):
    [unit], [one, two] = await town.publish(10), await town.enrol(2)
    booking = await book(town, one, unit)
    seats = await agent.page(f"{SCHOOL}/seats")
    path = f"{SCHOOL}/seats/{booking}/substitute"
    assert [a["href"] for a in seats.all("a", href=path)] == [path]
    form = await agent.page(path)
    assert [o["value"] for o in form.all("option")] == ["", two.account]
    wrong = Shown(await agent.post(path, learner=two.account, reason=""))
    assert wrong.status == 422
    assert await town.ask("SELECT 1 FROM substitution") == []
    done = await agent.post(path, learner=two.account, reason="fell ill")
    assert done.headers["location"] == f"{SCHOOL}/seats?told=substituted"
    [kept] = await town.ask("SELECT from_account, to_account, by FROM substitution")
    assert tuple(kept) == (one.account, two.account, "agent")
    assert "fell ill" in (await agent.page(f"{SCHOOL}/seats")).text
    assert (await agent.get(path)).status_code == 404


async def test_a_substitution_the_rules_forbid_says_why_about_the_learner(agent, town):
    [unit], [one] = await town.publish(10), await town.enrol(1)
    [other] = await town.enrol(1, certified=False)
    booking = await book(town, one, unit)
    path = f"{SCHOOL}/seats/{booking}/substitute"
    await agent.get(path)
    shown = Shown(await agent.post(path, learner=other.account, reason="fell ill"))
    assert shown.status == 403
    assert "no learner certificate is registered" in shown.text
    assert "registered for you" not in shown.text
    assert shown.all("textarea", id="f-reason")
    assert await town.seats(unit) == 1


async def test_a_place_of_another_school_or_of_the_learners_own_is_not_there(agent, town):
    [unit] = await town.publish(10)
    [other] = await town.enrol(1, school="s-202")
    batch = await town.send([(other.account, [unit])], school="s-202")
    while (await town.told(batch.id, school="s-202"))[0].ended_at is None:
        await town.carry()
    booking = (await town.told(batch.id, school="s-202"))[1][0].booking
    for told in (booking, "x", "0" * 36):
        assert (await agent.get(f"{SCHOOL}/seats/{told}/substitute")).status_code == 404
    assert "No place is booked" in (await agent.page(f"{SCHOOL}/seats")).text


async def test_results_are_seen_of_tests_the_school_booked_while_the_consent_lasts(agent, town):
    [unit], people = await town.publish(10), await town.enrol(4)
    for one in people:
        await book(town, one, unit)
    yesterday = clock.today() - timedelta(days=1)
    await town.ask(
        "UPDATE plan_session SET starts_at = starts_at - interval '31 days', ends_at = ends_at - interval '31 days'"
    )
    for one, outcome in zip(people, ("passed", "failed", "no_show"), strict=False):
        await town.ask(
            "INSERT INTO exam_result VALUES (:n, :n, 'cn-hz', 'hz-0', 1, 'C1', :d, :o, 1)",
            n=one.number,
            d=yesterday,
            o=outcome,
        )
    # Of another subject and another day: not of this test.
    await town.ask(
        "INSERT INTO exam_result VALUES ('other', :n, 'cn-hz', 'hz-0', 2, 'C1', :d, 'passed', 1)",
        n=people[3].number,
        d=yesterday,
    )
    shown = await agent.page(f"{SCHOOL}/results")
    assert "1 passed, 2 not, 1 without a result" in " ".join(shown.text.split())
    assert "did not come" in shown.text
    await town.ask("UPDATE consent SET withdrawn_at = now() WHERE account = :a", a=people[0].account)
    after = await agent.page(f"{SCHOOL}/results")
    assert "0 passed, 2 not" in " ".join(after.text.split())
    await town.ask(
        "UPDATE plan_session SET starts_at = starts_at + interval '31 days', ends_at = ends_at + interval '31 days'"
    )


async def test_a_suspended_school_is_told_so(agent, town):
    await town.ask("UPDATE organisation SET state = 'suspended' WHERE id = 's-101'")
    shown = await agent.page(SCHOOL)
    assert shown.status == 403
    assert "suspended by its authority" in shown.text
