"""Rules that say which attempts meet which fault, as flags and files have them.

A flag says `answer-lost:attempts=1-3,probability=0.2`, a file the same as a table:

```toml
[[faults]]
fault = "answer-lost"
attempts = "1-3"
probability = 0.2
```
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from receiver import wire
from receiver.wire import EventType
from sender_sim.core.faults import (
    AnswerLost,
    Dripping,
    Fault,
    Latency,
    Refused,
    Reset,
    Rule,
    Status,
    Tampered,
    TlsFailure,
    Truncated,
)
from sender_sim.reading import SettingsError, Span, flag, near_miss, number, one_of, typed

__all__ = ["NAMES", "from_flags", "from_table", "name_of"]

_PLAIN: Final[dict[str, Fault]] = {
    "refused": Refused(),
    "tls": TlsFailure(),
    "tampered": Tampered(),
    "answer-lost": AnswerLost(),
    "reset": Reset(),
    "truncated": Truncated(),
    "dripping": Dripping(),
}
NAMES: Final = (*_PLAIN, "latency", "status")

_EVENTS: Final = {event_type.label: event_type for event_type in EventType}
_ATTEMPTS: Final = re.compile(r"([1-9]\d{0,5})(-)?([1-9]\d{0,5})?", re.ASCII)
_LONGEST: Final = wire.ATTEMPT_TIMEOUT.total_seconds()
_NO_STATUS: Final = "is no status that ends an answer; 200 to 599 are"


class _Name(fields.Field[Any]):
    """The name of a fault."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, str) or value not in NAMES:
            raise ValidationError(f"is no fault; {near_miss(str(value), NAMES)}")
        return value


class _Attempts(fields.Field[Any]):
    """`3`, `1-3` or `3-` -> the first and the last, None: there is no last."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        found = _ATTEMPTS.fullmatch(str(value))
        if not found or (found[3] and not found[2]):
            raise ValidationError("are no attempts; write for example 1, 1-3 or 2-")
        first, last = int(found[1]), int(found[3] or 0)
        if found[3] and last < first:
            raise ValidationError("end before they begin")
        return first, last or (None if found[2] else first)


_COMMON: Final[dict[str, Any]] = {
    "fault": _Name(load_default=None),
    "from": Span(load_default=None),
    "to": Span(load_default=None),
    "attempts": _Attempts(load_default=(1, None)),
    "event": one_of(_EVENTS, default=None),
    "probability": number(1.0, 0, 1, "must be over 0 and at most 1", least_too=False),
}
_OWN: Final[dict[str, dict[str, Any]]] = {
    "latency": {
        "seconds": number(
            None, 0, _LONGEST, f"must be over 0 and at most {_LONGEST:g}, the deadline (R3)", least_too=False
        )
    },
    "status": {
        "code": fields.Integer(
            strict=True,
            load_default=None,
            validate=validate.Range(200, 599, error=_NO_STATUS),
            error_messages={"invalid": _NO_STATUS},
        ),
        "before": flag(default=False),
    },
}
_NEEDED: Final = {
    "latency": ("seconds", "how late the request comes, for example 2.5"),
    "status": ("code", "what the proxy answers, for example 502"),
}


def _schema(own: Mapping[str, Any]) -> Schema:
    return Schema.from_dict(_COMMON | dict(own))(unknown=EXCLUDE)


_SCHEMAS: Final = {name: _schema(_OWN.get(name, {})) for name in NAMES}
_ANY: Final = _schema({name: field for own in _OWN.values() for name, field in own.items()})


def from_table(table: Mapping[str, Any], prefix: str, problems: list[str]) -> Rule | None:
    """The rule of a table in a file, which stands at `prefix`; None if there are problems with it."""
    before = len(problems)
    name = table.get("fault")
    known = isinstance(name, str) and name in NAMES
    values = typed(_SCHEMAS[str(name)] if known else _ANY, table, prefix, problems)
    if "fault" not in table:
        problems.append(f"{prefix}fault: is not set; known: {', '.join(NAMES)}")
    if known and name in _NEEDED:
        needed, meaning = _NEEDED[str(name)]
        if needed not in table:
            problems.append(f"{prefix}{needed}: is not set; it is {meaning}")
    if values["from"] is not None and values["to"] is not None and values["to"] <= values["from"]:
        problems.append(f"{prefix}to: {table['to']!r} must be later than from, {table['from']!r}")
    return _rule(values) if len(problems) == before else None


def from_flags(texts: Iterable[str]) -> list[Rule]:
    """The rules of flags, in order. Raises SettingsError with every mistake in them."""
    rules: list[Rule] = []
    complaints: list[str] = []
    for text in texts:
        problems: list[str] = []
        rule = from_table(_table(text, problems), "", problems)
        complaints += [f"--fault {text!r}: {problem}" for problem in problems]
        if rule:
            rules.append(rule)
    if complaints:
        raise SettingsError(complaints)
    return rules


def _table(text: str, problems: list[str]) -> dict[str, Any]:
    name, _, options = text.partition(":")
    table: dict[str, Any] = {"fault": name.strip()}
    for option in options.split(",") if options else ():
        key, equals, value = (part.strip() for part in option.partition("="))
        if key in table:
            problems.append(f"{key}: is given twice")
        table[key] = _value(value) if equals else True
    return table


def _value(text: str) -> object:
    """As TOML would have it: a whole number, true, false, or else text."""
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return int(text)
    return {"true": True, "false": False}.get(text, text)


def _rule(values: Mapping[str, Any]) -> Rule:
    first, last = values["attempts"]
    return Rule(
        fault=_fault(values),
        begin=values["from"] or timedelta(0),
        end=values["to"],
        first=first,
        last=last,
        event_type=_EVENTS.get(values["event"]),
        probability=values["probability"],
    )


def name_of(fault: Fault) -> str:
    """What a flag or a file calls a fault."""
    match fault:
        case Latency():
            return "latency"
        case Status():
            return "status"
        case _:
            return next(name for name, plain in _PLAIN.items() if plain == fault)


def _fault(values: Mapping[str, Any]) -> Fault:
    match values["fault"]:
        case "latency":
            return Latency(values["seconds"])
        case "status":
            return Status(values["code"], before=values["before"])
        case name:
            return _PLAIN[name]
