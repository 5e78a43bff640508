"""Forms of a page as a browser without scripts has them: where they go, and what they carry. Pure."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlencode


class PageForm(NamedTuple):
    """One form that is posted, with its hidden fields and the first of its buttons that has a name."""

    action: str
    fields: dict[str, str]

    def body(self) -> bytes:
        """What a browser sends."""
        return urlencode(self.fields).encode()


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.code = ""
        self._open: PageForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.code = self.code or told.get("data-code", "")
        if tag == "form" and told.get("method") == "post":
            self._open = PageForm(told.get("action", ""), {})
        elif self._open is not None and "name" in told and self._carries(tag, told):
            self._open.fields.setdefault(told["name"], told.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._open is not None:
            self.forms.append(self._open)
            self._open = None

    @staticmethod
    def _carries(tag: str, told: dict[str, str]) -> bool:
        return tag == "button" or (tag == "input" and told.get("type", "text") in {"hidden", "text"})


def read_page(html: str) -> tuple[list[PageForm], str]:
    """(the page's forms that are posted, the code of its refusal or nothing).

    >>> forms, code = read_page('<form method="post" action="/hold"><input type="hidden" name="unit" value="3"></form>')
    >>> forms, code
    ([PageForm(action='/hold', fields={'unit': '3'})], '')
    """
    parser = _Forms()
    parser.feed(html)
    return parser.forms, parser.code


def forms_to(forms: list[PageForm], ending: str) -> Iterator[PageForm]:
    """Those whose action ends so."""
    return (form for form in forms if form.action.partition("?")[0].endswith(ending))
