"""A captured request -> its parts: raw HTTP as bytes, or one POST of a HAR file. Reads bytes, no files."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from receiver.errors import KitError

__all__ = ["Capture", "NotACapture", "parse"]

_REQUEST_LINE: Final = re.compile(rb"([A-Za-z]+) +(\S+)( +HTTP/\d(\.\d)?)?[ \t]*")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
# With the line break that ends the chunk before it.
_CHUNK_SIZE: Final = re.compile(rb"(?:\r?\n)?([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")
_ENCODED: Final = re.compile(r"(?:[A-Za-z0-9\-._~*+]|%[0-9A-Fa-f]{2})*")
_NOT_JSON: Final = "begins like a HAR file and is not JSON"


class NotACapture(KitError):
    """What was given is no captured request; the message says what it is and what to give instead."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One request. `length` is its Content-Length; `notes` say what the capture does not keep as it was."""

    content_type: str | None
    body: bytes
    method: str | None = None
    path: str | None = None
    length: int | None = None
    notes: tuple[str, ...] = field(default=())


def parse(data: bytes, *, entry: int | None = None) -> Capture:
    """Raw HTTP or HAR, told apart by how it begins; `entry` counts a HAR's POST requests from 1. Raises NotACapture."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return _parse_har(text, entry or 1)
    if entry is not None:
        raise NotACapture("is no HAR file, so there are no entries to choose from: leave --entry out")
    return _parse_http(text)


def _parse_http(data: bytes) -> Capture:
    if not data:
        raise NotACapture("is empty")
    first = data.split(b"\n", 1)[0].rstrip(b"\r")
    if first.startswith(b"HTTP/"):
        raise NotACapture("begins with a response; give the request: its request line, headers, an empty line, body")
    line = _REQUEST_LINE.fullmatch(first)
    if not line:
        raise NotACapture(
            "is no HTTP request: its first line must be like 'POST /webhook HTTP/1.1', then headers, an empty line and "
            "the body; a HAR file begins with '{'"
        )
    end = _HEAD_END.search(data)
    head, rest = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    headers = dict(_headers(head))
    body, notes = _body(headers, rest)
    if not end:
        notes.append("there is no empty line after the headers, so there is no body")
    return Capture(
        content_type=headers.get("content-type"),
        body=body,
        method=line[1].decode("ascii"),
        path=_path(line[2].decode("latin-1")),
        length=_length(headers),
        notes=tuple(notes),
    )


def _path(target: str) -> str:
    """The path of a request target or URL, as it stands."""
    return re.split(r"[?#]", re.sub(r"^https?://[^/?#]*", "", target), maxsplit=1)[0] or "/"


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    """Names in lower case; of a name given twice the last counts, as it does for gunicorn."""
    for number, line in enumerate(head.decode("latin-1").split("\n")[1:], start=2):
        name, colon, value = line.rstrip("\r").partition(":")
        if not colon and line.strip():
            raise NotACapture(f"is no HTTP request: line {number} is not a header, and an empty line ends the headers")
        yield name.strip().lower(), value.strip()


def _length(headers: Mapping[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if re.fullmatch(r"[0-9]{1,15}", value) else None


def _body(headers: Mapping[str, str], rest: bytes) -> tuple[bytes, list[str]]:
    notes = []
    if "chunked" in headers.get("transfer-encoding", "").lower():
        whole = _unchunked(rest)
        if whole is None:
            notes.append("the headers say chunked and the body is not in chunks: it is taken as it stands")
        rest = rest if whole is None else whole
    elif (length := _length(headers)) is not None and len(rest) > length:
        if rest[length:].strip():
            notes.append(f"Content-Length is {length}, and {len(rest)} bytes follow the headers: all are taken")
        else:
            rest = rest[:length]  # an editor's line break
    if (coding := headers.get("content-encoding", "identity").lower()) != "identity":
        notes.append(f"the body is compressed ({coding}): the receiver reads bodies as they are, so switch that off")
    return rest, notes


def _unchunked(data: bytes) -> bytes | None:
    pieces: list[bytes] = []
    at = 0
    while size := _CHUNK_SIZE.match(data, at):
        count = int(size[1], 16)
        if not count:
            return b"".join(pieces)
        at = size.end() + count
        if at > len(data):
            return None
        pieces.append(data[size.end() : at])
    return None


def _parse_har(data: bytes, number: int) -> Capture:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise NotACapture(f"{_NOT_JSON}: {error}") from None
    except RecursionError:
        raise NotACapture(f"{_NOT_JSON} that can be read: it is nested too deeply") from None
    entries = _member(_member(document, "log", dict), "entries", list)
    if entries is None:
        raise NotACapture(
            "is JSON and no HAR file (log.entries is missing); for a body alone, put its request line, its headers and "
            "an empty line in front"
        )
    requests = [request for item in entries if (request := _member(item, "request", dict))]
    posts = [request for request in requests if str(request.get("method")).upper() == "POST"]
    if not 1 <= number <= len(posts):
        raise NotACapture(f"has {len(posts)} POST among its {len(entries)} entries, so there is no number {number}")
    return _har_request(posts[number - 1])


def _har_request(request: dict[str, Any]) -> Capture:
    data = _member(request, "postData", dict) or {}
    headers = {
        name.lower(): value
        for header in _member(request, "headers", list) or ()
        if (name := _member(header, "name", str)) and (value := _member(header, "value", str)) is not None
    }
    body, note = _har_body(data)
    return Capture(
        content_type=headers.get("content-type") or _member(data, "mimeType", str),
        body=body,
        method="POST",
        path=_path(_member(request, "url", str) or ""),
        notes=(note,) if note else (),
    )


def _har_body(data: dict[str, Any]) -> tuple[bytes, str]:
    text = _member(data, "text", str)
    if text and "base64" in (data.get("encoding"), data.get("_encoding")):
        try:
            return base64.b64decode(text, validate=True), ""
        except ValueError:
            raise NotACapture("says that the body is base64, and it is not") from None
    if text:
        return text.encode("utf-8", "surrogatepass"), ""
    pairs = [
        (_member(item, "name", str) or "", _member(item, "value", str) or "")
        for item in _member(data, "params", list) or ()
    ]
    if not pairs:
        return b"", "the HAR file holds no body for this request"
    # Browsers differ in whether they keep params as sent or decoded; what was decoded holds what cannot be sent so.
    sent = all(_ENCODED.fullmatch(part) for pair in pairs for part in pair)
    written = [pair if sent else tuple(quote_plus(part, errors="surrogatepass") for part in pair) for pair in pairs]
    note = "the HAR file holds the form's parameters and not its bytes: these were put together again"
    return "&".join("=".join(pair) for pair in written).encode("utf-8", "surrogatepass"), note


def _member(value: object, name: str, kind: type[Any]) -> Any:
    """A member of what may be an object, if it is of that kind."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else None
