"""Valid bodies, and what chance makes of them, drawn from one `Random`: the same seed, the same requests."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Final
from urllib.parse import quote_from_bytes, urlencode

from tests.calls import FORM, JSON, POST_CALL, PRE_CALL, SMS, form, json_text

__all__ = ["Corpus", "Signing"]

Signing = Callable[[bytes], bytes]
Request = tuple[str | None, bytes]

# What means something to a decoder, a database, a log or a page.
_TOKENS: Final = (
    *(b"%", b"%0", b"%00", b"%zz", b"%25", b"%ff", b"%C3%28", b"%ED%A0%80", b"+", b"&", b"&&", b"=", b"==", b";"),
    *(b"payload=", b"&sign=", b"&payload=x&sign=y", b"&event_type=9", b"&id=", b"&id=other"),
    *(b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"\\udc00", b"\\u", b"{", b"}", b"[", b"]", b",", b":", b"null"),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"0" * 40, b"9" * 5000, b"true", b'"id":', b'"payload":{', b'"sign":""'),
    *(b"[" * 3000, b'{"a":' * 40, b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00"),
    *(
        b"\r\n",
        b"\n",
        b"\x1b[31m",
        "\u202e".encode(),
        "١٢٣".encode(),
        "🙂".encode(),
        b"<script>",
        b"=cmd|' /C calc'!A0",
    ),
)
_CONTENT_TYPES: Final = (
    *(None, "", "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/*"),
    *("APPLICATION/JSON ; Charset=UTF-8", "application/x-www-form-urlencoded;charset=\xe9", "application/json;" * 50),
)
_HOSTILE_VALUES: Final = (
    "",
    "\0",
    "\ud83d",
    "a&b=c%",
    "٣",
    "-1",
    "1e9",
    "9" * 30,
    "x" * 3000,
    '{"append":1}',
    "+46 70\n",
)


class Corpus:
    """Requests to begin with, and mutations of them. `sign` is given a payload and returns its signature's bytes."""

    def __init__(self, random: Random, sign: Signing, *, signed_payloads: int) -> None:
        self._random = random
        self.payloads: set[bytes] = set()  # everything that has ever been signed
        self._bare = list(_bare())
        self._signed = list(self._signed_bodies(sign, signed_payloads))

    def request(self) -> Request:
        """A content type and a body: sometimes as it should be, mostly not."""
        content_type, body = self._random.choice(self._signed if self._random.random() < 0.5 else self._bare)
        for _ in range(self._random.choice((0, 1, 1, 1, 1, 2, 2, 5))):
            body = self._mutated(body)
        if self._random.random() < 0.03:
            return self._random.choice((*_CONTENT_TYPES, FORM, JSON)), body
        return content_type, body

    def raw(self, target: bytes) -> bytes:
        """A whole HTTP/1.1 request: a mutated body under a head that fits, or all of it mutated."""
        content_type, body = self.request()
        head = b"%b\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %b\r\n" % (
            target,
            _as_header(content_type),
        )
        if self._random.random() < 0.2:
            whole = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            whole = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        return self._mutated(whole) if self._random.random() < 0.5 else whole

    def _signed_bodies(self, sign: Signing, count: int) -> Iterator[Request]:
        """Payloads that were signed as they are, most of them broken: what a signature lets through is read, too."""
        for number in range(count):
            content_type, payload = self._random.choice(self._bare)
            for _ in range(0 if number < len(self._bare) else self._random.choice((1, 1, 2))):
                payload = self._mutated(payload)
            self.payloads.add(payload)
            signature = base64.b64encode(sign(payload)).decode()
            if content_type == FORM:
                yield (
                    FORM,
                    b"payload=" + quote_from_bytes(payload).encode() + b"&" + urlencode({"sign": signature}).encode(),
                )
                continue
            if _is_utf8(payload):
                yield JSON, json_text({"payload": payload.decode(), "sign": signature})
            yield JSON, b'{"payload": ' + payload + b', "sign": "' + signature.encode() + b'"}'

    def _mutated(self, body: bytes) -> bytes:
        return self._random.choice(_MUTATIONS)(self._random, body, self._bare)


def _bare() -> Iterator[Request]:
    """Unsigned bodies that are accepted."""
    for values in (POST_CALL, PRE_CALL, SMS, {**POST_CALL, "details": "åäö 🙂 \ud83d <b>&=%+"}):
        yield FORM, form(values)
        yield JSON, json_text(values)
        yield JSON, json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
    for name in POST_CALL:
        for value in _HOSTILE_VALUES:
            yield FORM, form({**POST_CALL, name: value})
            yield JSON, json_text({**POST_CALL, name: value})
    for odd in (None, True, 12, -1.5, [], {}, [[1]], {"a": {"b": None}}):
        yield JSON, json_text({**POST_CALL, "duration": odd, "other": odd})


def _as_header(content_type: str | None) -> bytes:
    return (content_type or "").encode("latin-1", "replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


Others = Sequence[Request]
_Mutation = Callable[[Random, bytes, Others], bytes]


def _span(random: Random, body: bytes) -> tuple[int, int]:
    start = random.randrange(len(body) + 1)
    return start, min(len(body), start + random.choice((1, 2, 8, 64, 1024)))


def _flip_a_bit(random: Random, body: bytes, _: Others) -> bytes:
    if not body:
        return body
    at = random.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << random.randrange(8)]) + body[at + 1 :]


def _replace_a_byte(random: Random, body: bytes, _: Others) -> bytes:
    at = random.randrange(len(body) + 1)
    return body[:at] + bytes([random.randrange(256)]) + body[at + 1 :]


def _insert_a_token(random: Random, body: bytes, _: Others) -> bytes:
    at = random.randrange(len(body) + 1)
    return body[:at] + random.choice(_TOKENS) + body[at:]


def _cut_out(random: Random, body: bytes, _: Others) -> bytes:
    start, end = _span(random, body)
    return body[:start] + body[end:]


def _cut_off(random: Random, body: bytes, _: Others) -> bytes:
    return body[: random.randrange(len(body) + 1)]


def _repeat(random: Random, body: bytes, _: Others) -> bytes:
    start, end = _span(random, body)
    return (body[:end] + body[start:end] * random.choice((1, 2, 30)) + body[end:])[:200_000]


def _splice(random: Random, body: bytes, others: Others) -> bytes:
    _, other = random.choice(others)
    return body[: random.randrange(len(body) + 1)] + other[random.randrange(len(other) + 1) :]


def _escape(random: Random, body: bytes, _: Others) -> bytes:
    """Percent-encode a span: the same to a form, other bytes to a signature."""
    start, end = _span(random, body)
    return body[:start] + b"".join(b"%%%02x" % byte for byte in body[start:end]) + body[end:]


def _encode_anew(_random: Random, body: bytes, _: Others, *, encoding: str) -> bytes:
    return body.decode("latin-1").encode(encoding, "replace")


def _swap_pairs(random: Random, body: bytes, _: Others) -> bytes:
    pieces = body.split(b"&")
    random.shuffle(pieces)
    return b"&".join(pieces)


_MUTATIONS: Final[tuple[_Mutation, ...]] = (
    *(_flip_a_bit, _flip_a_bit, _replace_a_byte, _insert_a_token, _insert_a_token, _cut_out, _cut_off),
    *(_repeat, _splice, _escape, _swap_pairs),
    *(partial(_encode_anew, encoding="utf-16"), partial(_encode_anew, encoding="utf-8")),
)
