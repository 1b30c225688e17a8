"""Text from outside, for a page: what cannot be seen is shown, and nothing in it acts on what stands around it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from markupsafe import Markup, escape

from receiver.commands.shown import mask_raw
from receiver.logs import mask, mask_number

__all__ = ["Hiding", "visible"]

# What is shown of one value; the rest is in the raw bytes.
_SHOWN: Final = 2_000
# What of the rest is looked at, so that a number which the cut goes through is seen to be one.
_CONTEXT: Final = 64
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def visible(text: object, *, limit: int = _SHOWN, length: int = 0, lines: bool = False) -> Markup:
    """Markup of any text: what would turn the line around, move the cursor or not print stands as a marked escape.

    Of more than `limit` characters the first are shown; `length` is of the whole, where `text` is a part of it. With
    `lines` a line break is one, and nothing to be told of.
    """
    whole = str(text)
    more = max(len(whole), length) - limit
    pieces = Markup("\n").join(map(_line, whole[:limit].split("\n"))) if lines else _line(whole[:limit])
    shown = Markup("<bdi>%s</bdi>") % pieces
    return shown + Markup('<span class="more"> … and %s characters more</span>') % f"{more:,}" if more > 0 else shown


def _line(text: str) -> Markup:
    return Markup("").join(_pieces(text))


def _pieces(text: str) -> Iterator[Markup]:
    plain: list[str] = []
    for character in text:
        if character.isprintable():
            plain.append(character)
            continue
        yield escape("".join(plain))
        plain.clear()
        yield _marked(character)
    yield escape("".join(plain))


def _marked(character: str) -> Markup:
    name = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
    shown = ascii(character)[1:-1]
    line_break = "\n" if character == "\n" else ""
    return Markup('<span class="esc" title="%s">%s</span>%s') % (name, shown, line_break)


class Hiding:
    """Shows text with its phone numbers, or with them masked."""

    def __init__(self, *, numbers_shown: bool) -> None:
        self.numbers_shown = numbers_shown

    def text(self, text: object, *, limit: int = _SHOWN, lines: bool = False) -> Markup:
        """Any text; a number in it is masked but for its ends."""
        whole = str(text)
        shown = whole[: limit + _CONTEXT]
        return visible(shown if self.numbers_shown else mask(shown), limit=limit, length=len(whole), lines=lines)

    def value(self, text: str, *, limit: int = _SHOWN) -> Markup:
        """A field's: a time in it is no number."""
        return visible(text) if _TIME.fullmatch(text) else self.text(text, limit=limit)

    def number(self, number: object) -> Markup:
        """A field that holds a phone number, whatever it looks like."""
        return visible(number if self.numbers_shown else mask_number(number))

    def raw(self, text: str) -> str:
        """Text of a raw body, of the same length; also percent-encoded numbers are masked."""
        return text if self.numbers_shown else mask_raw(text)
