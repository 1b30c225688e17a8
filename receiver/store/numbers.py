"""Phone numbers as people write them: the spellings one is filed under, and whether a text mentions one."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote_plus

import phonenumbers

from receiver.event import PhoneNumber

__all__ = ["MIN_DIGITS", "Mentions", "digits", "spellings"]

# Fewer would be found in what is no phone number at all.
MIN_DIGITS: Final = 5

# Between two digits of one number: `+46 (0)70-123 45 67`.
_BETWEEN: Final = r"[\s().\-/\u2010-\u2015]{0,3}"
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_OTHER_DIGIT: Final = re.compile(r"[^\W0-9]|[^\x00-\x7f]")
# An envelope in an envelope, percent-encoded in JSON in a form, is less deep than this.
_LAYERS: Final = 6


def digits(number: str) -> str:
    """The digits of a number, as 0-9."""
    return "".join(character for character in _ascii_digits(number) if "0" <= character <= "9")


def spellings(number: str) -> tuple[str, ...]:
    """What a number may be filed under: E.164, and the forms that are kept as they were sent."""
    e164 = _international(number)
    if e164 is None:
        return (number,)
    return tuple(dict.fromkeys((e164, e164[1:], f"00{e164[1:]}", number)))


class Mentions:
    """Finds numbers in text and bytes: with or without `+` or `00`, with separators, percent-encoded, JSON-escaped.

    A number written nationally (`070-123 45 67`) is another number: no country is guessed.
    """

    def __init__(self, numbers: Sequence[str]) -> None:
        patterns = "|".join(_pattern(number) for number in numbers)
        self._pattern = re.compile(rf"(?<![0-9])(?:{patterns})(?![0-9])")

    def found_in(self, *texts: str | bytes | None) -> bool:
        """Whether any of the texts mentions one of the numbers, in whatever encoding."""
        return any(self._pattern.search(layer) for text in texts if text for layer in _layers(text))


def _international(number: str) -> str | None:
    """E.164 of a number in international form, also where its `+` is left out or written 00."""
    plain = digits(number)
    candidates = [number, f"+{plain.removeprefix('00')}"] if plain[:1] != "0" or plain[:2] == "00" else [number]
    parsed = (str(PhoneNumber(candidate)) for candidate in candidates)
    return next((each for each in parsed if re.fullmatch(r"\+[1-9][0-9]+", each)), None)


def _pattern(number: str) -> str:
    e164 = _international(number)
    if e164 is None:
        return _BETWEEN.join(digits(number))
    country = str(phonenumbers.parse(e164).country_code)
    national = _BETWEEN.join(e164[1 + len(country) :])
    return rf"(?:00{_BETWEEN})?{_BETWEEN.join(country)}{_BETWEEN}(?:\(0\){_BETWEEN})?{national}"


def _layers(text: str | bytes) -> Iterator[str]:
    """The text, and what it is with one encoding after another taken off."""
    layer = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for _ in range(_LAYERS):
        yield _ascii_digits(layer)
        inner = _ESCAPED.sub(_unescaped, unquote_plus(layer, errors="replace"))
        if inner == layer:
            return
        layer = inner


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _CONTROLS.get(found[3], found[3])


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return _OTHER_DIGIT.sub(lambda found: str(int(found[0])) if found[0].isdecimal() else found[0], text)
