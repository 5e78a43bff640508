"""The reference page in a real browser: it fits a phone, its anchors lead somewhere, and it needs no scripts."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_the_screen_and_its_contents_lead_to_the_operations(visit, width, scheme):
    page = visit("/reference?lang=en", width=width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    groups = page.locator(".contents details")
    holds = groups.filter(has=page.get_by_role("link", name="holds", exact=True))
    holds.locator("summary").click(position={"x": 3, "y": 10})
    holds.get_by_role("link", name="Hold units").click()
    article = page.locator("#post_hold")
    expect(article).to_be_in_viewport()
    article.locator(".refused summary").click()
    expect(article.locator(".problems")).to_contain_text("another_hold")


def test_without_scripts_it_is_all_there(scriptless, demo):
    page = scriptless.new_page()
    page.goto(f"{demo}/reference?lang=zh-CN#post_confirm")
    expect(page.locator("#post_confirm")).to_be_in_viewport()
    expect(page.locator("#post_confirm")).to_contain_text("谁可以调用")
    page.locator("#post_confirm .refused summary").click()
    expect(page.locator("#post_confirm .problems")).to_contain_text("占位已失效")
