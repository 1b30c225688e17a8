"""Log lines: JSON on standard error, one for each request, without anyone's phone number.

What is masked: the fields that hold a number, whatever it looks like; and in every other text each run of 7 digits or
more, 6 after a +, also with spaces, dashes, dots, slashes or parentheses between them. A call id is text like any
other: a long numeric one is masked too, because nothing tells it from a number; `delivery` beside it finds the call.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

import structlog

__all__ = ["ToStructlog", "configure", "mask", "mask_number", "traceback_of"]

# What may stand between two digits of one number, a no-break space or a dash that is shown escaped included.
_GAP: Final = r"(?:[\s().\-/\u2010-\u2015]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})*"
_NUMBER: Final = re.compile(rf"\+{_GAP}\d(?:{_GAP}\d){{5,}}|\d(?:{_GAP}\d){{6,}}")
# What is no number though it has the digits of one: a fingerprint, a digest, a UUID, a date.
_NO_NUMBER: Final = re.compile(
    r"\b(?=[0-9-]{0,63}[a-f])(?:[0-9a-f]{16,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
    r"|\b(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d)?)?(?!\d)"
)

_TRACEBACK_LINES: Final = 20

# Fields that hold a number and nothing else, and those that hold only what this program made.
_NUMBERS: Final = frozenset(("from_nr", "to_nr", "end_nr"))
_OF_ITSELF: Final = "notice"
_NOT_MASKED: Final = frozenset(("timestamp", "level", "event", "request", "digest", "signed_by", _OF_ITSELF))


def mask(text: str) -> str:
    """`text` with every number in it hidden but for its ends."""
    parts, end = [], 0
    for kept in _NO_NUMBER.finditer(text):
        parts += [_mask_runs(text[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join((*parts, _mask_runs(text[end:])))


def mask_number(number: object) -> str:
    """A phone number with its last two characters shown, and the first three of one that has enough digits."""
    text = str(number)
    digits = sum(map(str.isdigit, text))
    first, last = (3 if digits >= 9 else 0), (2 if len(text) >= 5 else 0)
    return text[:first] + "*" * (len(text) - first - last) + text[len(text) - last :]


def configure() -> None:
    """Set structlog up; call it once, at start."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _mask_values,
            structlog.processors.JSONRenderer(_as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(sys.stderr),
    )


def _as_json(line: object, *, default: Callable[[object], object]) -> str:
    """What json.dumps does; that builds an encoder for each line."""
    return _encoder(default).encode(line)


@cache
def _encoder(default: Callable[[object], object]) -> json.JSONEncoder:
    return json.JSONEncoder(default=default)


class _Lines(structlog.WriteLogger):
    """Writes lines; one that cannot be written (a full disk, a closed pipe) is lost, and no request fails for it."""

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = error = critical = fatal = exception = err = failure = msg


class ToStructlog(logging.Handler):
    """The lines of a library's own log, as JSON and masked like all others. `event` says whose they are.

    What is no warning, it says of itself (its address, its processes): that is not masked.
    """

    def __init__(self, event: str, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._event = event

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, with the error it is about."""
        error = record.exc_info[1] if record.exc_info else None
        told: dict[str, object] = {"error": repr(error), "traceback": traceback_of(error)} if error else {}
        first_line, *_ = record.getMessage().splitlines() or [""]
        told["detail" if record.levelno >= logging.WARNING else _OF_ITSELF] = first_line
        structlog.get_logger().log(record.levelno, self._event, **told)


def traceback_of(error: BaseException) -> list[str]:
    """The last lines of a traceback."""
    return "".join(traceback.format_exception(error)).splitlines()[-_TRACEBACK_LINES:]


def _mask_runs(text: str) -> str:
    return _NUMBER.sub(lambda found: mask_number(found[0]), text)


def _mask_values(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001 - a processor's signature
    for name, value in line.items():
        if name not in _NOT_MASKED:
            line[name] = _masked(name, value)
    return line


def _masked(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {mask(str(key)): _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(name, inner) for inner in value]
    if name in _NUMBERS:
        return None if value is None else mask_number(value)
    return mask(value) if isinstance(value, str) else value
