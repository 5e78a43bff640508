"""Text that fits a box of a picture, in any script. Imports unicodedata."""

from unicodedata import combining, east_asian_width

_WIDE = {"W", "F"}


def width_of(text: str, size_px: float) -> float:
    """Pixels a text takes at most: East Asian letters are as wide as high, marks have no width, others are narrower."""
    em = sum(
        0.0 if combining(letter) else 1.0 if east_asian_width(letter) in _WIDE else _narrow(letter)
        for letter in text
    )
    return em * size_px


def fitted(text: str, room_px: float, size_px: float) -> str:
    """The text, cut with an ellipsis where it is wider than the room; nothing where not even one letter fits.

    >>> fitted("subject-2", 40, 11)
    'subje…'
    """
    if width_of(text, size_px) <= room_px:
        return text
    while text and width_of(text + "…", size_px) > room_px:
        text = text[:-1]
    return text + "…" if text else ""


def _narrow(letter: str) -> float:
    if letter in "iljtf.,;:'|!()[] ":
        return 0.36
    return 0.72 if letter.isupper() or letter in "mw" else 0.6
