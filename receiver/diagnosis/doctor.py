"""Why a request is refused, step by step, and what would make its signature verify. Diagnosis only: data in, data out.

The steps are those of receive.py, in its order, but a failed one does not end the diagnosis. Where the signature does
not verify as configured, every combination of digest, padding, encoding, spelling and trusted key is tried.
"""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from receiver import body as bodies
from receiver import event, signature, wire
from receiver.body import Body
from receiver.diagnosis import combinations, spellings
from receiver.diagnosis.combinations import Finding
from receiver.errors import (
    BodyTooLarge,
    InvalidFields,
    MethodNotAllowed,
    NotFound,
    Problem,
    Refusal,
    SignatureMissing,
    SignatureWrong,
    UnreadableBody,
    UnsupportedContentType,
)
from receiver.macro import Macro
from receiver.signature import Profile, TrustedKey

__all__ = ["Report", "Setup", "State", "Step", "diagnose"]

_KEYS: Final = "KAISA_TRUSTED_KEYS"
_LOOKS_JSON: Final = re.compile(rb'\s*\{\s*["}]')
_NAMES_SHOWN: Final = 8
_ONE_HALF: Final = "Kaisa sends both: find what drops, empties or renames the other half on the way"


class State(StrEnum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the receiver looks at, what it found, and what to change where it failed."""

    name: str
    state: State
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the receiver is configured with; `key_problems` are the key files it cannot trust."""

    keys: tuple[TrustedKey, ...]
    profile: Profile
    macro: Macro
    accept_unsigned: bool = False
    key_problems: tuple[Problem, ...] = ()
    path: str = "/webhook"
    max_body: int = 1_048_576


@dataclass(frozen=True, slots=True)
class Report:
    """The steps, and what verifies where the configured way does not."""

    steps: tuple[Step, ...]
    finding: Finding | None = None

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps a request like this is refused for."""
        return tuple(step for step in self.steps if step.state == State.FAILED)

    def document(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "accepted": not self.failed,
            "steps": [asdict(step) for step in self.steps],
            "verifies_with": self.finding.document() if self.finding else None,
        }


def diagnose(
    content_type: str | None,
    body: bytes,
    setup: Setup,
    *,
    now: datetime,
    method: str | None = None,
    path: str | None = None,
    length: int | None = None,
) -> Report:
    """Look at a request as the receiver does at `now` (aware). Without a `method` the request line is not known."""
    request = _request(body, setup, method=method, path=path, length=length)
    encoding, type_step = _content_type(content_type, body)
    decoded, body_step = _body(encoding, body)
    payload, sign = _halves(decoded)
    signed_step, finding = _signature(payload, sign, body, encoding, setup, now)
    verified = signed_step.state == State.PASSED
    steps = (
        request,
        type_step,
        body_step,
        _envelope(decoded, setup),
        _keys(setup, now),
        _sign(sign, setup, verified=verified),
        signed_step,
        _data(decoded, setup),
    )
    return Report(steps, finding)


def _request(body: bytes, setup: Setup, *, method: str | None, path: str | None, length: int | None) -> Step:
    name = "request"
    if length is not None and length > len(body):
        remedy = "capture the whole request; if the receiver was sent no more, look for what cuts the connection"
        return Step(name, State.FAILED, f"cut off: Content-Length is {length}, and {len(body)} bytes are there", remedy)
    if len(body) > setup.max_body:
        return Step(name, State.FAILED, f"the body has {len(body)} bytes, over {setup.max_body}", BodyTooLarge.remedy)
    if method is None:
        return Step(name, State.NOT_APPLICABLE, "the request line is not known, only content type and body")
    if method.upper() != "POST":
        return Step(name, State.FAILED, f"the method is {method}", MethodNotAllowed.remedy)
    if path != setup.path:
        remedy = f"{NotFound.remedy}, unless a proxy in front of the receiver changes the path"
        return Step(name, State.FAILED, f"the path is {path!a}, and KAISA_WEBHOOK_PATH is {setup.path}", remedy)
    return Step(name, State.PASSED, f"POST {path}")


def _content_type(content_type: str | None, body: bytes) -> tuple[str, Step]:
    """The encoding to read on with: what the header says, unless the body plainly is the other one."""
    name = "content type"
    looks = wire.JSON if _LOOKS_JSON.match(body) else wire.FORM
    try:
        bodies.decode(content_type, b"")
    except UnsupportedContentType as refusal:
        return looks, Step(name, State.FAILED, f"{refusal.detail}; the body looks like {looks}", refusal.remedy)
    except UnreadableBody:
        pass  # no JSON at all in no bytes; the header is good
    named = wire.JSON if wire.CONTENT_TYPES[wire.JSON] in (content_type or "").lower() else wire.FORM
    if named != looks and (looks == wire.JSON or b"=" in body.partition(b"&")[0]):
        remedy = "find what sets the header anew on the way (a gateway, a relay); 'Send as JSON' in Setup sets both"
        return looks, Step(name, State.FAILED, f"the header says {named}, and the body looks like {looks}", remedy)
    return named, Step(name, State.PASSED, wire.CONTENT_TYPES[named])


def _body(encoding: str, body: bytes) -> tuple[Body | None, Step]:
    try:
        decoded = bodies.decode(wire.CONTENT_TYPES[encoding], body)
    except Refusal as refusal:
        return None, Step("body", State.FAILED, refusal.detail, refusal.remedy)
    return decoded, Step("body", State.PASSED, f"{len(body)} bytes of {encoding}, well-formed")


def _halves(decoded: Body | None) -> tuple[bytes | None, str | None]:
    """`payload` and `sign`, each if it is there."""
    if decoded is None:
        return None, None
    if decoded.envelope:
        return decoded.envelope.payload, decoded.envelope.signature
    sign = decoded.bare_values.get(wire.SIGN)
    return None, sign if isinstance(sign, str) and sign else None


def _envelope(decoded: Body | None, setup: Setup) -> Step:
    name = "envelope"
    if decoded is None:
        return Step(name, State.NOT_APPLICABLE, "the body cannot be read")
    if decoded.envelope:
        payload, sign = len(decoded.envelope.payload), len(decoded.envelope.signature)
        return Step(name, State.PASSED, f"'payload' of {payload} bytes, 'sign' of {sign} characters")
    if setup.accept_unsigned:
        return Step(name, State.NOT_APPLICABLE, "not signed, which KAISA_ACCEPT_UNSIGNED allows")
    values, remedy = decoded.bare_values, _ONE_HALF
    if values.get(wire.PAYLOAD):
        reason = f"'payload' is there, and 'sign' is {'empty' if wire.SIGN in values else 'missing'}"
    elif values.get(wire.SIGN):
        reason = "'sign' is there, and 'payload' is missing"
    else:
        shown = [ascii(each) for each in list(values)[:_NAMES_SHOWN]]
        more = ["..."] if len(values) > _NAMES_SHOWN else []
        remedy = SignatureMissing.remedy
        reason = f"neither 'payload' nor 'sign' is there; the body has: {', '.join(shown + more) or 'nothing'}"
    return Step(name, State.FAILED, reason, remedy)


def _keys(setup: Setup, now: datetime) -> Step:
    name = "keys"
    if setup.key_problems:
        reason = "; ".join(f"{problem.where}: {problem.what}" for problem in setup.key_problems)
        return Step(
            name, State.FAILED, reason, "; ".join(dict.fromkeys(problem.remedy for problem in setup.key_problems))
        )
    if not setup.keys and setup.accept_unsigned:
        return Step(name, State.NOT_APPLICABLE, "no key is trusted: KAISA_ACCEPT_UNSIGNED accepts anyone's data")
    if not setup.keys:
        return Step(name, State.FAILED, "no key is trusted", f"name the file with Kaisa's public key in {_KEYS}")
    described = "; ".join(combinations.described(key, now) for key in setup.keys)
    if not any(key.valid_at(now) for key in setup.keys):
        return Step(
            name, State.FAILED, f"none is valid now: {described}", f"add Kaisa's current key or certificate to {_KEYS}"
        )
    return Step(name, State.PASSED, described)


def _sign(sign: str | None, setup: Setup, *, verified: bool) -> Step:
    name, configured = "sign", setup.profile.encoding
    if sign is None:
        return Step(name, State.NOT_APPLICABLE, "there is no 'sign' to look at")
    sizes = {key.public_key.key_size // 8 for key in setup.keys}
    readings = spellings.apparent(sign)
    # Hex is also base64, of another length: the reading that a trusted key could have made is the likely one.
    ordered = sorted(readings, key=lambda each: (bool(sizes) and each[1] not in sizes, each[0] != configured))
    if not ordered:
        return Step(name, State.FAILED, _odd(sign), "look at the next step: it tries what may have happened to 'sign'")
    encoding, size = ordered[0]
    reason = f"{len(sign)} characters of {encoding}: {size} bytes, as an RSA-{size * 8} key makes"
    if verified:
        return Step(name, State.PASSED, reason)
    if sizes and size not in sizes:
        trusted = ", ".join(f"RSA-{each * 8}" for each in sorted(sizes))
        remedy = f"get the public key that Kaisa signs with now and add its file to {_KEYS}"
        why = f"{reason}, and the trusted keys are {trusted}: another key made it, or it was cut"
        return Step(name, State.FAILED, why, remedy)
    if encoding != configured:
        return Step(
            name, State.FAILED, f"{reason}; configured is {configured}", f"set KAISA_SIGNATURE_ENCODING={encoding}"
        )
    return Step(name, State.PASSED, reason)


def _odd(sign: str) -> str:
    odd = re.search(r"[^A-Za-z0-9+/=_-]", sign)
    place = f"{odd[0]!a} at character {odd.start()}" if odd else "the characters do, the length does not fit"
    return f"{len(sign)} characters that are none of {', '.join(wire.SIGNATURE_ENCODINGS)}: {place}"


def _signature(
    payload: bytes | None, sign: str | None, body: bytes, encoding: str, setup: Setup, now: datetime
) -> tuple[Step, Finding | None]:
    name = "signature"
    if not setup.keys or sign is None:
        return Step(name, State.NOT_APPLICABLE, "nothing to verify with" if sign else "nothing to verify"), None
    if not signature.supported(setup.profile, setup.keys[0]):
        remedy = "use another digest, or allow this one in OpenSSL's settings"
        return Step(name, State.FAILED, f"this host's OpenSSL does not verify {setup.profile}", remedy), None
    if payload is not None and (key := _verifying(payload, sign, setup, now)):
        reason = f"verifies as configured ({setup.profile}) with {key.name} ({key.fingerprint[:16]})"
        return Step(name, State.PASSED, reason), None
    written = spellings.payloads(payload, body, encoding)
    finding = combinations.nearest(written, sign, setup.keys, setup.profile, now=now)
    if not finding and payload is None:
        return Step(
            name, State.NOT_APPLICABLE, "there is no 'payload', and the signature is not over the rest of the body"
        ), None
    if finding:
        reason, remedy = combinations.explained(finding, payload, setup.profile, now)
    else:
        reason, remedy = combinations.unexplained(sign, setup.keys, size=len(body))
    return Step(name, State.FAILED, f"does not verify as configured ({setup.profile}). {reason}", remedy), finding


def _verifying(payload: bytes, sign: str, setup: Setup, now: datetime) -> TrustedKey | None:
    try:
        return signature.verify(payload, sign, setup.keys, setup.profile, now=now)
    except SignatureWrong:
        return None


def _data(decoded: Body | None, setup: Setup) -> Step:
    name = "data"
    if decoded is None:
        return Step(name, State.NOT_APPLICABLE, "the body cannot be read")
    if decoded.bare_values.get(wire.PAYLOAD) and not setup.accept_unsigned:
        return Step(name, State.NOT_APPLICABLE, "it is in 'payload', which is not opened without 'sign'")
    try:
        values = decoded.values()
        reading = setup.macro.read(values)
        if reading.mismatched:
            texts = ", ".join(reading.mismatched)
            raise InvalidFields(f"without the literal text that KAISA_MACRO puts around the value: {texts}")
        if len(reading.missing) == len(setup.macro.pairs):
            raise InvalidFields("not one name of KAISA_MACRO is in it")
        event.read(reading.fields, wire_values=values)
    except Refusal as refusal:
        return Step(name, State.FAILED, refusal.detail, refusal.remedy)
    count = len(setup.macro.pairs)
    missing = f"; missing: {', '.join(reading.missing)}" if reading.missing else ""
    return Step(name, State.PASSED, f"{count - len(reading.missing)} of {count} names of KAISA_MACRO{missing}")
