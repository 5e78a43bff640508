"""Screenshots that a run leaves for people to look at, in four states: desktop and phone, light and dark."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def keep() -> Callable[[Page, str], None]:
    """Saves a page under a name; the page is left as it was found."""
    folder = Path(os.environ.get("GONGDAO_SCREENSHOTS", "build/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str) -> None:
        before = page.viewport_size
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                # As tall as the page, so that the bar at a phone's thumb lies below all of it.
                tall = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({**viewport, "height": max(viewport["height"], tall)})
                page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)
                page.set_viewport_size(viewport)
        page.emulate_media(color_scheme="light", reduced_motion="no-preference")
        if before is not None:
            page.set_viewport_size(before)

    return save
