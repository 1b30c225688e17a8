"""A captured request, taken apart and built again with the simulator's settings: every difference between the two.

The values of a call are no differences: they are taken from the capture. Where its encoding or its envelope is not that
of the settings, this is one difference, and the rest is compared as if it were.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from yarl import URL

from receiver import wire
from receiver.macro import Macro
from sender_sim.compare import flat_json, form, headers, names, signature, spelling, values
from sender_sim.compare.capture import Captured
from sender_sim.compare.model import MACRO, REPORT, Difference, Reading, Unreadable
from sender_sim.core import encode
from sender_sim.core.delivery import Request
from sender_sim.core.sign import Profile

__all__ = ["Comparison", "Settings", "compare"]

_ENVELOPE: Final = (wire.PAYLOAD, wire.SIGN)
_SIGNED: Final = {True: "signed, in an envelope", False: "unsigned"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the simulator is set to. `url` None: any; `profile` None: unsigned; `keys` verify, if there are any."""

    macro: Macro
    encoding: str
    profile: Profile | None = None
    keys: Sequence[rsa.RSAPublicKey] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found, and the body that the simulator would send; None where Kaisa's cannot be read."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    body: bytes
    rebuilt: bytes | None

    @property
    def differs_at(self) -> int | None:
        """The first byte of the body that is another; None: it is the same, or cannot be read."""
        if self.rebuilt is None or self.body == self.rebuilt:
            return None
        same = (ours == kaisa for ours, kaisa in zip(self.rebuilt, self.body, strict=False))
        return next((at for at, is_same in enumerate(same) if not is_same), min(len(self.body), len(self.rebuilt)))


def compare(captured: Captured, settings: Settings) -> Comparison:
    """Every difference between a captured request and what the simulator would send with these settings."""
    simulator = Request("", wire.CONTENT_TYPES[_encoding(captured.body)], b"", wire.ATTEMPT_TIMEOUT).headers
    found = [*_of_request(captured, settings), *headers.differences(captured, simulator)]
    notes = [*captured.notes]
    if name := headers.names_itself(captured, simulator):
        notes.append(f"the sender calls itself {name!r}; the simulator says that it is the simulator")
    if added := headers.added_on_the_way(captured):
        notes.append(f"not compared, because proxies add them: {', '.join(added)}")
    rebuilt = None
    try:
        body = _Body(captured)
        found += body.differences(settings)
        rebuilt = body.rebuilt(settings.macro)
        if body.sign is not None and not settings.keys:
            notes.append("the signature was not verified: give Kaisa's public key or certificate with --trust")
    except Unreadable as error:
        found.append(Difference("body", str(error), f"{settings.encoding} that can be read"))
    return Comparison(tuple(found), tuple(notes), captured.body, rebuilt)


def _of_request(captured: Captured, settings: Settings) -> Iterator[Difference]:
    if captured.method != "POST":
        yield Difference("method", captured.method, "POST")
    if settings.url is not None:
        ours = URL(settings.url).raw_path_qs
        if captured.path != ours:
            yield Difference("path of the URL", captured.path, ours, "URL: give the one of Kaisa's Setup")


def _encoding(data: bytes) -> str:
    """What data looks like, whatever its content type says."""
    return wire.JSON if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else wire.FORM


def _read(data: bytes) -> Reading:
    return flat_json.read(data) if _encoding(data) == wire.JSON else form.read(data)


class _Body:
    """A captured body, with its envelope taken off if it has one. Raises Unreadable."""

    def __init__(self, captured: Captured) -> None:
        coding = captured.header("Content-Encoding") or "identity"
        if coding.lower() != "identity":
            raise Unreadable(f"compressed ({coding})")
        self._outer = _read(captured.body)
        self._encoding = _encoding(captured.body)
        self._payload = self._outer.exact.get(wire.PAYLOAD, b"")
        self.sign = dict(self._outer.members).get(wire.SIGN) if wire.PAYLOAD in self._outer.exact else None
        self._inner = self._outer if self.sign is None else _read(self._payload)

    def differences(self, settings: Settings) -> Iterator[Difference]:
        if self._encoding != settings.encoding:
            yield Difference("encoding", self._encoding, settings.encoding, f"--{self._encoding}")
        yield from self._of_envelope(settings)
        sent = [name for name, _ in self._inner.members]
        yield from names.differences(sent, [pair.wire_name for pair in settings.macro.pairs], MACRO)
        yield from values.differences(settings.macro, dict(self._inner.members))
        yield from spelling.differences(self._inner.pieces)

    def _of_envelope(self, settings: Settings) -> Iterator[Difference]:
        is_signed, wanted = self.sign is not None, settings.profile is not None
        if is_signed != wanted:
            change = "--sign, or --trust" if is_signed else "leave --sign, --trust and the file's [signature] out"
            yield Difference("signing", _SIGNED[is_signed], _SIGNED[wanted], change)
        if self.sign is None:
            return
        if _encoding(self._payload) != self._encoding:
            yield Difference("encoding of the payload", _encoding(self._payload), self._encoding)
        yield from names.differences([name for name, _ in self._outer.members], _ENVELOPE, REPORT)
        yield from spelling.differences(self._outer.pieces)
        yield from signature.differences(self._payload, self.sign, settings.profile or Profile(), settings.keys)

    def rebuilt(self, macro: Macro) -> bytes:
        """The body as the simulator would send it, with the values and the signature that Kaisa sent."""
        sent = dict(self._inner.members)
        unset = encode.expand(macro, dict.fromkeys(encode.AS_WRITTEN, ""))
        data = encode.data([(name, sent.get(name, text)) for name, text in unset], self._encoding)
        if self.sign is None:
            return data
        return encode.data([(wire.PAYLOAD, data.decode("ascii")), (wire.SIGN, self.sign)], self._encoding)
