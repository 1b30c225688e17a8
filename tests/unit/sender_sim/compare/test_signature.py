"""The signature of a captured request, made by openssl: how it is written, and which profile it verifies with."""

import base64
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from receiver import macro, wire
from sender_sim.compare import comparison
from sender_sim.compare.comparison import Comparison, Settings
from sender_sim.compare.model import REPORT, Difference
from sender_sim.compare.signature import NotAKey, public_keys
from sender_sim.core.sign import Profile
from tests import openssl
from tests.calls import form
from tests.openssl import KeyPair
from tests.unit.sender_sim.compare.test_comparison import captured

PAYLOAD = "a=%C3%A5+%26"
IN_JSON = r'{"a":"\u00e5 &"}'
MACRO = macro.parse("a={id}", recording=False)
NONSENSE = base64.b64encode(bytes(256)).decode()
WRITTEN: dict[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64url": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "hex": lambda raw: raw.hex(),
}
PROFILES = list(product(wire.DIGESTS, wire.PADDINGS, wire.SIGNATURE_ENCODINGS))


@pytest.fixture(scope="session")
def keys(key_pair: KeyPair) -> tuple[RSAPublicKey, ...]:
    return public_keys(key_pair.public.read_bytes())


def envelope(payload: str, sign: str) -> bytes:
    return form({"payload": payload, "sign": sign})


def compared(
    body: bytes, profile: Profile | None, keys: tuple[RSAPublicKey, ...] = (), encoding: str = "form"
) -> Comparison:
    return comparison.compare(captured(body, encoding), Settings(MACRO, encoding, profile, keys))


def signed(key: KeyPair, payload: str, *options: str, digest: str = "sha256") -> bytes:
    return openssl.run("dgst", f"-{digest}", *options, "-sign", key.private, data=payload.encode())


def signature(key: KeyPair, profile: tuple[str, str, str], payload: str = PAYLOAD) -> str:
    digest, padding, encoding = profile
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest") if padding == "pss" else ()
    return WRITTEN[encoding](signed(key, payload, *pss, digest=digest))


@pytest.mark.parametrize("profile", PROFILES, ids="-".join)
def test_a_signature_of_the_profile_that_is_set_is_no_difference(
    key_pair: KeyPair, keys: tuple[RSAPublicKey, ...], profile: tuple[str, str, str]
) -> None:
    body = envelope(PAYLOAD, signature(key_pair, profile))
    assert compared(body, Profile(*profile), keys) == Comparison((), (), body, body)


@pytest.mark.parametrize("profile", PROFILES, ids="-".join)
def test_of_a_signature_of_another_profile_the_settings_are_told(
    key_pair: KeyPair, keys: tuple[RSAPublicKey, ...], profile: tuple[str, str, str]
) -> None:
    sign = signature(key_pair, profile)
    found = compared(envelope(PAYLOAD, sign), Profile(), keys)
    same_text = profile[2] == "base64url" and not set(sign) & set("-_")  # as base64: it happens, once in 50,000
    names = ("digest", "padding", "encoding")
    expected = {
        Difference(f"{name} of the signature", kaisa, ours, f"--{name} {kaisa}")
        for name, kaisa, ours in zip(names, profile, ("sha256", "pkcs1v15", "base64"), strict=True)
        if kaisa != ours and not (name == "encoding" and same_text)
    }
    assert set(found.differences) == expected


def test_a_signed_json_object_is_compared_inside_and_outside(key_pair: KeyPair, keys: tuple[RSAPublicKey, ...]) -> None:
    sign = signature(key_pair, PROFILES[0], IN_JSON)
    body = json.dumps({"payload": IN_JSON, "sign": sign}, separators=(",", ":")).encode()
    assert compared(body, Profile(), keys, "json") == Comparison((), (), body, body)
    spaced = json.dumps({"sign": sign.replace("/", "\\/"), "payload": IN_JSON}).replace("\\\\/", "\\/").encode()
    found = compared(spaced, Profile(), keys, "json")
    assert [each.what for each in found.differences] == [
        "order of the names",
        "white space around the parts of the JSON",
        *(["escaping of '/'"] if "/" in sign else []),
    ]


def test_inside_an_envelope_the_payload_is_compared_too(key_pair: KeyPair, keys: tuple[RSAPublicKey, ...]) -> None:
    sign = signature(key_pair, PROFILES[0], "a=x%20y")
    outside = form({"payload": "a=x%20y", "sign": sign}).replace(b"payload=a%3D", b"payload=a%3d")
    [outer, inner] = compared(outside, Profile(), keys).differences
    assert outer == Difference("hex digits of escapes", "%3d", "%3D", where=("payload",))
    assert inner == Difference("escaping of a space", "%20", "+", where=("a",))


def test_unsigned_neighbours_in_the_envelope_are_told() -> None:
    [found] = compared(envelope("a=1", NONSENSE) + b"&id=2", Profile()).differences
    assert (found.what, found.where, found.change) == ("names that are not expected", ("id",), REPORT)


@pytest.mark.parametrize(
    ("payload", "words"), [({"a": "1"}, "values that are objects"), ("a=1", "encoding of the payload")]
)
def test_a_json_payload_that_is_no_json_text_is_told(payload: object, words: str) -> None:
    body = json.dumps({"payload": payload, "sign": NONSENSE}, separators=(",", ":")).encode()
    assert [each.what for each in compared(body, Profile(), (), "json").differences] == [words]


def test_an_envelope_where_none_is_set_and_none_where_one_is(key_pair: KeyPair) -> None:
    found = compared(envelope("a=1", key_pair.sign_base64(b"a=1")), None)
    assert found.differences == (Difference("signing", "signed, in an envelope", "unsigned", "--sign, or --trust"),)
    [found_one] = compared(b"a=1", Profile()).differences
    change = "leave --sign, --trust and the file's [signature] out"
    assert found_one == Difference("signing", "unsigned", "signed, in an envelope", change)


def test_without_a_key_it_is_noted_that_nothing_was_verified(key_pair: KeyPair) -> None:
    found = compared(envelope(PAYLOAD, key_pair.sign_base64(b"another payload")), Profile())
    assert found.differences == ()
    assert found.notes == ("the signature was not verified: give Kaisa's public key or certificate with --trust",)


def test_one_of_several_keys_is_enough(key_pair: KeyPair, other_key_pair: KeyPair, tmp_path: Path) -> None:
    certificate = key_pair.certificate(tmp_path / "kaisa.pem")
    keys = public_keys(other_key_pair.public.read_bytes() + b"\n# comment\n" + certificate.read_bytes())
    assert len(keys) == 2
    assert compared(envelope(PAYLOAD, key_pair.sign_base64(PAYLOAD.encode())), Profile(), keys).differences == ()


@pytest.mark.parametrize("payload", [PAYLOAD + " ", PAYLOAD])
def test_a_signature_that_does_not_verify_is_told(
    key_pair: KeyPair, other_key_pair: KeyPair, keys: tuple[RSAPublicKey, ...], payload: str
) -> None:
    signer = other_key_pair if payload == PAYLOAD else key_pair
    [found] = compared(envelope(PAYLOAD, signer.sign_base64(payload.encode())), Profile(), keys).differences
    assert (found.what, found.kaisa) == ("signature", "does not verify, whatever digest and padding")
    assert found.simulator == "verifies with sha256 and pkcs1v15"
    assert found.change.startswith("--trust: give the key that Kaisa signs with; if it is that one, `receiver doctor` ")


def test_a_salt_of_another_length_is_told(key_pair: KeyPair, keys: tuple[RSAPublicKey, ...]) -> None:
    raw = signed(key_pair, PAYLOAD, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:max")
    [found] = compared(envelope(PAYLOAD, WRITTEN["base64"](raw)), Profile(padding="pss"), keys).differences
    assert found == Difference("salt of the signature", "of another length", "as long as the digest")


def test_a_signature_that_is_written_otherwise_is_told_and_verified_all_the_same(
    key_pair: KeyPair, keys: tuple[RSAPublicKey, ...]
) -> None:
    raw = signed(key_pair, PAYLOAD)
    spellings = {
        "base64": [base64.encodebytes(raw).decode(), WRITTEN["base64"](raw).rstrip("=")],
        "base64url": [WRITTEN["base64url"](raw).rstrip("=")],
        "hex": [raw.hex().upper()],
    }
    for encoding, texts in spellings.items():
        for text in texts:
            [found] = compared(envelope(PAYLOAD, text), Profile(encoding=encoding), keys).differences
            ours = WRITTEN[encoding](raw)
            assert found == Difference(f"spelling of the signature in {encoding}", text, ours)


@pytest.mark.parametrize("text", ["", "!", "åäö", "abcde"])
def test_what_is_no_signature_is_told(keys: tuple[RSAPublicKey, ...], text: str) -> None:
    found = compared(envelope(PAYLOAD, text), Profile(), keys).differences
    assert Difference("signature", text or "empty", "one line of base64") in found


def test_a_length_that_no_trusted_key_has_is_told(weak_key_pair: KeyPair, keys: tuple[RSAPublicKey, ...]) -> None:
    body = envelope(PAYLOAD, weak_key_pair.sign_base64(PAYLOAD.encode()))
    length, _ = compared(body, Profile(), keys).differences
    change = "--sign: a key of 1024 bits"
    assert length == Difference("length of the signature", "128 bytes", "256 bytes (RSA 2048)", change)
    [length] = compared(body, Profile()).differences
    usual = "256 bytes (RSA 2048) or 384 bytes (RSA 3072) or 512 bytes (RSA 4096)"
    assert length == Difference("length of the signature", "128 bytes", usual, change)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("", "holds neither a public key nor a certificate in PEM"),
        ("PUBLIC KEY", "holds a PUBLIC KEY that is no public key: "),
        ("CERTIFICATE", "holds a CERTIFICATE that is no public key: "),
    ],
)
def test_what_is_no_key_is_told(label: str, words: str) -> None:
    pem = f"-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n"
    with pytest.raises(NotAKey) as error:
        public_keys(pem.encode())
    assert str(error.value).startswith(words)


def test_keys_that_are_private_or_not_rsa_are_told(key_pair: KeyPair, elliptic_key_pair: KeyPair) -> None:
    with pytest.raises(NotAKey, match=r"^holds a PRIVATE KEY that is no public key: "):
        public_keys(key_pair.private.read_bytes())
    with pytest.raises(NotAKey, match=r"^holds a key that is not RSA; Kaisa's signatures are RSA$"):
        public_keys(elliptic_key_pair.public.read_bytes())
