"""A captured request -> its method, target, headers and body: from raw HTTP/1.1, or from one entry of a HAR file."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["LONGEST", "Captured", "NotACapture", "read"]

# A request of Kaisa has a few thousand bytes; a HAR file has many requests, and their answers.
LONGEST: Final = 16 * 1024 * 1024

_REQUEST_LINE: Final = re.compile(rb"([A-Za-z]+) (\S+)(?: HTTP/\d(?:\.\d)?)?[ \t]*")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_ORIGIN: Final = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)
_LINE_END: Final = re.compile(rb"\r?\n")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")

Headers = Sequence[tuple[str, str]]


class NotACapture(ValueError):
    """What was given is no captured request; the message says what it is, and what to give."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One request as it came in; `notes` say what of it was mended or chosen."""

    method: str
    target: str
    headers: Headers
    body: bytes
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Path and query of the target."""
        return _ORIGIN.sub("", self.target).partition("#")[0] or "/"

    def header(self, name: str) -> str | None:
        """The last header of that name, in whatever case."""
        return next((value for known, value in reversed(self.headers) if known.lower() == name.lower()), None)


def read(data: bytes, *, entry: int | None = None) -> Captured:
    """The request of a file, told by how it begins; `entry` counts those of a HAR file from 1. Raises NotACapture."""
    if len(data) > LONGEST:
        raise NotACapture(f"is over {LONGEST} bytes: cut the one request out of it")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip().startswith((b"{", b"[")):
        return _of_har(data, entry)
    if entry is not None:
        raise NotACapture("is no HAR file, so there are no entries to choose from: leave --entry out")
    return _of_http(data.lstrip(b"\r\n"))


def _of_http(data: bytes) -> Captured:
    end = _HEAD_END.search(data)
    line, *fields = (data[: end.start()] if end else data).split(b"\n")
    found = _REQUEST_LINE.fullmatch(line.rstrip(b"\r"))
    if not found:
        raise NotACapture(
            "is no captured request: its first line must be like 'POST /webhook HTTP/1.1', then headers, an empty line "
            "and the body; a HAR file begins with '{'"
        )
    if not end:
        raise NotACapture("has no empty line after its headers, so it has no body")
    headers = [_header(field, number) for number, field in enumerate(fields, start=2)]
    captured = Captured(found[1].decode("ascii"), found[2].decode("latin-1"), headers, data[end.end() :])
    return _with_body(captured)


def _header(line: bytes, number: int) -> tuple[str, str]:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon:
        raise NotACapture(f"is no captured request: line {number} is no header, and an empty line ends the headers")
    return name.strip(), value.strip()


def _with_body(captured: Captured) -> Captured:
    """The body without its chunks, and without the line break that an editor adds to a file."""
    body, notes = captured.body, []
    if "chunked" in (captured.header("Transfer-Encoding") or "").lower():
        body = _unchunked(body)
    told = captured.header("Content-Length") or ""
    if _LENGTH.fullmatch(told) and len(body) != (length := int(told)):
        if len(body) < length or body[length:].strip():
            notes.append(f"Content-Length is {length}, and {len(body)} bytes follow the headers: all are compared")
        else:
            body = body[:length]
    return Captured(captured.method, captured.target, captured.headers, body, tuple(notes))


def _unchunked(data: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while size := _CHUNK.match(data, at):
        count = int(size[1], 16)
        if not count:
            return b"".join(pieces)
        pieces.append(data[size.end() : size.end() + count])
        after = _LINE_END.match(data, size.end() + count)
        if not after:
            break
        at = after.end()
    raise NotACapture("says that its body is chunked, and it is not: take its Transfer-Encoding out")


def _of_har(data: bytes, entry: int | None) -> Captured:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotACapture(f"begins like a HAR file and cannot be read as one: {error}") from None
    entries = _member(_member(document, "log", dict), "entries", list)
    if entries is None:
        raise NotACapture("is JSON and no HAR file: log.entries is missing")
    number = entry or 1
    if number > len(entries):
        raise NotACapture(f"has {len(entries)} entries, so there is no number {number}")
    request = _member(entries[number - 1], "request", dict)
    if request is None:
        raise NotACapture(f"has no request in its entry {number}")
    chosen = entry is None and len(entries) > 1
    note = f"the first of {len(entries)} entries is compared; --entry chooses another"
    return Captured(
        _member(request, "method", str) or "",
        _member(request, "url", str) or "",
        [
            (_member(header, "name", str) or "", _member(header, "value", str) or "")
            for header in _member(request, "headers", list) or ()
        ],
        _har_body(_member(request, "postData", dict)),
        (note,) if chosen else (),
    )


def _har_body(data: dict[str, Any] | None) -> bytes:
    text: str | None = _member(data, "text", str)
    if text is None:
        if _member(data, "params", list):
            raise NotACapture("holds the parameters of a form and not its bytes: capture raw HTTP")
        return b""
    if "base64" not in (_member(data, "encoding", str), _member(data, "_encoding", str)):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise NotACapture("says that the body is base64, and it is not") from None


def _member(value: object, name: str, kind: type[Any]) -> Any:
    """A member of what may be an object, if it is of that kind."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else None
