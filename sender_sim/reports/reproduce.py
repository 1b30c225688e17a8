"""A request -> the shell lines that do the same by hand: send it with curl, sign and verify it with openssl.

The lines are bash, in ASCII, whatever bytes the request holds; paths stand in them as they were given.
"""

import base64
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from yarl import URL

from receiver import wire
from sender_sim.core.delivery import Request
from sender_sim.core.sign import Profile

__all__ = ["Command", "Signing", "commands"]

# As plain as the simulator: no settings file, no proxy, no wild cards in the URL, no waiting for 100 Continue.
_CURL: Final = "curl --disable --silent --show-error --include --http1.1 --noproxy '*' --globoff --header Expect:"
# Linux takes no longer argument; what a pipe brings has no limit.
_LONGEST_ARGUMENT: Final = 100_000
# A body that is too large on purpose.
_RUN: Final = re.compile(rb"(.)\1{4999,}", re.DOTALL)
_PRINTABLE: Final = range(0x20, 0x7F)
_IN_QUOTES: Final = {"'": r"\'"}
_WRITTEN_AS: Final = {
    "base64": "openssl base64 -A",
    "base64url": "openssl base64 -A | tr +/ -_",
    "hex": r"od -An -v -tx1 | tr -d ' \n'",
}
_READ_AS: Final[dict[str, Callable[[str], bytes]]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "base64url": lambda text: base64.b64decode(text, b"-_", validate=True),
    "hex": bytes.fromhex,
}


@dataclass(frozen=True, slots=True)
class Signing:
    """The private key's file, and how it signs."""

    key: Path
    profile: Profile


@dataclass(frozen=True, slots=True)
class Command:
    """One line for a shell, and what it is for."""

    purpose: str
    line: str


def commands(request: Request, *, ca: Path | None = None, signing: Signing | None = None) -> Iterator[Command]:
    """What reproduces a request. `ca` is the file with the endpoint's CA; without `signing` nothing is signed anew."""
    yield Command("send the same request again", _curl(request, ca))
    envelope = _envelope(request)
    if not envelope or not signing:
        return
    payload, sign = envelope
    again = "sign its payload again" + ("; with PSS, no two are the same" if signing.profile.padding == "pss" else "")
    yield Command(again, _sign(payload, signing))
    try:
        signature = _READ_AS[signing.profile.encoding](sign)
    except ValueError:
        return  # it has been tampered with: there is nothing to verify
    yield Command("verify its signature with the public key", _verify(payload, signature, signing))


def _curl(request: Request, ca: Path | None) -> str:
    options = [f"--max-time {request.timeout.total_seconds():g}"]
    options += [f"--cacert {_quoted(str(ca))}"] if ca else []
    options += [f"--header {_quoted(f'{name}: {value}')}" for name, value in request.headers.items()]
    options += [] if request.content_type else ["--header Content-Type:"]  # it would add one
    url = _quoted(str(URL(request.url)))  # as the simulator writes it
    body = request.body
    if request.method != "POST":
        options += [f"--request {request.method}"]
        if not body:
            return " ".join([_CURL, *options, url])
    if _is_plain(body) and len(body) <= _LONGEST_ARGUMENT and not body.startswith(b"@"):
        return " ".join([_CURL, *options, "--data-binary", shlex.quote(body.decode("ascii")), url])
    return " ".join([_writes(body), "|", _CURL, *options, "--data-binary", "@-", url])


def _sign(payload: bytes, signing: Signing) -> str:
    written = _WRITTEN_AS[signing.profile.encoding]
    return f"{_writes(payload)} | {_dgst(signing)} -sign {_quoted(str(signing.key))} | {written}; echo"


def _verify(payload: bytes, signature: bytes, signing: Signing) -> str:
    public = f"<(openssl pkey -in {_quoted(str(signing.key))} -pubout)"
    raw = f"<(printf %s {base64.b64encode(signature).decode('ascii')} | openssl base64 -d -A)"
    return f"{_writes(payload)} | {_dgst(signing)} -verify {public} -signature {raw}"


def _dgst(signing: Signing) -> str:
    options = " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest" if signing.profile.padding == "pss" else ""
    return f"openssl dgst -{signing.profile.digest}{options}"


def _envelope(request: Request) -> tuple[bytes, str] | None:
    """The exact bytes that were signed, and the signature; None: the body is no envelope."""
    in_json = request.content_type == wire.CONTENT_TYPES[wire.JSON]
    # Of a form the bytes are kept: Latin-1 has a character for each.
    charset, errors = ("utf-8", "surrogatepass") if in_json else ("latin-1", "strict")
    text = request.body.decode(charset, "replace")
    try:
        members = json.loads(text) if in_json else dict(parse_qsl(text, keep_blank_values=True, encoding=charset))
    except (ValueError, RecursionError):
        return None
    match members:
        case {wire.PAYLOAD: str(payload), wire.SIGN: str(sign)}:
            return payload.encode(charset, errors), sign
    return None


def _writes(data: bytes) -> str:
    """A command that writes exactly these bytes; a long run of one byte is not spelt out."""
    pieces, at = [], 0
    for run in _RUN.finditer(data):
        count = run.end() - run.start()
        pieces += [_prints(data[at : run.start()])] if at < run.start() else []
        pieces.append(f"head -c {count} /dev/zero | tr '\\0' '\\{run[1][0]:03o}'")
        at = run.end()
    pieces += [_prints(data[at:])] if at < len(data) or not pieces else []
    return pieces[0] if len(pieces) == 1 else f"{{ {'; '.join(pieces)}; }}"


def _prints(data: bytes) -> str:
    if _is_printable(data):
        return f"printf %s {shlex.quote(data.decode('ascii'))}"
    return f"printf -- {shlex.quote(_escaped(data, {'%': '%%'}))}"


def _quoted(text: str) -> str:
    """The text as one word."""
    data = text.encode("utf-8", "surrogateescape")
    return shlex.quote(text) if _is_printable(data) else f"$'{_escaped(data, _IN_QUOTES)}'"


def _escaped(data: bytes, special: dict[str, str]) -> str:
    written = {ord("\\"): "\\\\"} | {ord(char): escape for char, escape in special.items()}
    return "".join(written.get(byte) or (chr(byte) if byte in _PRINTABLE else f"\\{byte:03o}") for byte in data)


def _is_plain(data: bytes) -> bool:
    """Whether one can read it as an argument."""
    return _is_printable(data) and not _RUN.search(data)


def _is_printable(data: bytes) -> bool:
    return all(byte in _PRINTABLE for byte in data)
