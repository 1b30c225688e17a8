"""Of a chain in a PEM file only what signs is trusted."""

from pathlib import Path

import pytest
import trustme

from receiver import signature
from receiver.signature import KeyUnusable
from tests import openssl
from tests.openssl import KeyPair


def fingerprints(pem: bytes) -> list[str]:
    return [key.fingerprint for key in signature.read_pem("kaisa.pem", pem)]


def of(pair: KeyPair) -> str:
    return signature.read_pem("x", pair.public.read_bytes())[0].fingerprint


@pytest.fixture
def authority(other_key_pair: KeyPair, tmp_path: Path) -> Path:
    """A certificate with CA:TRUE, as `openssl req -x509` makes them."""
    return other_key_pair.certificate(tmp_path / "authority.crt")


@pytest.fixture
def leaf(key_pair: KeyPair, other_key_pair: KeyPair, authority: Path, tmp_path: Path) -> Path:
    """A certificate that the authority issued for `key_pair`."""
    request, certificate = tmp_path / "leaf.csr", tmp_path / "leaf.crt"
    openssl.run("req", "-new", "-key", key_pair.private, "-subj", "/CN=kaisa", "-out", request)
    signer = ("-CA", authority, "-CAkey", other_key_pair.private, "-set_serial", "2", "-days", "1")
    openssl.run("x509", "-req", "-in", request, *signer, "-out", certificate)
    return certificate


def test_of_a_chain_the_authority_is_not_trusted(leaf: Path, authority: Path, key_pair: KeyPair) -> None:
    assert fingerprints(leaf.read_bytes() + authority.read_bytes()) == [of(key_pair)]
    assert fingerprints(authority.read_bytes() + leaf.read_bytes()) == [of(key_pair)]


def test_an_authority_of_another_kind_of_key_spoils_no_chain(leaf: Path, key_pair: KeyPair) -> None:
    assert fingerprints(leaf.read_bytes() + trustme.CA().cert_pem.bytes()) == [of(key_pair)]


def test_two_certificates_that_are_no_authorities_are_both_trusted(leaf: Path, key_pair: KeyPair) -> None:
    assert fingerprints(leaf.read_bytes() * 2) == [of(key_pair)] * 2


def test_a_certificate_alone_is_trusted_even_if_it_is_an_authority(authority: Path, other_key_pair: KeyPair) -> None:
    assert fingerprints(authority.read_bytes()) == [of(other_key_pair)]


def test_a_public_key_beside_a_certificate_makes_no_chain(
    authority: Path, key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    pem = key_pair.public.read_bytes() + authority.read_bytes()
    assert fingerprints(pem) == [of(key_pair), of(other_key_pair)]


def test_several_authorities_and_nothing_else_are_refused(authority: Path) -> None:
    with pytest.raises(KeyUnusable) as refused:
        fingerprints(authority.read_bytes() * 2)
    assert str(refused.value) == (
        "kaisa.pem holds several certificates, all of authorities (CA:TRUE); "
        "if they sign webhooks themselves, give each a file of its own"
    )


def test_a_certificate_that_cannot_be_read_is_told_in_a_chain_too(leaf: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(KeyUnusable, match="holds a CERTIFICATE that cannot be read"):
        fingerprints(leaf.read_bytes() + broken)
