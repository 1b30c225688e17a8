"""Which combination of digest, padding, encoding, spelling and key makes a signature verify, and what that means."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from receiver import signature, wire
from receiver.diagnosis import spellings
from receiver.diagnosis.spellings import Spelling
from receiver.errors import SignatureWrong
from receiver.signature import Profile, TrustedKey

__all__ = ["Finding", "described", "explained", "nearest", "unexplained"]

# A DigestInfo (PKCS#1 v1.5) tells its digest by its length.
_DIGEST_OF_LENGTH: Final = {35: "sha1", 51: "sha256", 67: "sha384", 83: "sha512"}
_OTHER_BYTES: Final = (
    "but over other bytes, in no spelling known here: the data was altered after it was signed, or 'sign' belongs to "
    "another request"
)
_ALTERED: Final = (
    "leave keys and settings as they are; find what changes values on the way (a firewall that masks or cuts, a relay "
    "that converts the charset or adds fields) and make it pass the body on byte for byte. If there is nothing in "
    "between, treat the request as forged"
)
_OTHER_KEY: Final = (
    "No combination of digest, padding, encoding, spelling and trusted key verifies: another key made it (Kaisa's may "
    "have changed), or the data was altered after a PSS signature"
)
_OTHER_LENGTH: Final = (
    "No spelling of 'sign' has the length of a trusted key's signatures: it was cut, or another key made it"
)
_FIND_KEY: Final = (
    "get the public key that Kaisa signs with now, compare its fingerprint with those above, and add its file to "
    "KAISA_TRUSTED_KEYS; if it is one of them, capture the request in front of every proxy and try that one"
)
_SHOWN: Final = 3  # bytes: enough for one %XX, too few for a phone number


@dataclass(frozen=True, slots=True)
class Finding:
    """What verifies: with this key and profile, over the payload in this spelling, with `sign` in that one."""

    key: TrustedKey
    profile: Profile
    payload: Spelling[bytes]
    sign: Spelling[str]

    def document(self) -> dict[str, str]:
        """The combination as JSON has it."""
        return {
            "key": self.key.name,
            "fingerprint": self.key.fingerprint,
            "digest": self.profile.digest,
            "padding": self.profile.padding,
            "encoding": self.profile.encoding,
            "payload": self.payload.name,
            "sign": self.sign.name,
        }

    def changes(self, configured: Profile, now: datetime) -> list[tuple[str, str]]:
        """What differs from what is configured and what arrived, each with its remedy."""
        found = []
        for name in ("digest", "padding", "encoding"):
            wanted = getattr(self.profile, name)
            if wanted != getattr(configured, name):
                found.append((f"{name} {wanted}", f"set KAISA_SIGNATURE_{name.upper()}={wanted}"))
        if not self.key.valid_at(now):
            remedy = (
                "add Kaisa's current certificate to KAISA_TRUSTED_KEYS; if Kaisa goes on signing with this key, trust "
                "it as a bare public key (openssl x509 -pubkey -noout), which has no dates"
            )
            found.append((f"{self.key.name}, which is not valid now", remedy))
        for what, spelling in ((wire.PAYLOAD, self.payload), (wire.SIGN, self.sign)):
            if spelling.remedy:
                found.append((f"'{what}' {spelling.name}", spelling.remedy))
        return found


def nearest(
    payloads: Iterable[Spelling[bytes]], sign: str, keys: Sequence[TrustedKey], configured: Profile, *, now: datetime
) -> Finding | None:
    """The combination that verifies with the fewest changes."""
    found = _all(list(payloads), sign, keys, now)
    return min(found, key=lambda finding: len(finding.changes(configured, now)), default=None)


def _all(
    payloads: Sequence[Spelling[bytes]], sign: str, keys: Sequence[TrustedKey], now: datetime
) -> Iterator[Finding]:
    for spelling, encoding, key in _readings(sign, keys):
        timeless = replace(key, not_before=None, not_after=None)
        for digest, padding in product(wire.DIGESTS, wire.PADDINGS):
            profile = Profile(digest, padding, encoding)
            if not signature.supported(profile, key):
                continue
            for payload in payloads:
                try:
                    signature.verify(payload.data, spelling.data, [timeless], profile, now=now)
                except SignatureWrong:
                    continue
                yield Finding(key, profile, payload, spelling)


def _readings(sign: str, keys: Sequence[TrustedKey]) -> Iterator[tuple[Spelling[str], str, TrustedKey]]:
    """Each way to read `sign` as bytes, with each key whose signatures have that length."""
    for spelling in spellings.signs(sign):
        for encoding, size in spellings.apparent(spelling.data):
            for key in keys:
                if key.public_key.key_size == size * 8:
                    yield spelling, encoding, key


def explained(finding: Finding, payload: bytes | None, configured: Profile, now: datetime) -> tuple[str, str]:
    """The reason and the remedy of what was found."""
    changes = finding.changes(configured, now)
    reason = (
        f"It does with {finding.key.name} ({finding.key.fingerprint[:16]}): {'; '.join(what for what, _ in changes)}"
    )
    if payload is not None and finding.payload.remedy:
        reason += f". {_difference(payload, finding.payload.data)}"
    return reason, "; ".join(dict.fromkeys(remedy for _, remedy in changes))


def _difference(came: bytes, signed: bytes) -> str:
    pairs = enumerate(zip(came, signed, strict=False))
    at = next((place for place, (one, other) in pairs if one != other), min(len(came), len(signed)))
    arrived, meant = (ascii(data[at : at + _SHOWN].decode("latin-1")) for data in (came, signed))
    return f"The first difference is at byte {at}: {arrived} arrived, {meant} was signed"


def unexplained(sign: str, keys: Sequence[TrustedKey], *, size: int) -> tuple[str, str]:
    """What it means that nothing verifies in a body of that size: the reason and the remedy."""
    readings = list(_readings(sign, keys))
    for spelling, encoding, key in readings:
        if digest := _made_with(key, spelling.data, encoding):
            return (
                f"{key.name} ({key.fingerprint[:16]}) did make this signature (pkcs1v15, {digest}), {_OTHER_BYTES}",
                _ALTERED,
            )
    if size > spellings.RESPELT_UP_TO:
        return f"{_OTHER_KEY} (over {spellings.RESPELT_UP_TO} bytes only the payload as it came is tried)", _FIND_KEY
    return (_OTHER_KEY, _FIND_KEY) if readings else (_OTHER_LENGTH, _FIND_KEY)


def _made_with(key: TrustedKey, sign: str, encoding: str) -> str | None:
    """The digest of a PKCS#1 v1.5 signature that this key made, whatever it is over: the key alone shows that."""
    try:
        if encoding == "hex":
            raw = bytes.fromhex(sign)
        else:
            raw = base64.b64decode(sign.rstrip("=") + "==", b"-_" if encoding == "base64url" else None)
        info = key.public_key.recover_data_from_signature(raw, PKCS1v15(), None)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return None
    return _DIGEST_OF_LENGTH.get(len(info))


def described(key: TrustedKey, now: datetime) -> str:
    """A key in words: its size, fingerprint and validity."""
    window = ""
    if key.not_before and key.not_after:
        state = "valid" if key.valid_at(now) else "NOT VALID NOW: valid"
        window = f", {state} from {key.not_before:%Y-%m-%d} to {key.not_after:%Y-%m-%d}"
    return f"{key.name}: RSA-{key.public_key.key_size}, fingerprint {key.fingerprint[:16]}{window or ', no dates'}"
