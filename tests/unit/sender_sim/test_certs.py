"""Development keys: which files, who may read them, that TLS and signatures work with them, none is overwritten."""

import asyncio
import os
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sender_sim import certs
from sender_sim.certs import DevelopmentKeys, KeysExistError
from sender_sim.core.sign import Signer
from sender_sim.transports import HttpsTransport, trust
from tests import openssl
from tests.unit.sender_sim.endpoints import answering, attempt_at, http, server_tls, serving

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = ("ca.pem", "localhost.pem", "localhost.key", "kaisa-signing.key", "kaisa-signing.pem")


@pytest.fixture
def careless_umask() -> Iterator[None]:
    """Files may be read and written by anyone, unless the program takes care."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless_umask")
def test_five_files_are_written_and_private_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    keys = certs.mint(tmp_path / "new" / "folder", now=NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.folder.iterdir()}
    assert modes == {
        "ca.pem": 0o644,
        "localhost.pem": 0o644,
        "localhost.key": 0o600,
        "kaisa-signing.key": 0o600,
        "kaisa-signing.pem": 0o644,
    }
    assert tuple(path.name for path in keys) == NAMES


def test_the_private_key_of_the_ca_is_nowhere(development_keys: DevelopmentKeys) -> None:
    authority = x509.load_pem_x509_certificate(development_keys.ca.read_bytes()).public_key()
    for path in (development_keys.tls_key, development_keys.signing_key):
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        assert private.public_key() != authority
    assert b"PRIVATE" not in development_keys.ca.read_bytes()
    assert b"PRIVATE" not in development_keys.signing_certificate.read_bytes()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_ca_verifies_the_server(development_keys: DevelopmentKeys, host: str) -> None:
    async def send() -> None:
        async with (
            serving(answering(http(b"")), server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as transport,
        ):
            outcome = await transport.send(attempt_at(f"https://{host}:{endpoint.port}/"))
        assert outcome.success, outcome

    asyncio.run(send())


def test_trusting_a_file_trusts_nothing_else(development_keys: DevelopmentKeys) -> None:
    assert len(trust(development_keys.ca).get_ca_certs()) == 1
    context = trust(development_keys.ca)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_openssl_verifies_the_chain(development_keys: DevelopmentKeys) -> None:
    said = openssl.run("verify", "-CAfile", development_keys.ca, development_keys.tls_certificate)
    assert said == f"{development_keys.tls_certificate}: OK\n".encode()


def test_the_signing_certificate_belongs_to_the_signing_key_and_is_valid_for_a_year(tmp_path: Path) -> None:
    keys = certs.mint(tmp_path, now=NOW)
    certificate = x509.load_pem_x509_certificate(keys.signing_certificate.read_bytes())
    private = serialization.load_pem_private_key(keys.signing_key.read_bytes(), password=None)
    assert certificate.public_key() == private.public_key()
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)


def test_the_signing_key_signs(development_keys: DevelopmentKeys, tmp_path: Path) -> None:
    signature = tmp_path / "signature"
    signature.write_bytes(bytes.fromhex(Signer(development_keys.signing_key.read_bytes(), encoding="hex").sign(b"x")))
    public = tmp_path / "public.pem"
    public.write_bytes(openssl.run("x509", "-in", development_keys.signing_certificate, "-noout", "-pubkey"))
    said = openssl.run("dgst", "-sha256", "-verify", public, "-signature", signature, data=b"x")
    assert said == b"Verified OK\n"


def test_keys_that_are_there_are_left_alone(tmp_path: Path) -> None:
    keys = certs.mint(tmp_path, now=NOW)
    before = [path.read_bytes() for path in keys]
    with pytest.raises(KeysExistError) as refused:
        certs.mint(tmp_path, now=NOW)
    assert str(refused.value) == f"{tmp_path} holds {', '.join(NAMES)} already"
    assert [path.read_bytes() for path in keys] == before


def test_one_file_that_is_there_is_enough_to_write_none(tmp_path: Path) -> None:
    (tmp_path / "kaisa-signing.key").write_text("mine")
    with pytest.raises(KeysExistError, match=r"holds kaisa-signing\.key already$"):
        certs.mint(tmp_path, now=NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["kaisa-signing.key"]
    assert (tmp_path / "kaisa-signing.key").read_text() == "mine"


def test_force_replaces_every_file_and_mends_who_may_read_it(tmp_path: Path) -> None:
    keys = certs.mint(tmp_path, now=NOW)
    keys.signing_key.chmod(0o644)
    before = [path.read_bytes() for path in keys]
    certs.mint(tmp_path, now=NOW, force=True)
    assert all(path.read_bytes() != old for path, old in zip(keys, before, strict=True))
    assert stat.S_IMODE(keys.signing_key.stat().st_mode) == 0o600
