"""Development keys: a CA, a certificate for localhost and a signing key pair, minted into a folder outside git."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from receiver import wire

__all__ = ["DevelopmentKeys", "KeysExistError", "mint"]

_VALIDITY: Final = timedelta(days=365)


class KeysExistError(Exception):
    """The folder holds keys already; the message names them."""


@dataclass(frozen=True, slots=True)
class DevelopmentKeys:
    """Where the files are. Only `ca` and `signing_certificate` are for others' eyes."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The CA's certificate: what `--ca` is given."""
        return self.folder / "ca.pem"

    @property
    def tls_certificate(self) -> Path:
        """The certificate chain for localhost."""
        return self.folder / "localhost.pem"

    @property
    def tls_key(self) -> Path:
        """Its private key."""
        return self.folder / "localhost.key"

    @property
    def signing_key(self) -> Path:
        """The private key that signs: what `--sign` is given."""
        return self.folder / "kaisa-signing.key"

    @property
    def signing_certificate(self) -> Path:
        """Its certificate: what KAISA_TRUSTED_KEYS is given."""
        return self.folder / "kaisa-signing.pem"

    def __iter__(self) -> Iterator[Path]:
        return iter((self.ca, self.tls_certificate, self.tls_key, self.signing_key, self.signing_certificate))


def mint(folder: Path, *, now: datetime, force: bool = False) -> DevelopmentKeys:
    """Write a new set of keys. Raises KeysExistError unless `force`, OSError where the folder cannot be written."""
    keys = DevelopmentKeys(folder)
    existing = [path.name for path in keys if path.exists()]
    if existing and not force:
        raise KeysExistError(f"{folder} holds {', '.join(existing)} already")
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="kaisa-webhook-kit development")
    server = authority.issue_cert("localhost", "127.0.0.1", "::1")
    private, certificate = _signing_pair(now)
    _write(keys.ca, authority.cert_pem.bytes())
    _write(keys.tls_certificate, b"".join(blob.bytes() for blob in server.cert_chain_pems))
    _write(keys.tls_key, server.private_key_pem.bytes())
    _write(keys.signing_key, private)
    _write(keys.signing_certificate, certificate)
    return keys


def _signing_pair(now: datetime) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=wire.MIN_RSA_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kaisa signing key (development)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALIDITY)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    # Private keys are private from their first byte on.
    path.unlink(missing_ok=True)
    mode = 0o600 if path.suffix == ".key" else 0o644
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(content)
