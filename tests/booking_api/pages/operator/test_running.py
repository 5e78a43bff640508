"""A day and its sessions, and cancelling one with everybody told."""

import pytest
from sqlalchemy import text

from reservation import confirm, hold
from tests.booking_api.pages.operator.conftest import HZ
from tests.booking_api.pages.visitors import Shown


@pytest.fixture
async def sessions(kernel, published):
    """Two sessions of a day: three places each, two booked and one held in the first."""
    plan = await published()
    async with kernel.engine.connect() as connection:
        query = text("SELECT s.id, s.unit_id, u.pool_id FROM plan_session s JOIN unit u ON u.id = s.unit_id")
        found = (await connection.execute(query)).all()
    for name in "abc":
        held = await hold(
            kernel,
            pool_id=found[0].pool_id,
            units=[found[0].unit_id],
            claimant=f"person:{name}",
            owner=name,
        )
        if name != "c":
            await confirm(kernel, claim_id=held.id, owner=name, key=f"key-{name}")
    await kernel.committer.drain()
    return plan, found


def cells(shown: Shown, told: str) -> str:
    return " ".join(shown.text.split()).partition(told)[2]


async def test_a_day_shows_what_is_booked_held_and_free(operator, sessions, soon):
    shown = await operator.page(f"{HZ}/day?day={soon}")
    assert cells(shown, "09:00 Xihu 0").startswith(" Subject 2 · C1 3 2 1 0 0 to come")
    assert cells(shown, "10:00 Xihu 1").startswith(" Subject 2 · C1 3 0 0 3 0 to come")
    for unknown in ("service=inspection", "site=elsewhere"):
        nothing = await operator.page(f"{HZ}/day?day={soon}&{unknown}")
        assert "Nothing takes place on this day" in nothing.text


async def test_a_session_is_cancelled_with_a_reason_and_everybody_who_booked_it_is_told(
    operator, sessions, kernel
):
    _, found = sessions
    here = f"{HZ}/sessions/{found[0].id}"
    shown = await operator.page(f"{here}/cancel")
    assert "2 people have booked it." in shown.text
    refused = Shown(await operator.post(f"{here}/cancel", reason="no"))
    assert (refused.status, bool(refused.all("a", href="#f-reason"))) == (422, True)
    async with kernel.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM notice"))).scalar_one() == 0
    done = await operator.post(f"{here}/cancel", reason="The site is flooded.")
    assert done.headers["location"] == f"{here}?told=session_cancelled"
    async with kernel.engine.connect() as connection:
        told = await connection.execute(text("SELECT account FROM notice ORDER BY account"))
        assert list(told.scalars()) == ["a", "b"]
        ended = await connection.execute(text("SELECT state, ended_by FROM booking"))
        assert set(ended.all()) == {("cancelled", "authority")}
    after = await operator.page(here)
    assert "The site is flooded." in after.text
    assert not after.all("a", href=f"{here}/cancel")


async def test_another_authoritys_session_is_not_there(browser_of, sessions):
    _, found = sessions
    other = await browser_of("np", "operator:cn-zj-nb")
    here = f"/operator/cn-zj-nb/sessions/{found[0].id}"
    assert (await other.get(here)).status_code == 404
    assert (await other.post(f"{here}/cancel", reason="Because I can.")).status_code == 404
    assert (await other.get(f"{HZ}/sessions/{found[0].id}")).status_code == 403


async def test_a_session_that_is_not_there_says_so(operator):
    for number in (0, 999_999, 2**60):
        assert (await operator.get(f"{HZ}/sessions/{number}")).status_code == 404
