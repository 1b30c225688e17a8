"""A form -> its names and values, and how each character of them is written. Everything is a form, if a strange one."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from receiver import wire
from sender_sim.compare.model import Piece, Reading
from sender_sim.compare.spelling import character
from sender_sim.core import encode

__all__ = ["read"]

_UNIT: Final = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.DOTALL)
# UTF-8, halves of surrogate pairs included; else a byte alone.
_CHARACTER: Final = re.compile(
    rb"[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEF][\x80-\xBF]{2}"
    rb"|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2}|.",
    re.DOTALL,
)
_NO_UTF_8: Final = "\N{REPLACEMENT CHARACTER}"


def read(data: bytes) -> Reading:
    """Take a form apart."""
    reading = Reading()
    for number, pair in enumerate(data.split(b"&")):
        if number:
            reading.pieces.append(Piece("empty pairs", "", b"&", b"&" if reading.members and pair else b""))
        if pair:
            _add(reading, *pair.partition(b"="))
    return reading


def _add(reading: Reading, raw_name: bytes, equals: bytes, raw_value: bytes) -> None:
    name = "".join(char for char, _ in _characters(raw_name))
    reading.members.append((name, "".join(char for char, _ in _characters(raw_value))))
    reading.exact[name] = bytes(byte for _, byte in _units(raw_value))
    reading.pieces.extend(_pieces(raw_name, name))
    reading.pieces.append(Piece("names without '='", name, equals, b"="))
    reading.pieces.extend(_pieces(raw_value, name))


def _units(data: bytes) -> list[tuple[bytes, int]]:
    """What stands for each byte, and the byte."""
    units = _UNIT.findall(data)
    return [(unit, int(unit[1:], 16) if len(unit) == 3 else 0x20 if unit == b"+" else unit[0]) for unit in units]


def _characters(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The characters that a form stands for, each with what stands for it."""
    units = _units(data)
    at = 0
    for found in _CHARACTER.findall(bytes(byte for _, byte in units)):
        written = b"".join(unit for unit, _ in units[at : at + len(found)])
        at += len(found)
        yield found.decode("utf-8", "surrogatepass") if len(found) > 1 or found < b"\x80" else _NO_UTF_8, written


def _pieces(data: bytes, where: str) -> Iterator[Piece]:
    for char, written in _characters(data):
        if char == _NO_UTF_8 and len(_units(written)) == 1:
            yield Piece("bytes that are no UTF-8", where, written, _written(char))
        else:
            yield character(char, where, written, _written(char))


@lru_cache(maxsize=4096)
def _written(char: str) -> bytes:
    """The character as the simulator writes it."""
    return encode.data([(char, "")], wire.FORM).removesuffix(b"=")
