"""Lengths of time as people write them: `30s`, `90m`, `12h`, `1d12h`."""

import re
from datetime import timedelta
from typing import Final

__all__ = ["parse", "text"]

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN: Final = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,7}}){unit})?" for unit in _UNITS), re.ASCII)
_LONGEST: Final = timedelta(days=365)


def parse(written: str) -> timedelta:
    """Read a length of time, at most a year; `0` needs no unit. Raises ValueError, which says what to write instead."""
    found = _WRITTEN.fullmatch(written)
    if written != "0" and not (found and any(found.groups())):
        raise ValueError("is no length of time; write for example 30s, 90m, 12h or 1d12h")
    seconds = sum(int(number) * _UNITS[unit] for unit, number in found.groupdict("0").items()) if found else 0
    if seconds > _LONGEST.total_seconds():
        raise ValueError("is too long; a year (365d) is the most")
    return timedelta(seconds=seconds)


def text(length: timedelta) -> str:
    """Write a length of time, rounded to seconds, in the largest units."""
    left, parts = round(length.total_seconds()), []
    for unit, seconds in _UNITS.items():
        number, left = divmod(left, seconds)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
