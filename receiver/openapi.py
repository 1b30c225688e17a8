"""The receiver as an OpenAPI 3.1 document: made from the settings, the macro, the event's schema and the errors."""

import re
from collections.abc import Iterator
from typing import Any, Final

from marshmallow import fields

from receiver import event, wire
from receiver.config import Settings
from receiver.errors import MethodNotAllowed, NotFound, Refusal, SignatureMissing
from receiver.macro import Macro, Pair, Placeholder

__all__ = ["document", "refusals"]

Json = dict[str, Any]

_PROBLEM: Final = "application/problem+json"
_MEANINGS: Final = {field.name: field.meaning for field in wire.FIELDS}
_DAY: Final = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"

# Patterns are JavaScript's, which knows fewer escapes than Python's.
_ANYTHING: Final = r"[\s\S]*"
_SPECIAL: Final = re.compile(r"[\\^$.*+?()\[\]{}|/]")

# Answers of other paths and methods than the webhook's.
_ELSEWHERE: Final = (NotFound, MethodNotAllowed)


def document(settings: Settings) -> Json:
    """The webhook as it answers with these settings."""
    signed = bool(settings.trusted_keys)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kaisa webhook receiver", "version": "1", "description": _description(signed=signed)},
        "paths": {settings.webhook_path: {"post": _operation(settings, signed=signed)}},
        "components": {"schemas": _schemas(settings.macro)},
    }


def refusals(*, signed: bool) -> Iterator[type[Refusal]]:
    """The refusals a webhook may be answered with."""
    unused = _ELSEWHERE if signed else (*_ELSEWHERE, SignatureMissing)
    return (kind for kind in Refusal.__subclasses__() if kind not in unused)


def _description(*, signed: bool) -> str:
    trust = "Only signed requests are accepted." if signed else "Unsigned requests are accepted, from anyone."
    return f"{trust} Everything but 200 makes Kaisa try again in 30 minutes, for 7 days."


def _operation(settings: Settings, *, signed: bool) -> Json:
    limit = f"At most {settings.max_body} bytes, in UTF-8, each name once."
    return {
        "operationId": "receiveCallEvent",
        "summary": "Take in an event of a call",
        "requestBody": {
            "required": True,
            "description": limit,
            "content": {
                wire.CONTENT_TYPES[encoding]: {"schema": _body(encoding, signed=signed)}
                for encoding in (wire.FORM, wire.JSON)
            },
        },
        "responses": {str(wire.SUCCESS): _accepted(), **_refused(signed=signed)},
    }


def _body(encoding: str, *, signed: bool) -> Json:
    bare, envelope = _reference(f"{encoding}-event"), _reference(f"{encoding}-envelope")
    # Without trusted keys an envelope is opened all the same; its signature is not looked at.
    return envelope if signed else {"anyOf": [bare, envelope]}


def _accepted() -> Json:
    return {
        "description": "The event is stored and handled.",
        "content": {"application/json": {"schema": _reference("answer")}},
    }


def _refused(*, signed: bool) -> Json:
    by_status: dict[int, list[type[Refusal]]] = {}
    for kind in refusals(signed=signed):
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _refusal(status, kinds) for status, kinds in sorted(by_status.items())}


def _refusal(status: int, kinds: list[type[Refusal]]) -> Json:
    codes = [code for kind in kinds for code in kind.codes or (kind.code,)]
    exact = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {
        "description": "; or: ".join(f"{kind.title}" for kind in kinds) + ".",
        "content": {_PROBLEM: {"schema": {"allOf": [_reference("problem"), exact]}}},
    }


def _schemas(macro: Macro) -> Json:
    return {
        "answer": _ANSWER,
        "problem": _PROBLEM_DOCUMENT,
        **{f"{encoding}-event": _event(macro, encoding) for encoding in (wire.FORM, wire.JSON)},
        **{f"{encoding}-envelope": _envelope(encoding) for encoding in (wire.FORM, wire.JSON)},
    }


def _event(macro: Macro, encoding: str) -> Json:
    sources = {pair.wire_name: name for name, pair in macro.sources.items()}
    names = [pair.wire_name for pair in macro.pairs]
    return {
        "type": "object",
        "description": f"What the macro makes of an event: {macro.text}",
        "properties": {pair.wire_name: _value(pair, sources.get(pair.wire_name), encoding) for pair in macro.pairs},
        # What the macro does not name is kept, what it names may be missing; but not everything.
        "anyOf": [{"required": [name]} for name in dict.fromkeys(names)],
        "additionalProperties": {"type": "string"} if encoding == wire.FORM else True,
    }


def _value(pair: Pair, field: str | None, encoding: str) -> Json:
    if field is None:
        return {"description": "kept under its wire name", **({"type": "string"} if encoding == wire.FORM else {})}
    text = {"type": "string", **_text_of(field, pair)}
    described = {"description": _MEANINGS[field]}
    # In JSON, too, Kaisa sends text; other values are read by the text they are written with.
    other = _not_text(field) if encoding == wire.JSON and len(pair.template) == 1 else None
    return described | ({"anyOf": [text, *other]} if other else text)


def _text_of(field: str, pair: Pair) -> Json:
    inner = _pattern(event.SCHEMA.fields[field])
    if inner is None and len(pair.template) == 1:
        return {}
    parts = (
        f"({inner or _ANYTHING})?" if isinstance(part, Placeholder) else _SPECIAL.sub(r"\\\g<0>", part)
        for part in pair.template
    )
    return {"pattern": f"^{''.join(parts)}$"}


def _pattern(field: fields.Field[Any]) -> str | None:
    """What the text of a field must match; empty text is no value."""
    if isinstance(field, fields.AwareDateTime):
        return f"{_DAY} {_TIME}"
    if isinstance(field, fields.Integer):
        return "[0-9]{1,9}"
    if isinstance(field, fields.Boolean):
        return "1|0|true|false"
    if isinstance(field, fields.Enum):
        return "|".join(str(int(kind)) for kind in event.EventType)
    return None


def _not_text(field: str) -> list[Json]:
    declared = event.SCHEMA.fields[field]
    null: Json = {"type": "null"}
    if isinstance(declared, fields.Integer):
        return [{"type": "integer", "minimum": 0, "maximum": 999_999_999}, null]
    if isinstance(declared, fields.Boolean):
        return [{"type": "boolean"}, {"enum": [0, 1]}, null]
    if isinstance(declared, fields.Enum):
        return [{"enum": [int(kind) for kind in event.EventType]}, null]
    return [null] if isinstance(declared, fields.AwareDateTime) else [{"type": ["number", "boolean"]}, null]


def _envelope(encoding: str) -> Json:
    content = _reference(f"{encoding}-event")
    as_text = {"type": "string", "contentMediaType": wire.CONTENT_TYPES[encoding], "contentSchema": content}
    payload = as_text if encoding == wire.FORM else {"anyOf": [as_text, content]}
    return {
        "type": "object",
        "description": "A signed event. The signature is over the exact bytes of the payload, decoded once.",
        "properties": {wire.PAYLOAD: payload, wire.SIGN: {"type": "string", "minLength": 1}},
        "required": [wire.PAYLOAD, wire.SIGN],
    }


def _reference(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


_ANSWER: Final[Json] = {
    "type": "object",
    "properties": {
        wire.APPEND_KEY: {
            "type": "string",
            "maxLength": wire.APPEND_LIMIT,
            "description": "saved with the call",
        }
    },
    "additionalProperties": False,
}

_TEXT: Final[Json] = {"type": "string"}

_PROBLEM_DOCUMENT: Final[Json] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable: programs may compare it.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": _TEXT,
        "remedy": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": _TEXT, "detail": _TEXT, "remedy": _TEXT},
                "required": ["field", "detail", "remedy"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code", "remedy"],
}
