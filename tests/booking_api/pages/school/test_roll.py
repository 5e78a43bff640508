"""Learners on a school's pages: asked, consenting, let go; and nobody else's."""

from tests.booking_api.pages.school.conftest import SCHOOL
from tests.booking_api.pages.visitors import Shown, account_row, signed_in

NOBODY = "440524188001010014"
MINE = "/account/consents"


async def ask(agent, number: str, name: str):
    await agent.get(f"{SCHOOL}/learners/ask")
    return await agent.post(f"{SCHOOL}/learners/ask", learner=number, name=name)


async def test_a_learner_is_asked_accepts_on_their_own_terms_and_is_listed(agent, town, client, database_url):
    [one] = await town.enrol(1, school=None)
    done = await ask(agent, one.number, "张伟")
    assert done.headers["location"] == f"{SCHOOL}/learners?standing=asked&told=consent_asked"
    listed = await agent.page(f"{SCHOOL}/learners?standing=asked")
    assert "张*" in listed.text
    assert one.number not in listed.text
    learner = await signed_in(client, database_url, one.account)
    asked = await learner.page(MINE)
    [link] = [a["href"] for a in asked.all("a") if "/requests/" in (a["href"] or "")]
    form = await learner.page(link)
    assert "May s-101 book for you?" in form.text
    early = Shown(await learner.post(f"{link}/accept", subjects=["1"], until="2020-01-01"))
    assert early.status == 422
    assert "Give a day from" in early.text
    none = Shown(await learner.post(f"{link}/accept", until="2027-01-01"))
    assert none.status == 422
    assert len(await town.ask("SELECT 1 FROM consent")) == 0
    given = await learner.post(f"{link}/accept", subjects=["1", "2"], until="2027-06-01")
    assert given.headers["location"] == f"{MINE}?told=consent_given"
    [row] = await town.ask("SELECT subjects FROM consent WHERE withdrawn_at IS NULL")
    assert list(row.subjects) == [1, 2]
    assert "subject 1, 2" in (await agent.page(f"{SCHOOL}/learners")).text
    assert "Nobody is being asked" in (await agent.page(f"{SCHOOL}/learners?standing=asked")).text


async def test_who_declines_looks_to_the_school_like_nobody(agent, town, client, database_url):
    [one] = await town.enrol(1, school=None)
    await ask(agent, one.number, "张伟")
    await ask(agent, NOBODY, "王芳")
    learner = await signed_in(client, database_url, one.account)
    [link] = [a["href"] for a in (await learner.page(MINE)).all("a") if "/requests/" in (a["href"] or "")]
    await learner.get(link)
    assert (await learner.post(f"{link}/decline")).headers["location"] == f"{MINE}?told=consent_declined"
    assert (await learner.get(link)).status_code == 404
    listed = await agent.page(f"{SCHOOL}/learners?standing=asked")
    assert listed.text.count("Take back") == 2
    # Asked again nothing is asked.
    await ask(agent, one.number, "张伟")
    assert "Schools that ask" not in (await learner.page(MINE)).text


async def test_a_list_is_asked_line_by_line_and_wrong_lines_say_why(agent, town):
    people = await town.enrol(2, school=None)
    lines = [
        "姓名\t身份证号",
        f"张伟\t{people[0].number}",
        f"张伟\t{people[1].number[:-1]}x",
        "李四\t",
        "\t1",
    ]
    await agent.get(f"{SCHOOL}/learners/ask")
    told = Shown(await agent.post(f"{SCHOOL}/learners/ask/list", list="\n".join(lines)))
    assert told.status == 200
    assert "1 learner was asked" in told.text
    assert "3 lines were left out" in told.text
    assert "Give an identity number and a name." in told.text
    assert len(await town.ask("SELECT 1 FROM consent_request")) == 1


async def test_a_wrong_number_shows_the_form_again_and_asks_nobody(agent, town):
    for number, name, why in (
        ("", "张伟", "Fill this in."),
        (NOBODY, "", "Fill this in."),
        ("440524188001010015", "张伟", "The last character does not fit"),
    ):
        shown = Shown(await ask(agent, number, name))
        assert shown.status == 422
        assert why in shown.text
        assert shown.all("input", id="f-name")[0]["value"] == name
    assert await town.ask("SELECT 1 FROM consent_request") == []


async def test_a_learner_ends_a_consent_and_the_school_sees_that_it_has_ended(
    agent, town, client, database_url
):
    [one] = await town.enrol(1)
    learner = await signed_in(client, database_url, one.account)
    [link] = [a["href"] for a in (await learner.page(MINE)).all("a") if a["href"].endswith("/end")]
    assert "sees no results of yours" in (await learner.page(link)).text
    assert (await learner.post(link)).headers["location"] == f"{MINE}?told=consent_ended"
    assert (await learner.get(link)).status_code == 404
    assert "Let go" not in (await agent.page(f"{SCHOOL}/learners")).text
    assert "张*" in (await agent.page(f"{SCHOOL}/learners?standing=ended")).text


async def test_a_school_lets_a_learner_go_and_takes_a_request_back(agent, town):
    [one] = await town.enrol(1)
    [consent] = await town.ask("SELECT id FROM consent")
    end = f"{SCHOOL}/learners/given/{consent.id}/end"
    assert "books nothing more for them" in (await agent.page(end)).text
    assert (await agent.post(end)).status_code == 303
    assert (await agent.post(end)).status_code == 404
    [left] = await town.ask("SELECT withdrawn_at FROM consent WHERE account = :a", a=one.account)
    assert left.withdrawn_at is not None
    await ask(agent, NOBODY, "王芳")
    [request] = await town.ask("SELECT id FROM consent_request")
    back = f"{SCHOOL}/learners/asked/{request.id}/end"
    await agent.get(back)
    assert (await agent.post(back)).status_code == 303
    assert await town.ask("SELECT 1 FROM consent_request") == []


async def test_a_search_finds_whole_names_and_numbers_and_tells_no_more_than_the_list(agent, town):
    [one, *_] = await town.enrol(3)
    await town.ask("UPDATE account SET name = '王小明' WHERE id = :a", a=one.account)
    await agent.get(f"{SCHOOL}/learners")

    async def found(word: str) -> int:
        return (await agent.post(f"{SCHOOL}/learners", word=word)).text.count("consent given</span>")

    assert await found("王小明") == 1
    assert await found(one.number.lower()) == 1
    assert await found("王") == 1
    assert await found("张") == 2
    assert await found("王小") == 0
    assert await found(one.number[:10]) == 0


async def test_learners_come_page_by_page(agent, town):
    await town.enrol(60)
    first = await agent.page(f"{SCHOOL}/learners")
    assert len(first.all("input", type="checkbox")) == 50
    [following] = [a["href"] for a in first.all("a", rel="next")]
    assert len((await agent.page(following)).all("input", type="checkbox")) == 10


async def test_another_schools_learners_are_as_if_they_were_not_there(agent, town, browser_of):
    await town.enrol(1, school="s-202")
    [consent] = await town.ask("SELECT id FROM consent")
    for told in (str(consent.id), "x", "9" * 40):
        path = f"{SCHOOL}/learners/given/{told}/end"
        assert (await agent.get(path)).status_code == 404
        assert (await agent.post(path)).status_code == 404
    assert (await agent.get("/school/s-202/learners")).status_code == 403
    [left] = await town.ask("SELECT withdrawn_at FROM consent")
    assert left.withdrawn_at is None


async def test_a_learner_lets_a_school_book_that_has_not_asked_and_nobody_else_ends_it(
    agent, town, client, database_url
):
    [one] = await town.enrol(1, school=None)
    learner = await signed_in(client, database_url, one.account)
    await learner.get(f"{MINE}/new")
    wrong = Shown(await learner.post(f"{MINE}/new", school="nowhere", subjects=["1"], until="2027-01-01"))
    assert wrong.status == 422
    assert (
        await learner.post(f"{MINE}/new", school="s-101", subjects=["1"], until="2027-01-01")
    ).status_code == 303
    [consent] = await town.ask("SELECT id FROM consent")
    await agent.get(MINE)
    for asker in (agent,):
        assert (await asker.get(f"{MINE}/{consent.id}/end")).status_code == 404
        await asker.get("/sign-in")
        assert (await asker.post(f"{MINE}/{consent.id}/end")).status_code == 404


async def test_who_is_not_verified_sees_the_page_and_may_give_no_consent(client, town, database_url):
    await account_row(database_url, "new", verified=False)
    learner = await signed_in(client, database_url, "new")
    assert "No school may book for you" in (await learner.page(MINE)).text
    assert (await learner.get(f"{MINE}/new")).status_code == 403
