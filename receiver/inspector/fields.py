"""The decoded fields of a delivery, as its handler was given them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from receiver import event, wire
from receiver.errors import InvalidFields
from receiver.event import PhoneNumber
from receiver.macro import Macro

__all__ = ["Value", "number_names", "typed", "wire_values"]

_NUMBERS: Final = ("from_nr", "to_nr", "end_nr")


@dataclass(frozen=True, slots=True)
class Value:
    """A field: what was sent (None: nothing), under which name, what it was read as, and what type that has."""

    name: str
    meaning: str
    sent: str | None
    wire_name: str | None
    read: str | None
    type: str
    is_number: bool


def typed(row: Mapping[str, Any], macro: Macro) -> list[Value]:
    """Every field that Kaisa knows; none once the content was purged or erased."""
    if row["fields"] is None:
        return []
    sent = json.loads(row["fields"])
    try:
        call: object = event.read(sent, wire_values={})
    except InvalidFields:  # an older version took what this one does not
        call = None
    return list(_values(sent, call, macro))


def wire_values(row: Mapping[str, Any]) -> dict[str, str]:
    """Every value under the name it was sent with, a list or an object as JSON."""
    values = json.loads(row["wire_values"] or "{}")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def number_names(macro: Macro) -> frozenset[str]:
    """The names under which phone numbers are sent."""
    return frozenset(macro.sources[field].wire_name for field in _NUMBERS if field in macro.sources)


def _values(sent: Mapping[str, Any], call: object, macro: Macro) -> Iterator[Value]:
    for field in wire.FIELDS:
        value = getattr(call, field.name, None)
        pair = macro.sources.get(field.name)
        text = sent.get(field.name)
        yield Value(
            field.name,
            field.meaning,
            None if text is None else str(text),
            pair.wire_name if pair else None,
            None if value is None else _shown(value),
            _type(value),
            field.name in _NUMBERS,
        )


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case wire.EventType():
            return value.label
    return str(value)


def _type(value: object) -> str:
    match value:
        case None:
            return ""
        case PhoneNumber():
            return "E.164" if value.startswith("+") else "as it was sent"
        case datetime():
            return "UTC"
        case bool():
            return "yes or no"
        case Enum():
            return "event type"
        case int():
            return "seconds"
    return "text"
