"""The signature of a request: how it is written, and with which key and profile it verifies."""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from receiver import wire
from sender_sim.compare.model import Difference
from sender_sim.core.sign import DIGESTS, ENCODERS, Profile

__all__ = ["NotAKey", "differences", "public_keys"]

_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_OTHER_SALT: Final = "pss with another salt"
_USUAL_BITS: Final = [2048, 3072, 4096]
_DECODERS: Final[dict[str, Callable[[str], bytes]]] = {
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(_padded(text), validate=True),
    "base64url": lambda text: base64.b64decode(_padded(text), b"-_", validate=True),
}
_WRONG_KEY: Final = (
    "--trust: give the key that Kaisa signs with; if it is that one, `receiver doctor` tries what else may have been "
    "signed, and no setting of the simulator covers that: please report it"
)


class NotAKey(ValueError):
    """A file that holds no key to verify with; the message says what it holds."""


def public_keys(pem: bytes) -> tuple[rsa.RSAPublicKey, ...]:
    """The RSA keys in a PEM file of public keys and X.509 certificates. Raises NotAKey."""
    keys: list[rsa.RSAPublicKey] = []
    for block in _BLOCK.finditer(pem):
        try:
            key = (
                x509.load_pem_x509_certificate(block[0]).public_key()
                if block[1] == b"CERTIFICATE"
                else serialization.load_pem_public_key(block[0])
            )
        except (ValueError, UnsupportedAlgorithm) as error:
            raise NotAKey(f"holds a {block[1].decode('ascii')} that is no public key: {error}") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise NotAKey("holds a key that is not RSA; Kaisa's signatures are RSA")
        keys.append(key)
    if not keys:
        raise NotAKey("holds neither a public key nor a certificate in PEM")
    return tuple(keys)


def differences(
    payload: bytes, sign: str, simulator: Profile, keys: Sequence[rsa.RSAPublicKey]
) -> Iterator[Difference]:
    """How the signature is written, how long it is and, if there are keys, which profile it verifies with."""
    encoding = _encoding(sign, simulator.encoding)
    try:
        raw = _DECODERS[encoding](re.sub(r"\s", "", sign))
    except ValueError:
        raw = b""
    if not raw:
        yield Difference("signature", sign or "empty", f"one line of {simulator.encoding}")
        return
    if encoding != simulator.encoding:
        yield Difference("encoding of the signature", encoding, simulator.encoding, f"--encoding {encoding}")
    if ENCODERS[encoding](raw) != sign:
        yield Difference(f"spelling of the signature in {encoding}", sign, ENCODERS[encoding](raw))
    sizes = sorted({key.key_size for key in keys}) or _USUAL_BITS
    if len(raw) * 8 not in sizes:
        ours = " or ".join(f"{bits // 8} bytes (RSA {bits})" for bits in sizes)
        yield Difference("length of the signature", f"{len(raw)} bytes", ours, f"--sign: a key of {len(raw) * 8} bits")
    if keys:
        yield from _of_profile(payload, raw, simulator, keys)


def _encoding(sign: str, expected: str) -> str:
    """What the signature looks like; with none of `+/-_` in it, base64 is base64url."""
    if _HEX.fullmatch(re.sub(r"\s", "", sign)):
        return "hex"
    if "-" in sign or "_" in sign:
        return "base64url"
    return "base64url" if expected == "base64url" and not {"+", "/"} & set(sign) else "base64"


def _of_profile(
    payload: bytes, raw: bytes, simulator: Profile, keys: Sequence[rsa.RSAPublicKey]
) -> Iterator[Difference]:
    schemes = product(wire.DIGESTS, ("pkcs1v15", "pss", _OTHER_SALT))
    found = [scheme for scheme in schemes if any(_verifies(payload, raw, key, *scheme) for key in keys)]
    if not found:
        ours = f"verifies with {simulator.digest} and {simulator.padding}"
        yield Difference("signature", "does not verify, whatever digest and padding", ours, _WRONG_KEY)
        return
    digest, scheme = found[0]
    if digest != simulator.digest:
        yield Difference("digest of the signature", digest, simulator.digest, f"--digest {digest}")
    scheme_name = "pss" if scheme == _OTHER_SALT else scheme
    if scheme_name != simulator.padding:
        yield Difference("padding of the signature", scheme_name, simulator.padding, f"--padding {scheme_name}")
    if scheme == _OTHER_SALT:
        yield Difference("salt of the signature", "of another length", "as long as the digest")


def _verifies(payload: bytes, raw: bytes, key: rsa.RSAPublicKey, digest: str, scheme: str) -> bool:
    algorithm = DIGESTS[digest]
    salt = padding.PSS.AUTO if scheme == _OTHER_SALT else padding.PSS.DIGEST_LENGTH
    pss = padding.PSS(padding.MGF1(algorithm), salt)
    try:
        key.verify(raw, payload, padding.PKCS1v15() if scheme == "pkcs1v15" else pss, algorithm)
    except (InvalidSignature, UnsupportedAlgorithm):  # this host may forbid SHA-1
        return False
    return True


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
