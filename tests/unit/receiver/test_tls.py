"""The two files of TLS: which of them is wrong, and what to name instead."""

from pathlib import Path

import pytest
import trustme

from receiver import tls
from receiver.errors import Problem
from tests import openssl
from tests.openssl import KeyPair

A_CHAIN = "name a file with a PEM certificate chain"
A_KEY = "name a file with an unencrypted PEM private key"


def problems(cert: Path | None, key: Path | None) -> list[Problem]:
    return list(tls.problems(cert, key))


def not_a_chain(path: Path) -> Problem:
    return Problem("KAISA_TLS_CERT", f"{path} is not a PEM certificate chain", A_CHAIN)


def not_a_key(path: Path) -> Problem:
    return Problem("KAISA_TLS_KEY", f"{path} is not an unencrypted PEM private key", A_KEY)


@pytest.fixture
def certificate(key_pair: KeyPair, tmp_path: Path) -> Path:
    """The certificate of `key_pair`."""
    return key_pair.certificate(tmp_path / "server.crt")


def test_neither_file_is_no_tls_and_no_problem() -> None:
    assert problems(None, None) == []


def test_one_half_without_the_other_is_refused(certificate: Path, key_pair: KeyPair) -> None:
    what, remedy = "is not set, its other half is", "set both, or neither behind a proxy that speaks TLS"
    assert problems(certificate, None) == [Problem("KAISA_TLS_KEY", what, remedy)]
    assert problems(None, key_pair.private) == [Problem("KAISA_TLS_CERT", what, remedy)]


def test_a_certificate_and_its_key_have_no_problem(
    certificate: Path, key_pair: KeyPair, elliptic_key_pair: KeyPair, tmp_path: Path
) -> None:
    assert problems(certificate, key_pair.private) == []
    assert problems(elliptic_key_pair.certificate(tmp_path / "elliptic.crt"), elliptic_key_pair.private) == []


def test_a_chain_by_a_certificate_authority_has_no_problem(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    assert problems(certificate, key) == []


def test_one_file_may_hold_both(certificate: Path, key_pair: KeyPair, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    for first, second in ((certificate, key_pair.private), (key_pair.private, certificate)):
        both.write_bytes(first.read_bytes() + second.read_bytes())
        assert problems(both, both) == []


def test_files_that_are_missing_are_both_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "a", tmp_path) == [
        Problem("KAISA_TLS_CERT", f"{tmp_path / 'a'} cannot be read: No such file or directory", A_CHAIN),
        Problem("KAISA_TLS_KEY", f"{tmp_path} cannot be read: Is a directory", A_KEY),
    ]


def test_one_missing_file_is_named_alone(certificate: Path, key_pair: KeyPair, tmp_path: Path) -> None:
    what = f"{tmp_path / 'none'} cannot be read: No such file or directory"
    assert problems(certificate, tmp_path / "none") == [Problem("KAISA_TLS_KEY", what, A_KEY)]
    assert problems(tmp_path / "none", key_pair.private) == [Problem("KAISA_TLS_CERT", what, A_CHAIN)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"\xff\0",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_file_that_is_not_pem_is_named(content: bytes, certificate: Path, key_pair: KeyPair, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(content)
    assert problems(wrong, key_pair.private) == [not_a_chain(wrong)]
    assert problems(certificate, wrong) == [not_a_key(wrong)]
    assert problems(wrong, wrong) == [not_a_chain(wrong), not_a_key(wrong)]


def test_an_encrypted_key_is_not_used(certificate: Path, key_pair: KeyPair, tmp_path: Path) -> None:
    key = tmp_path / "encrypted.pem"
    key.write_bytes(openssl.run("pkey", "-in", key_pair.private, "-aes128", "-passout", "pass:secret"))
    assert problems(certificate, key) == [not_a_key(key)]


def test_a_public_key_is_no_private_key(certificate: Path, key_pair: KeyPair) -> None:
    assert problems(certificate, key_pair.public) == [not_a_key(key_pair.public)]


def test_files_that_were_swapped_are_both_wrong(certificate: Path, key_pair: KeyPair) -> None:
    assert problems(key_pair.private, certificate) == [not_a_chain(key_pair.private), not_a_key(certificate)]


def test_the_key_of_another_certificate_is_told_with_both_names(
    certificate: Path, other_key_pair: KeyPair, elliptic_key_pair: KeyPair
) -> None:
    for other in (other_key_pair.private, elliptic_key_pair.private):
        what = f"{other} is not the key of {certificate}"
        remedy = "name the key its first certificate was made for"
        assert problems(certificate, other) == [Problem("KAISA_TLS_KEY", what, remedy)]


def test_a_pair_that_openssl_would_not_serve_is_refused(weak_key_pair: KeyPair, tmp_path: Path) -> None:
    certificate = weak_key_pair.certificate(tmp_path / "weak.crt")
    what = f"{certificate} is refused by OpenSSL: EE_KEY_TOO_SMALL"
    remedy = "name a certificate of a key that is strong enough, RSA 2048 bits or more"
    assert problems(certificate, weak_key_pair.private) == [Problem("KAISA_TLS_CERT", what, remedy)]
