"""The format of values: not what they say, but how they say it."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from receiver.macro import Macro, Pair
from receiver.wire import EventType
from sender_sim.compare.model import MACRO, Difference
from sender_sim.core import encode

__all__ = ["differences"]

_NUMBER: Final = (re.compile(r"(\+[0-9]{7,15})?"), "+ and digits (E.164), or nothing")
_FORMATS: Final = {
    "start": (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII), "YYYY-MM-DD HH:MM:SS"),
    "duration": (re.compile(r"[0-9]+"), "seconds, digits alone"),
    "answered": (re.compile(r"[01]"), "1 or 0"),
    "event_type": (re.compile(r"[012]"), "0, 1 or 2"),
    "from_nr": _NUMBER,
    "to_nr": _NUMBER,
    "end_nr": _NUMBER,
}
_NOTHING: Final = re.compile(r"null|nil|none|undefined|n/?a|\{\w*\}", re.IGNORECASE)
_LONG: Final = 7
_ZERO: Final = ("duration", "answered")


def differences(macro: Macro, values: Mapping[str, str]) -> Iterator[Difference]:
    """Values that do not fit the macro, and fields that are not written as the simulator writes them."""
    for pair, (wire_name, template) in zip(macro.pairs, encode.expand(macro, encode.AS_WRITTEN), strict=True):
        value = values.get(wire_name)
        if value is not None and not _fits(pair, value):
            yield Difference("text around a value", _masked(value), template, MACRO, (wire_name,))
    fields = {name: str(value) for name, value in macro.read(values).fields.items()}
    for name, value in fields.items():
        form, words = _FORMATS.get(name, (None, ""))
        if _NOTHING.fullmatch(value):
            yield Difference("a value that does not exist", value, "nothing: an empty value", where=(name,))
        elif form and not form.fullmatch(value):
            shown = _masked(value) if (form, words) == _NUMBER else value
            yield Difference("format of a value", shown or "nothing", words, where=(name,))
    yield from _of_calls_not_held(fields)


def _of_calls_not_held(fields: Mapping[str, str]) -> Iterator[Difference]:
    """Before a call, and for an SMS, there is no duration and no answer."""
    event = next((each for each in EventType if fields.get("event_type") == str(int(each))), EventType.POST_CALL)
    if event is not EventType.POST_CALL and (wrong := tuple(name for name in _ZERO if fields.get(name, "0") != "0")):
        shown = ", ".join(fields[name] for name in wrong)
        yield Difference(f"values of a {event.label}", shown, "0", where=wrong)


def _fits(pair: Pair, value: str) -> bool:
    """Whether the value can be what the template becomes."""
    parts = (re.escape(part) if isinstance(part, str) else ".*" for part in pair.template)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _masked(value: str) -> str:
    """The value with a long number hidden but for its ends: what is reported is to be no one's phone number."""
    digits = [at for at, char in enumerate(value) if char.isdecimal()]
    hidden = digits[3:-2] if len(digits) >= _LONG else []
    return "".join("*" if at in hidden else char for at, char in enumerate(value))
