"""Content type and bytes -> wire values, byte-exact.

A signature is over bytes, so nothing is decoded twice, guessed or written anew: a form is taken apart at its `&` and
`=` before anything else touches it, and a JSON `payload` that is an object is cut out of the body as it stands.
Framework parsers are not used: they repair what they cannot read, and what they repaired no longer verifies.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Never, TypeVar
from urllib.parse import unquote_to_bytes

from receiver import wire
from receiver.errors import SignatureWrong, UnreadableBody, UnsupportedContentType, shown

__all__ = ["Body", "Envelope", "decode"]

V = TypeVar("V")

_ENCODINGS = {content_type: encoding for encoding, content_type in wire.CONTENT_TYPES.items()}
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_WORDS: Final = {None: "", True: "true", False: "false"}
_BLANK = re.compile(r"[ \t\n\r]*")
# Kaisa's JSON is flat. What is read is written again later, and Python writes less deeply than it reads.
_MAX_DEPTH: Final = 32


@dataclass(frozen=True, slots=True)
class Envelope:
    """The outer layer of a signed body (C7): the exact bytes the signature is over, and the signature as sent."""

    payload: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Body:
    """A body with its outer layer taken off; what an envelope holds is not looked at before it is asked for."""

    encoding: str
    payload: bytes
    envelope: Envelope | None = None
    bare_values: dict[str, object] = field(default_factory=dict)

    def values(self) -> dict[str, object]:
        """Wire name -> text, in the body's order; null is empty text, a JSON list or object stays one.

        An envelope is opened once: an envelope inside it is data like any other. Raises UnreadableBody.
        """
        if not self.envelope:
            values = self.bare_values
        elif self.encoding == wire.FORM:
            values = _form_values(_form_pairs(self.payload))
        else:
            values = _json_values(_json_object(_text(self.payload, "payload")))
        if not values:
            raise UnreadableBody("the body holds no data", code="empty-body")
        return values


def decode(content_type: str | None, body: bytes) -> Body:
    """Take the outer layer off a body. Raises UnsupportedContentType, UnreadableBody, and SignatureWrong: no text."""
    encoding = _encoding(content_type)
    return _decode_form(body) if encoding == wire.FORM else _decode_json(body)


def _encoding(content_type: str | None) -> str:
    if not content_type:
        raise UnsupportedContentType("the request has no Content-Type header")
    media_type, _, parameters = content_type.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(" \"'").lower() not in _CHARSETS:
            raise UnsupportedContentType(f"the content type names charset {shown(value.strip())}; Kaisa sends UTF-8")
    try:
        return _ENCODINGS[media_type.strip().lower()]
    except KeyError:
        raise UnsupportedContentType(f"the content type is {shown(media_type.strip())}") from None


def _decode_form(body: bytes) -> Body:
    pairs = _form_pairs(body)
    payload, signature = pairs.get(wire.PAYLOAD), pairs.get(wire.SIGN)
    if payload is not None and signature:
        return Body(wire.FORM, payload, Envelope(payload, _text(signature, wire.SIGN)))
    return Body(wire.FORM, body, bare_values=_form_values(pairs))


def _form_pairs(data: bytes) -> dict[str, bytes]:
    """Name -> value bytes after one decoding, and only one."""
    if bad := _BAD_ESCAPE.search(data):
        raise UnreadableBody(f"'%' at byte {bad.start()} is not followed by two hex digits", code="malformed-form")
    pairs = []
    for piece in data.replace(b"+", b" ").split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((_text(_unquoted(name), "a name in the form"), _unquoted(value)))
    return _unique(pairs)


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text) if b"%" in text else text


def _form_values(pairs: dict[str, bytes]) -> dict[str, object]:
    return {name: _text(value, name) for name, value in pairs.items()}


def _decode_json(body: bytes) -> Body:
    text = _text(body, "body")
    members = _json_object(text)
    payload, signature = members.get(wire.PAYLOAD), members.get(wire.SIGN)
    if payload is None or signature in (None, ""):
        return Body(wire.JSON, body, bare_values=_json_values(members))
    if not isinstance(payload, str | dict):
        raise UnreadableBody("'payload' must be text or an object", code="malformed-json")
    if not isinstance(signature, str):
        raise SignatureWrong("'sign' is not text", code="signature-malformed")
    exact = payload if isinstance(payload, str) else _source_of_member(text, wire.PAYLOAD)
    signed = exact.encode("utf-8", "surrogatepass")
    return Body(wire.JSON, signed, Envelope(signed, signature))


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UnreadableBody(f"not JSON: {error.msg} at {where}", code="malformed-json") from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        raise UnreadableBody("the JSON is not an object", code="malformed-json")
    level: list[object] = [value]
    for _ in range(_MAX_DEPTH):
        level = [inner for outer in level for inner in _members(outer)]
    if level:
        raise _too_deep()
    return value


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> UnreadableBody:
    return UnreadableBody("not read: the JSON is nested too deeply", code="malformed-json")


def _json_values(members: dict[str, Any]) -> dict[str, object]:
    return {name: _plain(value) for name, value in members.items()}


def _plain(value: object) -> object:
    return _WORDS[value] if value is None or isinstance(value, bool) else value


def _source_of_member(text: str, name: str) -> str:
    """The text of one member of a valid JSON object, as it stands; `name` is known to be in it once."""
    at = _skip_blank(text, _skip_blank(text, 0) + 1)
    while True:
        key, at = _decoder.raw_decode(text, at)
        start = _skip_blank(text, _skip_blank(text, at) + 1)
        _, end = _decoder.raw_decode(text, start)
        if key == name:
            return text[start:end]
        at = _skip_blank(text, _skip_blank(text, end) + 1)


def _skip_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _text(data: bytes, what: str) -> str:
    # surrogatepass: a lone surrogate in a value comes out as it went in.
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        detail = f"{shown(what)} is not UTF-8: byte 0x{data[error.start]:02X} at {error.start}"
        raise UnreadableBody(detail, code="not-utf-8") from None


def _unique(pairs: Sequence[tuple[str, V]]) -> dict[str, V]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        detail = f"{shown(twice)} occurs twice; which one counts would be a guess"
        raise UnreadableBody(detail, code="duplicate-field")
    return values


def _refuse_constant(name: str) -> Never:
    raise UnreadableBody(f"{name} is not JSON", code="malformed-json")


# Numbers keep the digits they were sent with; a name given twice is refused at any depth.
_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
