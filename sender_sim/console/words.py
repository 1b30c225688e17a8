"""Times, spans and bytes as people read them; used by the templates."""

import re
from datetime import datetime, timedelta
from typing import Final

__all__ = ["FILTERS", "clock", "date", "offset", "readable", "sendable", "span"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def date(at: datetime) -> str:
    """`Tue 24 Nov 2026`."""
    return f"{at:%a} {at.day} {at:%b %Y}"


def clock(at: datetime) -> str:
    """`10:32:15`."""
    return f"{at:%H:%M:%S}"


def when(at: datetime) -> str:
    """`Tue 24 Nov 10:32:15`."""
    return f"{at:%a} {at.day} {at:%b %H:%M:%S}"


def span(length: timedelta) -> str:
    """The two largest units of a length of time: `2 d 3 h`, `30 min`, `0 s`."""
    left, parts = round(length.total_seconds()), []
    for seconds, unit in _UNITS:
        number, left = divmod(left, seconds)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def offset(at: datetime, now: datetime) -> str:
    """How far a time is from now: `in 30 min`, `2 d ago`, `now`."""
    if abs(at - now) < timedelta(seconds=1):
        return "now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def readable(body: bytes) -> str:
    """Bytes as text, with what is no text and what would change how the rest is read written out."""
    text = body.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


def sendable(value: object) -> object:
    """What a page says, with lone surrogates written out: an endpoint may answer with them, no page can be sent so."""
    if isinstance(value, str) and _SURROGATE.search(value):
        return type(value)(_SURROGATE.sub(lambda found: ascii(found[0])[1:-1], value))
    return value


def plural(number: int, noun: str) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


FILTERS: Final = {
    "date": date,
    "clock": clock,
    "when": when,
    "span": span,
    "readable": readable,
    "plural": plural,
}
