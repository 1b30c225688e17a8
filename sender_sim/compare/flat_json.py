"""A flat JSON object -> its names and values, and how each character, type and space of it is written."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from receiver import wire
from sender_sim.compare.model import Piece, Reading, Unreadable
from sender_sim.compare.spelling import character
from sender_sim.core import encode

__all__ = ["read"]

_BOM: Final = "\ufeff"
_BLANK: Final = re.compile(r"[ \t\r\n]+")
_UNIT: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)
_OTHER_THAN_TEXT: Final = {bool: "true and false", type(None): "null", dict: "objects", list: "lists"}  # or a number
# Not strict: a raw line break in a text is read, as a difference.
_DECODER: Final = json.JSONDecoder(strict=False)


def read(data: bytes) -> Reading:
    """Take an object apart. Raises Unreadable."""
    text = _text(data)
    reading = Reading()
    if text.startswith(_BOM):
        reading.pieces.append(Piece("byte order mark", "", _BOM.encode(), b""))
        text = text.removeprefix(_BOM)
    name, at = None, 0  # the name whose value comes next
    while at < len(text):
        start = at
        if blank := _BLANK.match(text, at):
            at = blank.end()
            reading.pieces.append(Piece("white space around the parts of the JSON", "", blank[0].encode(), b""))
        elif name is None and text[at] == '"':
            name, at = _DECODER.raw_decode(text, at)
            reading.pieces.extend(_string(text[start:at], name))
        elif name is not None and text[at] != ":":
            value, at = _DECODER.raw_decode(text, at)
            _add(reading, name, value, text[start:at])
            name = None
        else:
            at += 1
            reading.pieces.append(Piece("punctuation", "", text[start].encode(), text[start].encode()))
    return reading


def _text(data: bytes) -> str:
    """The text of what is known to be an object then."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        value = _DECODER.decode(text.removeprefix(_BOM))
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: byte 0x{data[error.start]:02X} at {error.start}") from None
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from None
    except RecursionError:
        raise Unreadable("JSON that is nested too deeply") from None
    if not isinstance(value, dict):
        raise Unreadable("JSON, but no object")
    return text


def _add(reading: Reading, name: str, value: object, source: str) -> None:
    if isinstance(value, str):
        text = value
        reading.pieces.extend(_string(source, name))
    else:
        text = "" if value is None else source
        what = f"values that are {_OTHER_THAN_TEXT.get(type(value), 'numbers')}"
        reading.pieces.append(Piece(what, name, source.encode("utf-8", "surrogatepass"), _written(text, '"')))
    reading.members.append((name, text))
    reading.exact[name] = text.encode("utf-8", "surrogatepass")


def _string(source: str, where: str) -> Iterator[Piece]:
    """The pieces of a text in quotes."""
    yield Piece("punctuation", where, b'"', b'"')
    for unit in _UNIT.findall(source[1:-1]):
        char: str = _DECODER.decode(f'"{unit}"')
        yield character(char, where, unit.encode("utf-8", "surrogatepass"), _written(char))
    yield Piece("punctuation", where, b'"', b'"')


@lru_cache(maxsize=4096)
def _written(text: str, quotes: str = "") -> bytes:
    """The text as the simulator writes it."""
    mark = quotes.encode()
    return mark + encode.data([(text, "")], wire.JSON).removeprefix(b'{"').removesuffix(b'":""}') + mark
