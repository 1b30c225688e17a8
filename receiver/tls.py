"""Whether a certificate chain and a private key can serve TLS together; which of the two is wrong if not."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from receiver.errors import Problem

__all__ = ["problems"]

T = TypeVar("T")

_CERT: Final = "KAISA_TLS_CERT"
_KEY: Final = "KAISA_TLS_KEY"


def problems(cert: Path | None, key: Path | None) -> Iterator[Problem]:
    """What is wrong with the two files; nothing where neither is given."""
    if not cert and not key:
        return
    if not cert or not key:
        remedy = "set both, or neither behind a proxy that speaks TLS"
        yield Problem(_KEY if cert else _CERT, "is not set, its other half is", remedy)
        return
    found: list[Problem] = []
    chain = _read(_CERT, cert, x509.load_pem_x509_certificates, "a PEM certificate chain", found)
    private = _read(_KEY, key, lambda pem: load_pem_private_key(pem, None), "an unencrypted PEM private key", found)
    yield from found
    if not chain or not private:
        return
    if chain[0].public_key() != private.public_key():
        yield Problem(_KEY, f"{key} is not the key of {cert}", "name the key its first certificate was made for")
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except ssl.SSLError as error:
        what = f"{cert} is refused by OpenSSL: {error.reason}"
        yield Problem(_CERT, what, "name a certificate of a key that is strong enough, RSA 2048 bits or more")


def _read(name: str, path: Path, load: Callable[[bytes], T], kind: str, found: list[Problem]) -> T | None:
    try:
        return load(path.read_bytes())
    except OSError as error:
        found.append(Problem(name, f"{path} cannot be read: {error.strerror}", f"name a file with {kind}"))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found.append(Problem(name, f"{path} is not {kind}", f"name a file with {kind}"))
    return None
