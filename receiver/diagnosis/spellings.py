"""The ways in which one payload, or one signature, is written differently between who signs and who verifies.

A signature is over bytes. Each spelling here is what some software on the way is known to make of the same data; the
doctor tries them all. Nothing is accepted because of them: they only tell what has to change.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from receiver import wire

__all__ = ["RESPELT_UP_TO", "Spelling", "apparent", "payloads", "signs"]

T = TypeVar("T", bytes, str)

# Sixty copies of more than this help nobody: Kaisa's bodies have a few thousand bytes.
RESPELT_UP_TO: Final = 1_048_576

_REWRITTEN: Final = (
    "something between Kaisa and this receiver reads the body and writes it anew (an API gateway, a serverless "
    "adapter, a firewall that normalises, a relay of your own): make it pass the body on byte for byte. If there is "
    "nothing in between, Kaisa signs another spelling than it sends: report it, no setting covers that"
)
_LAYERED: Final = (
    "one layer of percent-encoding or quoting too many or too few: something in between decodes or encodes the body "
    "once (a gateway, a function that is handed the form already parsed): make it pass the body on byte for byte. If "
    "there is nothing in between, Kaisa signs before or after another layer: report it, no setting covers that"
)
_ENDS: Final = (
    "line breaks or white space were added or removed, mostly where a request is copied or relayed (an editor, a "
    "shell's echo, curl --data where --data-binary is meant): pass the body on byte for byte. If there is nothing in "
    "between, Kaisa adds them before it signs: report it, no setting covers that"
)
_LAYOUT: Final = (
    "the signature is not over 'payload' but over more of the body: the layout that docs/contract.md assumes is not "
    "the one in use, and no setting covers another: report it with this output"
)
_UNESCAPED: Final = (
    "the '+' of the base64 arrived as a space: whoever writes the form must percent-encode it as %2B; if something in "
    "between writes the form anew, make it pass the body on byte for byte"
)
_SIGN_REWRITTEN: Final = (
    "'sign' must be one plain line of text; mend what adds to it or takes from it (base64 with line breaks, one "
    "encoding too many, white space of a template): if that is Kaisa itself, report it, no setting covers that"
)


@dataclass(frozen=True, slots=True)
class Spelling(Generic[T]):
    """What was signed may have been written like this. `remedy` is empty for what arrived as it arrived."""

    name: str
    data: T
    remedy: str = ""


class _Encoder(NamedTuple):
    """How some software percent-encodes: what it keeps beside letters, digits and `_.-`."""

    name: str
    kept: str
    plus: bool = False

    def encode(self, data: bytes) -> bytes:
        text = quote_from_bytes(data, safe=self.kept)
        text = text.replace("~", "%7E") if "~" not in self.kept else text
        return (text.replace("%20", "+") if self.plus else text).encode()


_ENCODERS: Final = (
    _Encoder("quote_plus of Python", "~", plus=True),
    _Encoder("urlencode of PHP", "", plus=True),
    _Encoder("the form encoding of browsers and Java", "*", plus=True),
    _Encoder("RFC 3986, rawurlencode of PHP", "~"),
    _Encoder("encodeURIComponent of JavaScript", "~!'()*"),
)
_CASES: Final = ("%2F", "%2f")
_SERIALISERS: Final = (("compact", None, (",", ":")), ("with spaces", None, (", ", ": ")), ("indented", 4, (",", ": ")))
_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_JSON_ESCAPE: Final = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+|\\.", re.DOTALL)
_JSON_PAYLOAD: Final = re.compile(rb'"payload"\s*:\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_ALPHABETS: Final = {
    "hex": re.compile(r"(?:[0-9A-Fa-f]{2})+"),
    "base64": re.compile(r"(?=(?:.{4})+\Z)[A-Za-z0-9+/]+={0,2}"),
    "base64url": re.compile(r"[A-Za-z0-9_-]+={0,2}"),
}


def apparent(sign: str) -> tuple[tuple[str, int], ...]:
    """The encodings a signature can be read in, and how many bytes it then has."""
    digits = len(sign.rstrip("="))
    sizes = {"hex": digits // 2, "base64": digits * 3 // 4, "base64url": digits * 3 // 4}
    return tuple((name, sizes[name]) for name, alphabet in _ALPHABETS.items() if alphabet.fullmatch(sign))


def signs(sign: str) -> Iterator[Spelling[str]]:
    """The signature as it came, then its other spellings, each once."""
    line = re.sub(r"[\r\n\t]", "", sign.strip())
    found = [
        Spelling("as it came", sign),
        Spelling("without the white space around it", sign.strip(), _SIGN_REWRITTEN),
        Spelling("joined into one line", re.sub(r"\s", "", sign), _SIGN_REWRITTEN),
        Spelling("with '+' where spaces stand", line.replace(" ", "+"), _UNESCAPED),
        Spelling("percent-decoded once more", re.sub(r"\s", "", unquote(sign)), _SIGN_REWRITTEN),
        Spelling(r"with '\/' read as '/'", sign.replace("\\/", "/"), _SIGN_REWRITTEN),
    ]
    padded = [
        Spelling(f"{each.name}, with its '=' at the end", each.data + "=" * (-len(each.data) % 4), _SIGN_REWRITTEN)
        for each in found
    ]
    return _once([*found, *padded])


def payloads(payload: bytes | None, body: bytes, encoding: str) -> Iterator[Spelling[bytes]]:
    """The payload as it came, then its other spellings, each once, then more of the body than the payload."""
    if payload is None:
        return _once(_envelopes(body, encoding))
    came = Spelling("as it came", payload)
    if len(body) > RESPELT_UP_TO:
        return iter([came])
    return _once(
        chain(
            [came],
            _ends(payload),
            _spaces(payload),
            _forms(payload),
            _layers(payload, body),
            _json_texts(payload),
            _envelopes(body, encoding),
        )
    )


def _once(spellings: Iterable[Spelling[T]]) -> Iterator[Spelling[T]]:
    seen: set[T] = set()
    for spelling in spellings:
        if spelling.data not in seen:
            seen.add(spelling.data)
            yield spelling


def _ends(payload: bytes) -> Iterator[Spelling[bytes]]:
    unix = payload.replace(b"\r\n", b"\n")
    yield Spelling("without the line break at its end", payload.rstrip(b"\r\n"), _ENDS)
    yield Spelling("without the white space around it", payload.strip(), _ENDS)
    yield Spelling("with a line break (LF) at its end", payload + b"\n", _ENDS)
    yield Spelling("with a line break (CRLF) at its end", payload + b"\r\n", _ENDS)
    yield Spelling("with CRLF line breaks as LF", unix, _ENDS)
    yield Spelling("with LF line breaks as CRLF", unix.replace(b"\n", b"\r\n"), _ENDS)


def _spaces(payload: bytes) -> Iterator[Spelling[bytes]]:
    written = {"'+'": b"+", "'%20'": b"%20", "a plain space": b" "}
    for (old, old_bytes), (new, new_bytes) in product(written.items(), repeat=2):
        yield Spelling(f"with {new} in place of {old}", payload.replace(old_bytes, new_bytes), _REWRITTEN)
    yield Spelling("with '&amp;' in place of '&'", payload.replace(b"&", b"&amp;"), _REWRITTEN)
    yield Spelling("with '&' in place of '&amp;'", payload.replace(b"&amp;", b"&"), _REWRITTEN)


def _forms(payload: bytes) -> Iterator[Spelling[bytes]]:
    """The payload as form data that another program encoded."""
    if b"=" not in payload:
        return
    pairs = [
        [unquote_to_bytes(part.replace(b"+", b" ")) for part in piece.split(b"=", 1)] for piece in payload.split(b"&")
    ]
    for case, encoder in product(_CASES, _ENCODERS):
        written = b"&".join(b"=".join(map(encoder.encode, pair)) for pair in pairs)
        yield Spelling(f"percent-encoded anew as {case} ({encoder.name})", _cased(written, case), _REWRITTEN)
    for case in _CASES:
        yield Spelling(f"with its percent-encoding written as {case}", _cased(payload, case), _REWRITTEN)


def _cased(text: bytes, case: str) -> bytes:
    return _ESCAPE.sub(lambda found: found[0].upper() if case == "%2F" else found[0].lower(), text)


def _layers(payload: bytes, body: bytes) -> Iterator[Spelling[bytes]]:
    """One layer of encoding more or less."""
    for piece in body.split(b"&"):
        if piece.startswith(b"payload="):
            yield Spelling("still percent-encoded, as it stands in the body", piece[8:], _LAYERED)
    for found in _JSON_PAYLOAD.finditer(body):
        yield Spelling("still escaped, as it stands between the quotes of the body", found[1], _LAYERED)
    yield Spelling("percent-decoded once more", unquote_to_bytes(payload.replace(b"+", b" ")), _LAYERED)
    yield Spelling("percent-decoded once more, '+' kept", unquote_to_bytes(payload), _LAYERED)
    for case, encoder in product(_CASES, _ENCODERS):
        written = _cased(encoder.encode(payload), case)
        yield Spelling(f"percent-encoded once more as {case} ({encoder.name})", written, _LAYERED)
    if (text := _text(payload)) is not None:
        yield Spelling("as a JSON string, in quotes", json.dumps(text).encode(), _LAYERED)


def _json_texts(payload: bytes) -> Iterator[Spelling[bytes]]:
    """The payload as JSON that another program wrote."""
    text = _text(payload)
    value = _json_value(text)
    if text is None or value is None:
        return
    if isinstance(value, str):
        yield Spelling("read as the JSON string it is", _bytes(value), _LAYERED)
        return
    slashes = {"": text, r"'\/' for '/'": re.sub(r"(?<!\\)/", r"\/", text), r"'/' for '\/'": text.replace("\\/", "/")}
    for slash, changed in slashes.items():
        escapes = {"": changed, r"'\uXXXX' for letters": _escaped(changed), r"letters for '\uXXXX'": _raw(changed)}
        for escape, written in escapes.items():
            name = " and ".join(filter(None, (slash, escape)))
            yield Spelling(f"with {name}" if name else "as it came", _bytes(written), _REWRITTEN)
    for how, written in _serialised(value):
        yield Spelling(f"as JSON written anew: {how}", _bytes(written), _REWRITTEN)


def _serialised(value: object) -> Iterator[tuple[str, str]]:
    for (layout, indent, separators), plain, slash in product(_SERIALISERS, (True, False), (True, False)):
        try:
            text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=plain)
        except (ValueError, RecursionError):
            return
        letters, slashes = r"'\uXXXX'" if plain else "raw letters", r"'\/'" if slash else "'/'"
        yield f"{layout}, {letters}, {slashes}", text.replace("/", "\\/") if slash else text


def _escaped(text: str) -> str:
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _raw(text: str) -> str:
    def letter(found: re.Match[str]) -> str:
        read = json.loads(f'"{found[0]}"') if found[0].startswith("\\u") else "\\"
        return found[0] if _NOT_ASCII.fullmatch(read[:1]) is None else str(read)

    return _JSON_ESCAPE.sub(letter, text)


def _envelopes(body: bytes, encoding: str) -> Iterator[Spelling[bytes]]:
    """More than the payload: all that was sent, or all but the signature."""
    if len(body) > RESPELT_UP_TO:
        return
    yield Spelling("the whole body", body, _LAYOUT)
    if encoding == wire.FORM:
        pieces = body.split(b"&")
        rest = b"&".join(piece for piece in pieces if piece.partition(b"=")[0] != wire.SIGN.encode())
        yield Spelling("the body without its 'sign', as it stands", rest, _LAYOUT)
        yield Spelling("the body without its 'sign', percent-decoded", unquote_to_bytes(rest), _LAYOUT)
        return
    value = _json_value(_text(body))
    if isinstance(value, dict):
        members = {name: member for name, member in value.items() if name != wire.SIGN}
        for how, written in _serialised(members):
            yield Spelling(f"the body without its 'sign', as JSON: {how}", _bytes(written), _LAYOUT)


def _json_value(text: str | None) -> object:
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
