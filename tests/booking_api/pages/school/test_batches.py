"""Batches on pages: a list is checked before anything is booked, put right in place, sent, followed, sent again."""

import csv
import io

from tests.booking_api.pages.school.conftest import SCHOOL
from tests.booking_api.pages.visitors import Shown

NOBODY = "440524188001010014"


def inputs(shown: Shown, name: str) -> list[str]:
    return [field["value"] for field in shown.all("input", name=name)]


def rows_of(shown: Shown) -> dict[str, list[str]]:
    """What a browser would send of the rows on a page."""
    return {name: inputs(shown, name) for name in ("row", "learner", "sessions")}


async def checked(agent, *lines: str, **fields) -> Shown:
    await agent.get(f"{SCHOOL}/batches/new")
    return Shown(await agent.post(f"{SCHOOL}/batches/new", list="\n".join(lines), **fields))


async def sent(agent, shown: Shown, *, act="send", mode="best_effort", **changed):
    fields = rows_of(shown) | {"key": inputs(shown, "key")[0], "act": act, "mode": mode} | changed
    return await agent.post(f"{SCHOOL}/batches", **fields)


async def test_rows_are_checked_before_anything_is_booked(agent, town):
    [unit], [one, two] = await town.publish(9), await town.enrol(2)
    [uncertified] = await town.enrol(1, certified=False)
    shown = await checked(
        agent,
        "身份证号,场次",
        f"{one.number},{unit}",
        f"{NOBODY},{unit}",
        f"{one.account},{unit}",
        f"{two.account},",
        f"{two.account},x",
        f"11010519491231002Y,{unit}",
        f"{uncertified.account},{unit}",
        f"{two.account},999",
    )
    assert shown.status == 200
    assert "7 rows of 8 need to be put right" in shown.text
    for why in (
        "No learner by this number or account lets your school book this now.",
        "The same learner as row 1.",
        "Give a session number.",
        "Session numbers are digits",
        "An identity number has 18 characters",
        "no learner certificate is registered",
        "There is no such session.",
    ):
        assert why in shown.text, why
    assert await town.ask("SELECT 1 FROM school_batch") == []


async def test_a_row_is_put_right_in_place_and_all_are_sent(agent, town, ended):
    [unit], [one, two] = await town.publish(9), await town.enrol(2)
    shown = await checked(agent, f"{one.number},", f"{one.number},{unit}", f"{two.account},abc")
    wrong = await sent(agent, shown)
    assert wrong.status_code == 422
    assert "need to be put right first" in wrong.text
    again = Shown(wrong)
    learners, sessions = inputs(again, "learner"), inputs(again, "sessions")
    # The first row is emptied, and so left out.
    learners[0] = sessions[0] = ""
    sessions[learners.index(two.account)] = str(unit)
    good = Shown(await sent(agent, again, act="check", learner=learners, sessions=sessions))
    assert "All 2 rows can be booked" in good.text
    done = await sent(agent, good)
    assert done.status_code == 303
    told = await ended(done.headers["location"])
    assert told["counts"]["booked"] == 2
    assert await town.seats(unit) == 2
    result = await agent.page(done.headers["location"])
    assert "Sent. Rows are booked" in result.text
    assert one.number not in result.text
    assert result.text.count("张*") == 2


async def test_only_the_good_rows_are_sent_where_that_is_asked_for(agent, town, ended):
    [unit], [one] = await town.publish(9), await town.enrol(1)
    shown = await checked(agent, f"{one.account},{unit}", f"{NOBODY},{unit}")
    done = await sent(agent, shown, act="send_good")
    told = await ended(done.headers["location"])
    assert told["counts"]["booked"] == 1
    assert sum(told["counts"].values()) == 1


async def test_a_form_sent_twice_is_one_batch_and_one_that_was_changed_in_between_is_refused(agent, town):
    [unit], [one, two] = await town.publish(9), await town.enrol(2)
    shown = await checked(agent, f"{one.account},{unit}")
    first, second = await sent(agent, shown), await sent(agent, shown)
    assert first.headers["location"] == second.headers["location"]
    other = await sent(agent, shown, learner=[two.account])
    assert other.status_code == 422
    assert "These rows were changed after they were sent." in other.text
    assert len(await town.ask("SELECT 1 FROM school_batch")) == 1


async def test_all_or_nothing_books_every_row_or_none(agent, town, ended):
    [narrow, wide], people = await town.publish(2, 9), await town.enrol(3)
    both = await checked(agent, *(f"{one.account},{narrow}" for one in people[:2]))
    lost = await sent(agent, both, mode="all_or_nothing")
    # The school's share of two places is one.
    assert (await ended(lost.headers["location"]))["state"] == "refused"
    assert await town.seats(narrow) == 0
    shown = await agent.page(lost.headers["location"])
    assert "Nothing was booked" in shown.text
    again = rows_of(shown) | {"sessions": [str(wide), str(wide)]}
    key = inputs(shown, "key")[0]
    new = await agent.post(f"{SCHOOL}/batches", key=key, mode="all_or_nothing", act="send", **again)
    assert (await ended(new.headers["location"]))["state"] == "done"
    assert await town.seats(wide) == 2


async def test_refused_rows_say_why_and_go_again_as_a_new_batch_with_one_button(agent, town, ended):
    [narrow, wide], [one, two] = await town.publish(2, 9), await town.enrol(2)
    shown = await checked(agent, f"{one.account},{narrow}", f"{two.account},{narrow}")
    done = await sent(agent, shown)
    assert (await ended(done.headers["location"]))["counts"]["refused"] == 1
    result = await agent.page(done.headers["location"])
    assert "Your school has its 1 places of this session." in result.text
    [learner] = inputs(result, "learner")
    again = await sent(agent, result, sessions=[str(wide)])
    assert again.status_code == 303
    assert (await ended(again.headers["location"]))["counts"]["booked"] == 1
    assert {learner} <= {one.account, two.account}


async def test_results_are_a_file_for_spreadsheets_without_numbers_of_people(agent, town, ended):
    [unit], [one] = await town.publish(9), await town.enrol(1)
    done = await sent(agent, await checked(agent, f"{one.number},{unit}"))
    await ended(done.headers["location"])
    told = await agent.get(f"{done.headers['location'].partition('?')[0]}/results.csv")
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    assert told.content.startswith(b"\xef\xbb\xbf")
    [_, row] = csv.reader(io.StringIO(told.content.decode("utf-8-sig")))
    assert row[:2] == ["1", "张*"]
    assert row[4] == "booked"
    assert one.number not in told.text


async def test_a_batch_is_stopped_and_says_before_what_that_means(agent, town, ended):
    [unit], people = await town.publish(200), await town.enrol(20)
    await town.set_rules(rows_per_s=0.5)
    done = await sent(agent, await checked(agent, *(f"{one.account},{unit}" for one in people)))
    address = done.headers["location"].partition("?")[0]
    assert "Rows that are booked stay booked" in (await agent.page(f"{address}/stop")).text
    stopped = await agent.post(f"{address}/stop")
    assert stopped.headers["location"] == f"{address}?told=batch_stopping"
    told = await ended(address)
    assert told["state"] == "cancelled"
    assert told["counts"]["released"] >= 18
    assert (await agent.post(f"{address}/stop")).status_code == 303


async def test_ticked_learners_and_a_session_for_all_make_a_batch_too(agent, town):
    [unit], people = await town.publish(9), await town.enrol(3)
    await agent.get(f"{SCHOOL}/learners")
    shown = Shown(
        await agent.post(f"{SCHOOL}/batches/new", learner=[one.account for one in people], session=str(unit))
    )
    assert "All 3 rows can be booked" in shown.text
    assert inputs(shown, "sessions") == [str(unit)] * 3


async def test_five_hundred_rows_are_checked_and_sent_and_one_more_is_too_many(agent, town):
    [unit], people = await town.publish(10_000), await town.enrol(500)
    lines = [f"{one.number},{unit}" for one in people]
    shown = await checked(agent, *lines)
    assert "All 500 rows can be booked" in shown.text
    done = await sent(agent, shown)
    assert done.status_code == 303
    page = await agent.page(done.headers["location"])
    assert len(page.all("tr", data_state="waiting")) + len(page.all("tr", data_state="booked")) >= 1
    await agent.post(f"{done.headers['location'].partition('?')[0]}/stop")
    many = await checked(agent, *lines, f"{NOBODY},{unit}")
    assert many.status == 422
    assert "The list has 501 lines; at most 500" in many.text


async def test_a_file_in_gb18030_is_read_and_what_is_no_list_shows_the_form_again(agent, town):
    [unit], [one] = await town.publish(9), await town.enrol(1)
    await agent.get(f"{SCHOOL}/batches/new")
    file = f"学员;场次\r\n{one.account};{unit}\r\n".encode("gb18030")
    read = await agent.post(f"{SCHOOL}/batches/new", files={"file": ("名单.csv", file, "text/csv")})
    assert "1 row can be booked" in read.text
    await agent.get(f"{SCHOOL}/batches/new")
    book = {"file": ("list.xlsx", b"PK\x03\x04\x00\xff", "application/octet-stream")}
    refused = Shown(await agent.post(f"{SCHOOL}/batches/new", files=book))
    assert refused.status == 422
    assert "This file is no text" in refused.text
    assert refused.all("div", id="summary", role="alert")


async def test_a_long_form_is_taken_here_and_a_longer_one_is_not(agent, town):
    await agent.get(f"{SCHOOL}/batches/new")
    long = await agent.post(f"{SCHOOL}/batches/new", list="x" * 300_000)
    assert long.status_code != 413
    longer = await agent.post(f"{SCHOOL}/batches/new", list="x" * 600_000)
    assert longer.status_code == 413
    elsewhere = await agent.post(f"{SCHOOL}/learners", word="x" * 300_000)
    assert elsewhere.status_code == 413


async def test_an_unknown_batch_is_a_page_and_another_schools_too(agent, town):
    [unit] = await town.publish(9)
    [other] = await town.enrol(1, school="s-202")
    batch = await town.send([(other.account, [unit])], school="s-202", key="theirs")
    for told in ("x", "999", str(batch.id), "9" * 40):
        for path in ("", "/progress", "/results.csv", "/stop"):
            assert (await agent.get(f"{SCHOOL}/batches/{told}{path}")).status_code == 404
    theirs = await agent.get(f"/school/s-202/batches/{batch.id}")
    assert theirs.status_code == 403
    assert "not_your_organisation" in theirs.text
