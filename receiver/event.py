"""Wire fields -> a typed, frozen `CallEvent`: what handlers are given."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, cast

import phonenumbers
from marshmallow import Schema, ValidationError, fields

from receiver.errors import InvalidFields, Problem, shown
from receiver.wire import EventType

__all__ = ["SCHEMA", "CallEvent", "EventType", "PhoneNumber", "read"]


class PhoneNumber(str):
    """A phone number as text: E.164 (`+46701234567`) where it parses, else as it was sent. `raw` is as it was sent."""

    __slots__ = ("raw",)
    raw: str

    def __new__(cls, raw: str) -> "PhoneNumber":
        """Parse `raw`; no country is guessed, so only an international number parses."""
        number = super().__new__(cls, _e164(raw) or raw)
        number.raw = raw
        return number


# Tracking and destination numbers come again and again, and parsing one takes longer than anything else here.
@lru_cache(maxsize=4096)
def _e164(raw: str) -> str | None:
    try:
        number = phonenumbers.parse(raw)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One event of a call. A field is None where Kaisa sent nothing for it or the macro leaves it out.

    `wire` holds every value under the name it was sent with, also those that the macro does not map to a field.
    `key` is the same for every attempt and revision of one event: use it to make a handler's effects idempotent.
    `revision` counts from 1; 2 or more means Kaisa sent other content for an event that was already stored.
    """

    start: datetime | None = None
    duration: int | None = None
    from_nr: PhoneNumber | None = None
    from_nr_area: str | None = None
    to_nr: PhoneNumber | None = None
    end_nr: PhoneNumber | None = None
    channel: str | None = None
    answered: bool | None = None
    publisher_id: str | None = None
    campaign_id: str | None = None
    referrer: str | None = None
    url: str | None = None
    details: str | None = None
    custnr: str | None = None
    event_type: EventType | None = None
    id: str | None = None
    fsid: str | None = None
    recording_id: str | None = None
    wire: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    revision: int = 1

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every phone number in it, each once."""
        return tuple(dict.fromkeys(str(number) for number in (self.from_nr, self.to_nr, self.end_nr) if number))


_NO_TIME = "is not a UTC time of the form YYYY-MM-DD HH:MM:SS"
_BOOLEANS = ("1", "0", "true", "false")
_TYPES = frozenset(str(int(known)) for known in EventType)


def _time(value: object) -> object:
    # A parser alone is lenient: a T between date and time, fractions, a time zone, other digits than ASCII's.
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}", value)):
        raise ValidationError(_NO_TIME)
    return value


def _seconds(value: object) -> object:
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value)):
        raise ValidationError("is not a whole number of seconds, 0 or more")
    return value


def _one_or_zero(value: object) -> object:
    if not (isinstance(value, str) and value in _BOOLEANS):
        raise ValidationError("is neither 1 nor 0")
    return value


def _known_type(value: object) -> object:
    if not (isinstance(value, str) and value in _TYPES):
        raise ValidationError("is none of " + ", ".join(f"{int(known)} ({known.label})" for known in EventType))
    return value


def _text() -> fields.String:
    return fields.String(error_messages={"invalid": "is not text"})


def _number() -> fields.String:
    return fields.String(error_messages={"invalid": "is not text"}, post_load=PhoneNumber)


class _EventSchema(Schema):
    """The types of contract.md, "Data". Every field may be missing: the macro decides what is sent."""

    start = fields.AwareDateTime(
        "iso",  # as it is known to be by then; strptime takes four times as long
        default_timezone=UTC,
        error_messages={"invalid": _NO_TIME},
        pre_load=_time,
    )
    duration = fields.Integer(pre_load=_seconds)
    from_nr = _number()
    from_nr_area = _text()
    to_nr = _number()
    end_nr = _number()
    channel = _text()
    answered = fields.Boolean(pre_load=_one_or_zero)
    publisher_id = _text()
    campaign_id = _text()
    referrer = _text()
    url = _text()
    details = _text()
    custnr = _text()
    event_type = fields.Enum(EventType, by_value=fields.Integer, pre_load=_known_type)
    id = _text()
    fsid = _text()
    recording_id = _text()


SCHEMA: Final = _EventSchema()
# Field by field: what a schema does around its fields takes as long again, and none of it is used here.
_LOAD: Final = {name: field.deserialize for name, field in SCHEMA.fields.items()}


def read(values: Mapping[str, object], *, wire_values: Mapping[str, object]) -> CallEvent:
    """Field name -> text as sent, into a CallEvent. Empty text is None (D). Raises InvalidFields, all at once."""
    loaded: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        if value != "":
            try:
                loaded[name] = _LOAD[name](value, name, values)
            except ValidationError as error:
                what = f"{shown(value)} {' and '.join(cast('list[str]', error.messages))}"
                problems.append(Problem(name, what, f"check what the macro puts into {name}"))
    if problems:
        raise InvalidFields("; ".join(f"{problem.where}: {problem.what}" for problem in problems), problems=problems)
    return CallEvent(**loaded, wire=wire_values)
