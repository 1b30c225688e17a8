"""Verifying, against signatures and fingerprints by the openssl command."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from receiver import signature
from receiver.errors import SignatureWrong
from receiver.signature import KeyUnusable, Profile, TrustedKey
from tests import openssl
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.vectors import FOLDER

PAYLOAD = b"id=call-1&event_type=0&details=%C3%A5"


def read(path: Path, *, allow_weak: bool = False) -> TrustedKey:
    (key,) = signature.read_pem(path.name, path.read_bytes(), allow_weak=allow_weak)
    return key


def verify(
    sign: str, *keys: TrustedKey, payload: bytes = PAYLOAD, profile: Profile | None = None, now: datetime = NOON
) -> TrustedKey:
    return signature.verify(payload, sign, keys, profile or Profile(), now=now)


def refusal(
    sign: str, *keys: TrustedKey, payload: bytes = PAYLOAD, profile: Profile | None = None, now: datetime = NOON
) -> SignatureWrong:
    with pytest.raises(SignatureWrong) as refused:
        verify(sign, *keys, payload=payload, profile=profile, now=now)
    return refused.value


def encoded(raw: bytes | bytearray, encoding: str) -> str:
    if encoding == "hex":
        return raw.hex()
    return (base64.urlsafe_b64encode(raw) if encoding == "base64url" else base64.b64encode(raw)).decode()


@pytest.mark.parametrize("encoding", ["base64", "base64url", "hex"])
@pytest.mark.parametrize("padding", ["pkcs1v15", "pss"])
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signature_by_openssl_verifies_in_its_profile(
    key_pair: KeyPair, digest: str, padding: str, encoding: str
) -> None:
    key = read(key_pair.public)
    sign = encoded(key_pair.sign(PAYLOAD, digest=digest, padding=padding), encoding)
    assert verify(sign, key, profile=Profile(digest, padding, encoding)) is key


def test_the_default_profile_is_the_one_the_contract_names() -> None:
    assert Profile() == Profile("sha256", "pkcs1v15", "base64")
    assert str(Profile()) == "pkcs1v15, sha256, base64"


@pytest.mark.parametrize("padding", ["pkcs1v15", "pss"])
def test_every_single_flipped_bit_of_a_signed_payload_is_refused(key_pair: KeyPair, padding: str) -> None:
    key, profile = read(key_pair.public), Profile(padding=padding)
    sign = base64.b64encode(key_pair.sign(PAYLOAD, padding=padding)).decode()
    for bit in range(len(PAYLOAD) * 8):
        altered = bytearray(PAYLOAD)
        altered[bit // 8] ^= 1 << bit % 8
        assert refusal(sign, key, payload=bytes(altered), profile=profile).code == "signature-wrong"


def test_every_single_flipped_bit_of_a_signature_is_refused(key_pair: KeyPair) -> None:
    key, raw = read(key_pair.public), key_pair.sign(PAYLOAD)
    for bit in range(len(raw) * 8):
        altered = bytearray(raw)
        altered[bit // 8] ^= 1 << bit % 8
        assert refusal(encoded(altered, "base64"), key).code == "signature-wrong"


@pytest.mark.parametrize("payload", [b"", PAYLOAD + b"\n", PAYLOAD[:-1], b" " + PAYLOAD])
def test_a_payload_longer_or_shorter_is_refused(key_pair: KeyPair, payload: bytes) -> None:
    assert refusal(key_pair.sign_base64(PAYLOAD), read(key_pair.public), payload=payload).code == "signature-wrong"


@pytest.mark.parametrize("raw", [b"", b"\0" * 256, b"\xff" * 256, b"short", b"\1" * 257])
def test_bytes_that_are_no_signature_are_refused(key_pair: KeyPair, raw: bytes) -> None:
    assert refusal(encoded(raw, "base64"), read(key_pair.public)).code == "signature-wrong"


@pytest.mark.parametrize(
    ("encoding", "sign"),
    [
        ("base64", "AA=A"),
        ("base64", "AAA"),
        ("base64", "AAAA\nAAAA"),
        ("base64", "AA-_"),
        ("base64", "åäö="),
        ("base64", "\ud800"),
        ("base64url", "AAAAA"),
        ("base64url", "A A="),
        ("hex", "abc"),
        ("hex", "0x00"),
    ],
)
def test_a_signature_in_another_encoding_is_told_apart_from_a_wrong_one(
    key_pair: KeyPair, encoding: str, sign: str
) -> None:
    found = refusal(sign, read(key_pair.public), profile=Profile(encoding=encoding))
    assert (found.status, found.code) == (403, "signature-malformed")
    assert found.detail.startswith(f"'sign' is not {encoding}")


def test_a_plus_that_came_out_as_a_space_is_hinted_at(key_pair: KeyPair) -> None:
    assert refusal("AA A", read(key_pair.public)).detail == (
        "'sign' is not base64; it holds spaces: was '+' sent without percent-encoding it as %2B?"
    )


def test_base64url_may_come_without_its_padding(key_pair: KeyPair) -> None:
    sign = encoded(key_pair.sign(PAYLOAD), "base64url")
    assert sign.endswith("==")
    key, profile = read(key_pair.public), Profile(encoding="base64url")
    assert verify(sign.rstrip("="), key, profile=profile) is key


def test_of_several_keys_the_one_that_matches_is_named(key_pair: KeyPair, other_key_pair: KeyPair) -> None:
    old, new = read(other_key_pair.public), read(key_pair.public)
    assert verify(key_pair.sign_base64(PAYLOAD), old, new) is new
    assert verify(other_key_pair.sign_base64(PAYLOAD), old, new) is old


def test_every_key_that_was_tried_is_named_to_the_operator_alone(key_pair: KeyPair, other_key_pair: KeyPair) -> None:
    other, expired = read(other_key_pair.public), read(FOLDER / "certificate.pem")
    found = refusal(key_pair.sign_base64(PAYLOAD), other, expired, now=datetime(2150, 1, 1, tzinfo=UTC))
    assert found.detail == "no trusted key matches (pkcs1v15, sha256, base64)"
    assert found.evidence == (
        f"tried: other-public.pem ({other.fingerprint[:16]}), "
        f"certificate.pem ({expired.fingerprint[:16]}, outside its validity)"
    )


def test_a_certificate_counts_from_its_first_second_to_its_last() -> None:
    key = read(FOLDER / "certificate.pem")
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
    assert (key.not_before, key.not_after) == (first, last)
    step = timedelta(microseconds=1)
    assert [key.valid_at(now) for now in (first - step, first, last, last + step)] == [False, True, True, False]


def test_a_certificate_verifies_inside_its_validity_and_not_outside(key_pair: KeyPair, tmp_path: Path) -> None:
    key = read(key_pair.certificate(tmp_path / "kaisa.crt", days=2))
    assert key.not_before is not None
    assert key.not_after is not None
    assert key.not_after - key.not_before == timedelta(days=2)
    sign = key_pair.sign_base64(PAYLOAD)
    assert verify(sign, key, now=key.not_after) is key
    for outside in (key.not_after + timedelta(seconds=1), key.not_before - timedelta(seconds=1)):
        assert "outside its validity" in str(refusal(sign, key, now=outside).evidence)


def test_a_public_key_has_no_validity_and_always_counts(key_pair: KeyPair) -> None:
    key = read(key_pair.public)
    assert (key.not_before, key.not_after) == (None, None)
    assert key.valid_at(datetime(1, 1, 1, tzinfo=UTC))
    assert key.valid_at(datetime(9999, 1, 1, tzinfo=UTC))


def test_the_fingerprint_is_the_one_openssl_gives(key_pair: KeyPair, tmp_path: Path) -> None:
    der = openssl.run("pkey", "-pubin", "-in", key_pair.public, "-outform", "DER")
    expected = hashlib.sha256(der).hexdigest()
    assert read(key_pair.public).fingerprint == expected
    assert read(key_pair.certificate(tmp_path / "kaisa.crt")).fingerprint == expected


def test_a_file_may_hold_several_keys(key_pair: KeyPair, other_key_pair: KeyPair, tmp_path: Path) -> None:
    certificate = other_key_pair.certificate(tmp_path / "other.crt")
    pem = b"Kaisa, since 2024\n" + key_pair.public.read_bytes() + b"\n# and the next\n" + certificate.read_bytes()
    first, second = signature.read_pem("both.pem", pem)
    assert first.fingerprint == read(key_pair.public).fingerprint
    assert second.fingerprint == read(certificate).fingerprint
    assert [first.name, second.name] == ["both.pem", "both.pem"]


def test_a_pkcs1_public_key_is_read_too(key_pair: KeyPair) -> None:
    pem = openssl.run("rsa", "-pubin", "-in", key_pair.public, "-RSAPublicKey_out")
    assert pem.startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    (key,) = signature.read_pem("pkcs1", pem)
    assert key.fingerprint == read(key_pair.public).fingerprint


def test_a_weak_key_is_refused_unless_it_is_asked_for(weak_key_pair: KeyPair) -> None:
    with pytest.raises(KeyUnusable) as refused:
        read(weak_key_pair.public)
    assert str(refused.value) == (
        "weak-public.pem holds an RSA key of 1024 bits; use 2048 or more, or set KAISA_ALLOW_WEAK_KEYS=true"
    )
    key = read(weak_key_pair.public, allow_weak=True)
    assert verify(weak_key_pair.sign_base64(PAYLOAD), key) is key


@pytest.mark.parametrize("kind", ["pkcs8", "pkcs1", "encrypted"])
def test_a_private_key_is_refused_with_the_way_to_its_public_half(key_pair: KeyPair, kind: str) -> None:
    pem = {
        "pkcs8": lambda: key_pair.private.read_bytes(),
        "pkcs1": lambda: openssl.run("rsa", "-in", key_pair.private, "-traditional"),
        "encrypted": lambda: openssl.run("pkey", "-in", key_pair.private, "-aes128", "-passout", "pass:secret"),
    }[kind]()
    with pytest.raises(KeyUnusable) as refused:
        signature.read_pem("kaisa.pem", key_pair.public.read_bytes() + pem)
    assert str(refused.value) == (
        "kaisa.pem holds a private key; give its public half (openssl pkey -pubout) and keep the private one away"
    )


def test_a_key_that_is_not_rsa_is_refused(elliptic_key_pair: KeyPair) -> None:
    with pytest.raises(KeyUnusable, match=r"^elliptic-public.pem holds a key that is not RSA; signatures are RSA"):
        read(elliptic_key_pair.public)


def test_a_file_without_pem_is_refused(key_pair: KeyPair) -> None:
    der = openssl.run("pkey", "-pubin", "-in", key_pair.public, "-outform", "DER")
    for content in (der, b"", b"ssh-rsa AAAA", b"\xff\xfe\0"):
        with pytest.raises(KeyUnusable) as refused:
            signature.read_pem("kaisa.der", content)
        assert str(refused.value) == "kaisa.der holds no PEM block; give a PEM public key or X.509 certificate"


@pytest.mark.parametrize("label", ["PUBLIC KEY", "CERTIFICATE", "X509 CRL", "\xff"])
@pytest.mark.parametrize("content", ["", "AAAA", "!!!!", "MIIBIjANBgkqhkiG9w0BAQEF"])
def test_a_pem_block_that_holds_something_else_is_refused(label: str, content: str) -> None:
    pem = f"-----BEGIN {label}-----\n{content}\n-----END {label}-----\n".encode("latin-1")
    shown = label if label.isascii() else "\ufffd"
    with pytest.raises(KeyUnusable, match=rf"^x.pem holds a {shown} that cannot be read: "):
        signature.read_pem("x.pem", pem)


def test_a_block_that_is_cut_off_is_refused(key_pair: KeyPair) -> None:
    with pytest.raises(KeyUnusable, match=r"^x.pem holds a PUBLIC KEY that cannot be read: "):
        signature.read_pem("x.pem", key_pair.public.read_bytes()[:200])


@pytest.mark.parametrize("padding", ["pkcs1v15", "pss"])
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_the_probe_finds_every_profile_supported_here(key_pair: KeyPair, digest: str, padding: str) -> None:
    assert signature.supported(Profile(digest, padding), read(key_pair.public)) is True


def test_the_probe_finds_what_this_host_forbids(key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> bool:
        raise UnsupportedAlgorithm("sha1 is not supported")

    monkeypatch.setattr(signature, "_matches", forbidden)
    assert signature.supported(Profile("sha1"), read(key_pair.public)) is False
