"""A template, its words and the security headers put together into an answer. Imports Jinja2."""

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from markupsafe import Markup, escape

from booking_api.pages.assets import asset_path
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.words import Language, language_of, words_in
from booking_api.problems import RETRY_AFTER_S, STATUS
from reservation.errors import ReservationError

AnyRequest = Request[Any, Any, Any]

# What a page shows is a moment's count, and its language may be the browser's choice.
_HEADERS = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Vary": "Accept-Language"}

_templates = Environment(
    loader=PackageLoader("booking_api.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _coded(text: str) -> Markup:
    """What stands between backticks in prose, as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


_templates.filters["coded"] = _coded  # pyright: ignore[reportUnknownMemberType] - likewise
_templates.globals["asset"] = asset_path  # pyright: ignore[reportUnknownMemberType] - Jinja2 types it as a bare dict


def language(request: AnyRequest) -> Language:
    """The page's language: `?lang=`, else what the browser asks for, else Chinese."""
    return language_of(request.query_params.get("lang"), request.headers.get("accept-language"))


def templates_of(package: str) -> Environment:
    """A service's templates, which may extend and include ours."""
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("booking_api.pages")])
    return _templates.overlay(loader=loader)


def render(
    template: str,
    lang: Language,
    *,
    templates: Environment = _templates,
    more_words: Mapping[str, str] | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **facts: Any,
) -> Response[str]:
    """A whole page. A service gives its own templates (`templates_of`), and its words beside ours."""
    words = {**words_in(lang), **(more_words or {})}
    text = templates.get_template(template).render(lang=lang, words=words, **facts)
    return Response(text, status_code=status, media_type="text/html", headers=_HEADERS | (headers or {}))


def reservation_page(request: AnyRequest, error: ReservationError) -> Response[str]:
    """A kernel's refusal as a page: what is wrong, and when to come again."""
    lang = language(request)
    wait_s = RETRY_AFTER_S.get(error.code)
    return render(
        "problem.html",
        lang,
        status=STATUS[error.code],
        headers={"Retry-After": str(wait_s)} if wait_s else None,
        code=error.code,
        sentence=words_in(lang).get(f"problem.{error.code}", error.sentence),
    )
