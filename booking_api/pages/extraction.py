"""Keeps the catalogues complete: finds every sentence in the sources, and writes those that a catalogue lacks.

Imports Babel. `python -m booking_api.pages.extraction` adds new sentences without a translation, and takes away those that
nothing says any more; the tests fail while one is untranslated. Each room of the pages has a catalogue of its own name;
what the pages' own modules and templates say is in `shell`, and no room says it again. A service's package is a folder
like this one: `python -m booking_api.pages.extraction services/disclosure`.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parent
SHELL = "shell"
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "text": None, "plural": (1, 2), "marked": None}
_JINJA = "jinja2.ext:babel_extract"
Sentence = str | tuple[str, ...]


def rooms_of(pages: Path) -> dict[str, list[Path]]:
    """Each catalogue's name with the sources it speaks for. A folder of pages or templates is a room."""
    own = SHELL if pages == PAGES else pages.name
    found: dict[str, list[Path]] = {own: [*pages.glob("*.py"), *pages.glob("templates/*.html")]}
    for folder in sorted((*pages.glob("*/"), *pages.glob("templates/*/"))):
        sources = [*folder.glob("*.py")] if folder.parent == pages else [*folder.glob("*.html")]
        if sources and folder.name not in {"static", "templates", "locale"}:
            found.setdefault(folder.name, []).extend(sources)
    return found


def sentences_of(sources: Iterable[Path]) -> set[Sentence]:
    """Every sentence these templates and modules say; a pair where it has a plural."""
    found: set[Sentence] = set()
    for source in sources:
        found.update(_sentences(source))
    return found


def known_of(catalogue: Path) -> dict[Sentence, Sentence]:
    """A catalogue's sentences with their translations."""
    if not catalogue.exists():
        return {}
    with catalogue.open("rb") as file:
        return {
            cast("Sentence", message.id): cast("Sentence", message.string or "")
            for message in read_po(file, locale="zh_CN")
            if message.id
        }


def catalogue_of(pages: Path, room: str) -> Path:
    """Where a room's Chinese sentences are."""
    return pages / "locale" / "zh_CN" / f"{room}.po"


def spelled_wrong(one: Sentence, other: Sentence) -> bool:
    """Whether a translation lacks something: a form of it, or a name that the sentence fills in."""
    forms = other if isinstance(other, tuple) else (other,)
    return not all(forms) or any(_names(one) != _names(form) for form in forms)


def update(pages: Path = PAGES) -> int:
    """Writes every room's catalogue anew, keeping its translations; the number of sentences still without one."""
    rooms = rooms_of(pages)
    said = {room: sentences_of(sources) for room, sources in rooms.items()}
    shared = sentences_of(rooms_of(PAGES)[SHELL])
    lacking = 0
    for room in rooms:
        path = catalogue_of(pages, room)
        known = known_of(path)
        wanted = said[room] if room == SHELL else said[room] - shared
        new = Catalog(locale="zh_CN", domain=room, fuzzy=False)
        for sentence in sorted(wanted, key=_first):
            new.add(sentence, known.get(sentence, ("",) if isinstance(sentence, tuple) else ""))
            lacking += spelled_wrong(sentence, known.get(sentence, ""))
        if wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                write_po(file, new, width=118, sort_output=False, omit_header=True)
        else:
            path.unlink(missing_ok=True)
    return lacking


def _sentences(source: Path) -> Iterator[Sentence]:
    method = "python" if source.suffix == ".py" else _JINJA
    with source.open("rb") as file:
        options = (
            {} if method == "python" else {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
        )
        for _, message, _, _ in extract(method, file, keywords=_KEYWORDS, options=options):
            yield tuple(message) if isinstance(message, tuple | list) else message


def _first(sentence: Sentence) -> str:
    return sentence if isinstance(sentence, str) else sentence[0]


def _names(sentence: Sentence) -> set[str]:
    """What a sentence fills in. A plural may leave its number out in one of its forms."""
    text = sentence if isinstance(sentence, str) else sentence[-1]
    return {part.partition(")")[0] for part in text.split("%(")[1:]}


if __name__ == "__main__":
    left = sum(update(Path(folder).resolve()) for folder in sys.argv[1:] or [str(PAGES)])
    sys.stdout.write(f"{left} sentences lack a translation\n")
    sys.exit(1 if left else 0)
