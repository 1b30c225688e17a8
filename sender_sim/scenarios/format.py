"""What stands in a scenario's file, table by table: names, types, defaults. docs/scenarios.md shows all of it."""

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from sender_sim import settings
from sender_sim.core import spread
from sender_sim.core.lifecycle import Stage, Step
from sender_sim.core.synthetic import EVERYDAY
from sender_sim.reading import Span, flag, number, one_of, text
from sender_sim.scenarios.model import Amount, Expectation

__all__ = ["CALLS", "CHANGE", "EXPECT", "FILE", "SETTINGS"]

_MOST_CALLS: Final = 1_000_000
_HOW_MANY: Final = f"is no number of calls from 1 to {_MOST_CALLS}"


class _Spread(fields.Field[Any]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        several = isinstance(value, list) and all(isinstance(each, str) for each in value)
        try:
            return spread.parse(value if several else str(value))
        except ValueError as error:
            raise ValidationError(f"{error}; lengths that vary are about 3m, 1m to 10m, or a list") from None


class _Recording(_Spread):
    """None: never."""

    def _deserialize(self, value: Any, *arguments: Any, **options: Any) -> Any:
        return None if value == "never" else super()._deserialize(value, *arguments, **options)


class _Amount(fields.Field[Any]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        word = Amount.NONE if value == 0 and value is not False else value
        if word not in tuple(Amount):
            raise ValidationError('is no amount; write 0, "some" or "all"')
        return Amount(word)


class _Tables(fields.Field[Any]):
    def _deserialize(self, value: Any, attr: str | None, *_: Any, **__: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValidationError(f"is not a list of tables; write [[{attr}]]")
        return value


def _share(field: str) -> fields.Float:
    return number(getattr(EVERYDAY, field), 0, 1, "is no share; write a number from 0 to 1")


def _table(what: str) -> fields.Dict:
    return fields.Dict(load_default=dict, error_messages={"invalid": f"is not a table; write {what}"})


def _schema(known: Mapping[str, Any]) -> Schema:
    return Schema.from_dict(dict(known))(unknown=EXCLUDE)


FILE: Final = _schema(
    {
        "title": text(),
        "shows": text(),
        "stage": one_of(Stage, default=Stage.ACTIVE),
        "calls": _table("[calls]"),
        "settings": _table("[settings]"),
        "changes": _Tables(load_default=list),
        "faults": _Tables(load_default=list),
        "expect": _table("[expect]"),
    }
)
CALLS: Final = _schema(
    {
        "count": fields.Integer(
            strict=True,
            load_default=20,
            validate=validate.Range(1, _MOST_CALLS, error=_HOW_MANY),
            error_messages={"invalid": _HOW_MANY},
        ),
        "over": Span(load_default=None),
        "every": Span(load_default=EVERYDAY.every),
        "sms": _share("sms"),
        "outbound": _share("outbound"),
        "answered": _share("answered"),
        "duration": _Spread(load_default=EVERYDAY.duration),
        "recorded": _share("recorded"),
        "recording": _Recording(load_default=EVERYDAY.recording),
        "text": one_of(("plain", "hostile"), default="plain"),
    }
)
SETTINGS: Final = _schema(settings.SWITCHES)
CHANGE: Final = _schema(
    {"at": Span(load_default=None), "step": one_of(Step, default=None), "next_key": flag(default=False)}
    | settings.SWITCHES
)
EXPECT: Final = _schema({each.name: _Amount(load_default=each.default) for each in dataclass_fields(Expectation)})
