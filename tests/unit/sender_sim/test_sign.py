"""C7: signatures that the `openssl` command verifies, and keys that are refused in words."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from receiver import wire
from sender_sim.core import encode
from sender_sim.core.sign import KeyRejected, Signer
from tests import openssl
from tests.openssl import KeyPair

PAYLOAD = "id=1&text=\N{SNOWMAN} +%\0".encode()
DECODERS = {"base64": base64.b64decode, "base64url": base64.urlsafe_b64decode, "hex": bytes.fromhex}
ALPHABETS = {"base64": r"[A-Za-z0-9+/]+={0,2}", "base64url": r"[A-Za-z0-9_-]+={0,2}", "hex": r"[0-9a-f]+"}


def verified(key: KeyPair, payload: bytes, signature: bytes, folder: Path, *, digest: str, padding: str) -> bytes:
    """What `openssl dgst -verify` says of a signature."""
    file = folder / "signature"
    file.write_bytes(signature)
    options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if padding == "pss" else []
    return openssl.run("dgst", f"-{digest}", *options, "-verify", key.public, "-signature", file, data=payload)


@pytest.mark.parametrize("encoding", wire.SIGNATURE_ENCODINGS)
@pytest.mark.parametrize("padding", wire.PADDINGS)
@pytest.mark.parametrize("digest", wire.DIGESTS)
def test_openssl_verifies_every_profile(
    key_pair: KeyPair, tmp_path: Path, digest: str, padding: str, encoding: str
) -> None:
    signer = Signer(key_pair.private.read_bytes(), digest=digest, padding_scheme=padding, encoding=encoding)
    text = signer.sign(PAYLOAD)
    assert re.fullmatch(ALPHABETS[encoding], text)
    signature = DECODERS[encoding](text)
    assert verified(key_pair, PAYLOAD, signature, tmp_path, digest=digest, padding=padding) == b"Verified OK\n"


def test_openssl_verifies_no_other_payload_with_it(key_pair: KeyPair, tmp_path: Path) -> None:
    signature = base64.b64decode(Signer(key_pair.private.read_bytes()).sign(PAYLOAD))
    with pytest.raises(AssertionError):
        verified(key_pair, PAYLOAD + b" ", signature, tmp_path, digest="sha256", padding="pkcs1v15")


def test_the_default_profile_is_pkcs1_v15_sha_256_in_base64(key_pair: KeyPair) -> None:
    assert Signer(key_pair.private.read_bytes()).sign(PAYLOAD) == key_pair.sign_base64(PAYLOAD)


@pytest.mark.parametrize("encoding", wire.SIGNATURE_ENCODINGS)
def test_a_signature_survives_the_form_and_the_json_around_it(key_pair: KeyPair, encoding: str) -> None:
    signer = Signer(key_pair.private.read_bytes(), encoding=encoding)
    # PKCS#1 v1.5 signs the same bytes in the same way: look for a signature with every character that could get hurt.
    number = next(
        number
        for number in range(1000)
        if encoding != "base64" or {"+", "/"} <= set(signer.sign(f"id={number}".encode()))
    )
    form = parse_qs(encode.body([("id", str(number))], wire.FORM, signer).decode("ascii"), strict_parsing=True)
    assert form["sign"] == [signer.sign(f"id={number}".encode())]
    envelope = json.loads(encode.body([("id", str(number))], wire.JSON, signer))
    assert envelope["sign"] == signer.sign(envelope["payload"].encode())


def test_a_weak_key_is_refused_with_its_size(weak_key_pair: KeyPair) -> None:
    with pytest.raises(KeyRejected, match=r"^has 1024 bits; use 2048 or more, or --allow-weak-key$"):
        Signer(weak_key_pair.private.read_bytes())


def test_a_key_that_is_not_rsa_is_refused(elliptic_key_pair: KeyPair) -> None:
    with pytest.raises(KeyRejected, match=r"^is not an RSA key; Kaisa's signatures are RSA$"):
        Signer(elliptic_key_pair.private.read_bytes())


def test_an_encrypted_key_is_refused(key_pair: KeyPair, tmp_path: Path) -> None:
    encrypted = tmp_path / "encrypted.pem"
    openssl.run("pkey", "-in", key_pair.private, "-aes256", "-passout", "pass:secret", "-out", encrypted)
    with pytest.raises(KeyRejected, match=r"^is not an unencrypted PEM private key: it is encrypted; write it without"):
        Signer(encrypted.read_bytes())


@pytest.mark.parametrize(
    "pem",
    [b"", b"not a key", b"\xff\x00", b"PRIVATE KEY"],
    ids=["empty", "text", "binary", "words"],
)
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyRejected, match=r"^is not an unencrypted PEM private key: it has no BEGIN PRIVATE KEY line"):
        Signer(pem)


def test_a_damaged_key_is_refused(key_pair: KeyPair) -> None:
    whole = key_pair.private.read_bytes()
    short = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for pem in (whole[:-40], whole[len(whole) // 2 :], short):
        with pytest.raises(KeyRejected, match=r"^is not an unencrypted PEM private key: it is damaged; copy it whole"):
            Signer(pem)


def test_a_public_key_or_certificate_is_refused(key_pair: KeyPair, tmp_path: Path) -> None:
    for public in (key_pair.public, key_pair.certificate(tmp_path / "kaisa.crt")):
        with pytest.raises(KeyRejected, match=r"^is not an unencrypted PEM private key: it is the public half"):
            Signer(public.read_bytes())


def test_signers_with_the_same_key_and_profile_are_equal(key_pair: KeyPair, other_key_pair: KeyPair) -> None:
    pem = key_pair.private.read_bytes()
    first = Signer(pem)
    assert first == Signer(pem)
    assert hash(first) == hash(Signer(pem))
    others = [Signer(pem, digest="sha512"), Signer(pem, encoding="hex"), Signer(other_key_pair.private.read_bytes())]
    assert len({first, *others}) == 4
    assert first != "a signer"
