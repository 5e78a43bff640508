"""The pages about rounds as files in a real browser: they fit, are read aloud well, and load nothing."""

import pytest

from booking_api.cli import gongdao
from tests.booking_api.test_why_command import problem, result, solved  # noqa: F401 - fixtures
from tests.browser.axe import axe_violations

pytestmark = pytest.mark.browser


def opened(browser, path):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None
    )
    page.goto(path.as_uri())
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    return page


def axe_twice(page):
    """On a phone in light, at a desk in dark: the tables are long."""
    found = axe_violations(page)
    page.set_viewport_size({"width": 1280, "height": 844})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    return found + axe_violations(page)


def test_the_report_of_a_simulation_is_for_everybody(browser, tmp_path):
    path = tmp_path / "report.html"
    words = ["simulate", "--applications", "60", "--sessions", "10", "--rounds", "2", "--out", str(path)]
    assert gongdao.main(words, standalone_mode=False) == 0
    page = opened(browser, path)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert axe_twice(page) == []
    # A bar's length is drawn, though the policy lets no other style in.
    widths = page.eval_on_selector_all(
        "#kinds ~ .plot .bars rect", "all => all.map(one => one.getBoundingClientRect().width)"
    )
    assert max(widths) > 200
    page.close()


def test_why_this_why_not_that_is_for_everybody(browser, problem, result, tmp_path):  # noqa: F811
    path = tmp_path / "why.html"
    words = ["why", str(problem), str(result), "--id", "小明", "--lang", "zh-CN", "--out", str(path)]
    assert gongdao.main(words, standalone_mode=False) == 0
    page = opened(browser, path)
    assert axe_twice(page) == []
    page.close()
