"""Draws the installed application's icons from `mark.svg`: `python -m tests.browser.drawing_icons`.

The pictures are committed; they are drawn again when the mark changes.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM

STATIC = Path(__file__).parents[2] / "booking_api" / "pages" / "static"
SEAL = "#b4372b"
SIZES = (192, 512)
SAFE = 0.72
"""A maskable icon is cut to a circle or less: what matters stays within four fifths of it."""


def draw() -> None:
    """Writes each icon in each size."""
    mark = (STATIC / "mark.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        for size in SIZES:
            for name, share, ground in (("icon", 1.0, "transparent"), ("icon-maskable", SAFE, SEAL)):
                page = browser.new_page(viewport={"width": size, "height": size})
                inner = round(size * share)
                page.set_content(
                    f"<style>body{{margin:0;display:grid;place-items:center;height:{size}px;background:{ground}}}"
                    f"svg{{width:{inner}px;height:{inner}px}}</style>{mark}"
                )
                page.screenshot(path=STATIC / f"{name}-{size}.png", omit_background=True)
                page.close()
        browser.close()


if __name__ == "__main__":
    draw()
