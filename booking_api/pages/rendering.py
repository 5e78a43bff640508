"""A template, its visitor and the security headers put together into an answer. Imports Jinja2 and Litestar."""

from typing import Any
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Response
from markupsafe import Markup, escape

from booking_api.pages.assets import asset_path
from booking_api.pages.catalogue import Words
from booking_api.pages.compression import SMALLEST, compressed
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.refusals import Refusal
from booking_api.pages.visiting import Visitor

# What a page shows is a moment's, and its visitor's own.
_HEADERS = {
    **SECURITY_HEADERS,
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Accept-Language, Cookie",
}

_templates = Environment(
    loader=PackageLoader("booking_api.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)


def _coded(text: str) -> Markup:
    """What stands between backticks in prose, as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _words(context: Context) -> Words:
    return context["words"]


@pass_context
def _text(context: Context, sentence: str, **facts: object) -> str:
    # What the template fills in may be markup already; what is not is escaped with the whole.
    return Markup(escape(_words(context).text(sentence))) % facts if facts else _words(context).text(sentence)  # noqa: S704 - escaped


@pass_context
def _plural(context: Context, one: str, many: str, n: int, **facts: object) -> str:
    words = _words(context)
    said = words.plural(one, many, n, **{name: f"%({name})s" for name in facts if name not in {"n", "num"}})
    rest = {name: value for name, value in facts.items() if name not in {"n", "num"}}
    return Markup(escape(said)) % rest if rest else said  # noqa: S704 - escaped


_templates.newstyle_gettext = True  # pyright: ignore[reportAttributeAccessIssue] - set by the extension
_templates.filters["coded"] = _coded  # pyright: ignore[reportUnknownMemberType] - Jinja2 types it as a bare dict
_templates.globals.update(  # pyright: ignore[reportUnknownMemberType] - likewise
    {"asset": asset_path, "_": _text, "gettext": _text, "ngettext": _plural, "urlencode": urlencode}
)


def templates_of(package: str) -> Environment:
    """A service's templates, which may extend and include ours."""
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("booking_api.pages")])
    return _templates.overlay(loader=loader)


def render(
    template: str,
    visitor: Visitor,
    *,
    templates: Environment = _templates,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    refused: Refusal | None = None,
    **facts: Any,
) -> Response[str]:
    """A whole page for this visitor. A service gives its own templates (`templates_of`).

    A form that is shown again has `refused`, what was wrong with it, and answers with the refusal's status.
    """
    text = page_text(template, visitor, templates=templates, refused=refused, **facts)
    if status is None:
        status = refused.status if refused else 200
    return Page(text, visitor, status=status, headers=headers)


def page_text(template: str, visitor: Visitor, *, templates: Environment = _templates, **facts: Any) -> str:
    """The page's text alone, for one that is shown to many."""
    return templates.get_template(template).render(
        visitor=visitor, words=visitor.words, lang=visitor.lang, **facts
    )


def part_of_page(template: str, words: Words, **facts: Any) -> Markup:
    """A part that is the same for many, to be put into their pages."""
    return Markup(_templates.get_template(template).render(words=words, lang=words.lang, **facts))  # noqa: S704 - escaped


class Page(Response[str]):
    """A page's text on its way: packed where the browser takes that. `packed` is the text when that has been done."""

    def __init__(
        self,
        text: str,
        visitor: Visitor,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        packed: bytes | None = None,
    ) -> None:
        more = headers or {}
        self._body = text.encode()
        if visitor.gzip and len(self._body) >= SMALLEST:
            self._body = compressed(self._body) if packed is None else packed
            more = {"Content-Encoding": "gzip", **more}
        super().__init__(
            text,
            status_code=status,
            media_type="text/html",
            headers=_HEADERS | {"Content-Language": visitor.lang} | visitor.headers | more,
            cookies=visitor.cookies,
        )

    def render(self, *_: object, **__: object) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What the server is to send."""
        return self._body


def go_to(visitor: Visitor, path: str, *, told: str | None = None) -> Response[None]:
    """Sends the browser to a page after a form (303), which says what was done: `told.<told>` of the codes."""
    query = f"{'&' if '?' in path else '?'}told={told}" if told else ""
    headers = {"Location": path + query, "Cache-Control": "no-store", **visitor.headers}
    return Response(None, status_code=303, headers=headers)
