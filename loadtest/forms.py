"""Forms of a page as a browser without scripts has them: where they go, and what they carry. Pure.

Read by patterns and not by a parser: a parser's work on our pages costs the load generator, on the server's own cores,
more than the page cost the server. Our templates escape `>` and quote every attribute.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

_TAG = re.compile(r"<(/form|form|input|button)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
_CODE = re.compile(r'data-code="([^"]+)"')


class PageForm(NamedTuple):
    """One form that is posted: its hidden fields, and the name and value of each button that can be seen."""

    action: str
    fields: dict[str, str]
    buttons: list[tuple[str, str]]

    def pressed(self, name: str, value: str) -> "PageForm":
        """The form as this button sends it."""
        return self._replace(fields=self.fields | {name: value})

    def body(self) -> bytes:
        """What a browser sends."""
        return urlencode(self.fields).encode()


def read_page(html: str) -> tuple[list[PageForm], str]:
    """(the page's forms that are posted, the code of its refusal or nothing).

    >>> forms, code = read_page(
    ...     '<form method="post" action="/hold"><input type="hidden" name="pool" value="3">'
    ...     '<button name="unit" value="1">Hold</button><button name="unit" value="2" hidden>Hold</button></form>'
    ... )
    >>> forms, code
    ([PageForm(action='/hold', fields={'pool': '3'}, buttons=[('unit', '1')])], '')
    >>> read_page('<div class="summary" data-code="full"></div>')
    ([], 'full')
    """
    code = _CODE.search(html)
    return list(_forms(html)), code[1] if code else ""


def _forms(html: str) -> Iterator[PageForm]:
    form: PageForm | None = None
    for tag, attributes in _TAG.findall(html):
        told = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
        if tag == "form":
            form = PageForm(told.get("action", ""), {}, []) if told.get("method") == "post" else None
        elif form is None:
            continue
        elif tag == "/form":
            yield form
            form = None
        elif tag == "button" and "name" in told and "hidden" not in told:
            form.buttons.append((told["name"], told.get("value", "")))
        elif tag == "input" and "name" in told and told.get("type", "text") in {"hidden", "text"}:
            form.fields.setdefault(told["name"], told.get("value", ""))


def forms_to(forms: list[PageForm], ending: str) -> Iterator[PageForm]:
    """Those whose action ends so."""
    return (form for form in forms if form.action.partition("?")[0].endswith(ending))
