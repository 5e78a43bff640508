"""WCAG 2.2 AA as axe-core checks it."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Without its result types axe describes every element that is right, too: most of its time.
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
SCRIPT = Axe().axe_script
WIDTHS = (390, 1280)


def axe_violations(page: Page) -> list[str]:
    """What a page breaks, as it is now: each rule with the elements."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    violations = page.evaluate("(options) => axe.run(options).then((found) => found.violations)", OPTIONS)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in violations
        for node in rule["nodes"]
    ]


def axe_everywhere(page: Page) -> list[str]:
    """The same in light and dark, on a phone and at a desk; the page is left as it was found."""
    before, found = page.viewport_size, []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            # Colours are looked at when they have come to rest.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{page.url} {width} {scheme} {each}" for each in axe_violations(page)]
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    if before is not None:
        page.set_viewport_size(before)
    return found
