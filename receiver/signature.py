"""Exact payload bytes + signature + trusted keys -> which key matched. Reads nothing, knows no clock.

Kaisa publishes neither digest, padding nor encoding: they are one explicit `Profile` (docs/contract.md, "Signed
requests"). Verifying is written here and signing in the simulator, each without the other's code.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from receiver import wire
from receiver.errors import KitError, SignatureWrong

__all__ = ["KeyUnusable", "Profile", "TrustedKey", "read_pem", "supported", "verify"]

_DIGESTS: Final[dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | hashes.SHA1]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha1": hashes.SHA1,
}
_BEGIN: Final = b"-----BEGIN "
_CERTIFICATE: Final = "CERTIFICATE"


class KeyUnusable(KitError):
    """A key file that cannot be trusted with; the message says why and what to give instead."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How signatures are made: names out of `wire.DIGESTS`, `wire.PADDINGS` and `wire.SIGNATURE_ENCODINGS`."""

    digest: str = wire.DIGESTS[0]
    padding: str = wire.PADDINGS[0]
    encoding: str = wire.SIGNATURE_ENCODINGS[0]

    def __str__(self) -> str:
        return f"{self.padding}, {self.digest}, {self.encoding}"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key whose signatures are accepted, between `not_before` and `not_after` where these are set."""

    name: str
    fingerprint: str
    public_key: rsa.RSAPublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None

    def limited(self, begin: datetime | None, end: datetime | None) -> "TrustedKey":
        """The same key, trusted only between `begin` and `end` as well; aware, None: no further limit."""
        begins = [moment for moment in (self.not_before, begin) if moment]
        ends = [moment for moment in (self.not_after, end) if moment]
        return replace(self, not_before=max(begins, default=None), not_after=min(ends, default=None))

    def valid_at(self, now: datetime) -> bool:
        """Whether `now` (aware) is inside the validity window."""
        return (self.not_before is None or self.not_before <= now) and (self.not_after is None or now <= self.not_after)


def read_pem(name: str, pem: bytes, *, allow_weak: bool = False) -> tuple[TrustedKey, ...]:
    """The public keys and X.509 certificates in a PEM file that sign. Raises KeyUnusable.

    The fingerprint is the SHA-256 of the SubjectPublicKeyInfo in hex, so a key and its certificate share one.
    Of several certificates those of authorities are left out: a chain is there to show who issued the first one.
    """
    blocks = [_BEGIN + block for block in pem.split(_BEGIN)[1:]]
    if not blocks:
        raise KeyUnusable(f"{name} holds no PEM block; give a PEM public key or X.509 certificate")
    if [_label(block) for block in blocks].count(_CERTIFICATE) > 1:
        blocks = [block for block in blocks if not _is_authority(block)]
    if not blocks:
        raise KeyUnusable(
            f"{name} holds several certificates, all of authorities (CA:TRUE); "
            "if they sign webhooks themselves, give each a file of its own"
        )
    return tuple(_read_block(name, block, allow_weak=allow_weak) for block in blocks)


def _label(block: bytes) -> str:
    return block[len(_BEGIN) :].split(b"-----")[0].decode("ascii", "replace")


def _is_authority(block: bytes) -> bool:
    if _label(block) != _CERTIFICATE:
        return False
    try:
        extensions = x509.load_pem_x509_certificate(block).extensions
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):  # ValueError: not readable, which reading it will tell
        return False


def _read_block(name: str, block: bytes, *, allow_weak: bool) -> TrustedKey:
    label = _label(block)
    if "PRIVATE KEY" in label:
        raise KeyUnusable(
            f"{name} holds a private key; give its public half (openssl pkey -pubout) and keep the private one away"
        )
    window: tuple[datetime | None, datetime | None] = (None, None)
    try:
        if label == _CERTIFICATE:
            certificate = x509.load_pem_x509_certificate(block)
            public_key: object = certificate.public_key()
            window = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        else:
            public_key = serialization.load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{name} holds a {label} that cannot be read: {error}") from None
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise KeyUnusable(f"{name} holds a key that is not RSA; signatures are RSA (docs/contract.md)")
    if public_key.key_size < wire.MIN_RSA_BITS and not allow_weak:
        raise KeyUnusable(
            f"{name} holds an RSA key of {public_key.key_size} bits; use {wire.MIN_RSA_BITS} or more, "
            "or set KAISA_ALLOW_WEAK_KEYS=true"
        )
    spki = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return TrustedKey(name, hashlib.sha256(spki).hexdigest(), public_key, *window)


def verify(
    payload: bytes, signature: str, keys: Sequence[TrustedKey], profile: Profile, *, now: datetime
) -> TrustedKey:
    """The trusted key that made `signature` over exactly `payload`. Raises SignatureWrong, with what was tried."""
    raw = _decode_signature(signature, profile.encoding)
    for key in keys:
        if key.valid_at(now) and _matches(key.public_key, raw, payload, profile):
            return key
    raise SignatureWrong(f"no trusted key matches ({profile})", evidence=f"tried: {_names(keys, now)}")


def supported(profile: Profile, key: TrustedKey) -> bool:
    """Whether this host's OpenSSL can verify with the profile at all: some hosts forbid SHA-1."""
    try:
        _matches(key.public_key, bytes(key.public_key.key_size // 8), b"", profile)
    except UnsupportedAlgorithm:
        return False
    return True


def _matches(key: rsa.RSAPublicKey, raw: bytes, payload: bytes, profile: Profile) -> bool:
    digest = _DIGESTS[profile.digest]()
    scheme = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO) if profile.padding == "pss" else padding.PKCS1v15()
    try:
        key.verify(raw, payload, scheme, digest)
    except InvalidSignature:
        return False
    return True


def _decode_signature(text: str, encoding: str) -> bytes:
    try:
        data = text.encode("ascii")
        if encoding == "hex":
            return binascii.unhexlify(data)
        if encoding == "base64url":
            data = data.rstrip(b"=") + b"=" * (-len(data.rstrip(b"=")) % 4)
            return base64.b64decode(data, b"-_", validate=True)
        return base64.b64decode(data, validate=True)
    except ValueError:
        hint = "; it holds spaces: was '+' sent without percent-encoding it as %2B?" if " " in text else ""
        raise SignatureWrong(f"'sign' is not {encoding}{hint}", code="signature-malformed") from None


def _names(keys: Iterable[TrustedKey], now: datetime) -> str:
    return ", ".join(
        f"{key.name} ({key.fingerprint[:16]}{'' if key.valid_at(now) else ', outside its validity'})" for key in keys
    )
