"""Signs payloads (C7). The receiver's verifying shares no code with it, so that each can catch the other's mistake."""

import base64
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from receiver import wire

__all__ = ["DIGESTS", "ENCODERS", "KeyRejected", "Profile", "Signer"]

DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha1": hashes.SHA1(),  # noqa: S303 - what PHP's openssl_sign does by default; only when asked for
}
ENCODERS: Final[dict[str, Callable[[bytes], str]]] = {
    "base64": lambda raw: base64.b64encode(raw).decode("ascii"),
    "base64url": lambda raw: base64.urlsafe_b64encode(raw).decode("ascii"),
    "hex": lambda raw: raw.hex(),
}


class KeyRejected(ValueError):
    """A signing key that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How signatures are made: names out of wire.DIGESTS, PADDINGS and SIGNATURE_ENCODINGS."""

    digest: str = wire.DIGESTS[0]
    padding: str = wire.PADDINGS[0]
    encoding: str = wire.SIGNATURE_ENCODINGS[0]


class Signer:
    """An RSA private key and a signature profile: names out of wire.DIGESTS, PADDINGS and SIGNATURE_ENCODINGS.

    Two with the same key and profile are equal.

    Raises KeyRejected for a key that is none, is weak unless `allow_weak`, or does not sign with this profile.
    """

    def __init__(
        self,
        pem: bytes,
        *,
        digest: str = wire.DIGESTS[0],
        padding_scheme: str = wire.PADDINGS[0],
        encoding: str = wire.SIGNATURE_ENCODINGS[0],
        allow_weak: bool = False,
    ) -> None:
        self.profile = Profile(digest, padding_scheme, encoding)
        self._key = _private_key(pem, allow_weak=allow_weak)
        self._digest = DIGESTS[digest]
        self._encode = ENCODERS[encoding]
        self._padding: padding.AsymmetricPadding = padding.PKCS1v15()
        if padding_scheme == "pss":
            self._padding = padding.PSS(padding.MGF1(self._digest), padding.PSS.DIGEST_LENGTH)
        try:
            self.sign(b"")
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyRejected(f"cannot sign with {digest} and {padding_scheme}: {error}") from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signer):
            return NotImplemented
        return (self.profile, self._key.public_key()) == (other.profile, other._key.public_key())

    def __hash__(self) -> int:
        return hash((self.profile, self._key.public_key().public_numbers()))

    def sign(self, payload: bytes) -> str:
        """The signature over exactly these bytes, as text."""
        return self._encode(self._key.sign(payload, self._padding, self._digest))

    def with_key(self, pem: bytes) -> "Signer":
        """The same profile with another key. Raises KeyRejected."""
        digest, padding_scheme, encoding = astuple(self.profile)
        return Signer(pem, digest=digest, padding_scheme=padding_scheme, encoding=encoding)


def _instead(pem: bytes) -> str:
    """What a file holds that is no key to sign with, and what to do about it."""
    if b"ENCRYPTED" in pem:
        return "it is encrypted; write it without a password (openssl pkey -in FILE -out PLAIN)"
    if b"PRIVATE KEY-----" in pem:
        return "it is damaged; copy it whole, from its BEGIN to its END line"
    if b"-----BEGIN " in pem:
        return "it is the public half, to verify with; give the private key it belongs to"
    return "it has no BEGIN PRIVATE KEY line; `sender-sim certs` mints a key"


def _private_key(pem: bytes, *, allow_weak: bool) -> rsa.RSAPrivateKey:
    key: object
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):  # their texts speak of formats, not of what to change
        raise KeyRejected(f"is not an unencrypted PEM private key: {_instead(pem)}") from None
    except UnsupportedAlgorithm:
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyRejected("is not an RSA key; Kaisa's signatures are RSA")
    if key.key_size < wire.MIN_RSA_BITS and not allow_weak:
        raise KeyRejected(f"has {key.key_size} bits; use {wire.MIN_RSA_BITS} or more, or --allow-weak-key")
    return key
