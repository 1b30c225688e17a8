"""The diagnosis, against signatures by the openssl command and against the hand-written bodies."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from receiver import body, macro, signature, wire
from receiver.diagnosis.doctor import Report, Setup, State, Step, diagnose
from receiver.errors import Problem
from receiver.signature import KeyUnusable, Profile, TrustedKey
from tests import vectors
from tests.calls import FORM, JSON, POST_CALL, form, json_text, signed_form, signed_json
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.test_signature import encoded
from tests.vectors import Vector

PAYLOAD = form(POST_CALL)
DEFAULT_MACRO = macro.parse(wire.DEFAULT_MACRO, recording=True)
EIGHT = ", ".join(f"'{number}'" for number in range(1, 9))
STEPS = ["request", "content type", "body", "envelope", "keys", "sign", "signature", "data"]


def read(path: Path, *, allow_weak: bool = False) -> TrustedKey:
    (key,) = signature.read_pem(path.name, path.read_bytes(), allow_weak=allow_weak)
    return key


def setup(*keys: TrustedKey, profile: Profile | None = None, **options: Any) -> Setup:
    return Setup(keys=keys, profile=profile or Profile(), macro=DEFAULT_MACRO, **options)


def step(report: Report, name: str) -> Step:
    return next(step for step in report.steps if step.name == name)


def states(report: Report) -> dict[str, str]:
    """The steps that did not pass."""
    return {step.name: str(step.state) for step in report.steps if step.state != State.PASSED}


def envelope(payload: bytes, sign: str) -> bytes:
    return form({"payload": payload.decode("latin-1"), "sign": sign})


def test_a_good_request_passes_every_step(key_pair: KeyPair) -> None:
    key = read(key_pair.public)
    report = diagnose(
        FORM, signed_form(POST_CALL, key_pair), setup(key), now=NOON, method="POST", path="/webhook", length=400
    )
    assert [step.name for step in report.steps] == STEPS
    assert states(report) == {}
    assert (report.failed, report.finding) == ((), None)
    short = key.fingerprint[:16]
    assert [step.reason for step in report.steps][3:] == [
        f"'payload' of {len(PAYLOAD)} bytes, 'sign' of 344 characters",
        f"kaisa-public.pem: RSA-2048, fingerprint {short}, no dates",
        "344 characters of base64: 256 bytes, as an RSA-2048 key makes",
        f"verifies as configured (pkcs1v15, sha256, base64) with kaisa-public.pem ({short})",
        "17 of 17 names of KAISA_MACRO",
    ]


@pytest.mark.parametrize("signed", [signed_form, signed_json])
@pytest.mark.parametrize("encoding", ["base64", "base64url", "hex"])
@pytest.mark.parametrize("padding", ["pkcs1v15", "pss"])
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_each_profile_is_found_with_the_settings_to_set(
    key_pair: KeyPair,
    other_key_pair: KeyPair,
    digest: str,
    padding: str,
    encoding: str,
    signed: Callable[..., bytes],
) -> None:
    json_body = signed is signed_json
    payload = json_text(POST_CALL) if json_body else PAYLOAD
    sign = encoded(key_pair.sign(payload, digest=digest, padding=padding), encoding)
    data = json_text({"payload": payload.decode(), "sign": sign}) if json_body else envelope(payload, sign)
    report = diagnose(
        JSON if json_body else FORM, data, setup(read(other_key_pair.public), read(key_pair.public)), now=NOON
    )
    wanted = {"digest": digest, "padding": padding, "encoding": encoding}
    expected = [
        f"set KAISA_SIGNATURE_{name.upper()}={value}"
        for name, value in wanted.items()
        if value != getattr(Profile(), name)
    ]
    if expected:
        assert report.finding is not None
        document = report.finding.document()
        assert {name: document[name] for name in wanted} == wanted
        assert (document["key"], document["payload"], document["sign"]) == (
            "kaisa-public.pem",
            "as it came",
            "as it came",
        )
    assert step(report, "signature").remedy == "; ".join(expected)
    assert step(report, "signature").state == (State.FAILED if expected else State.PASSED)


def test_the_settings_that_are_told_make_it_verify(key_pair: KeyPair) -> None:
    sign = key_pair.sign(PAYLOAD, digest="sha512", padding="pss").hex()
    key, data = read(key_pair.public), envelope(PAYLOAD, sign)
    report = diagnose(FORM, data, setup(key), now=NOON)
    assert states(report) == {"request": "not applicable", "sign": "failed", "signature": "failed"}
    assert step(report, "sign").reason == (
        "512 characters of hex: 256 bytes, as an RSA-2048 key makes; configured is base64"
    )
    assert step(report, "sign").remedy == "set KAISA_SIGNATURE_ENCODING=hex"
    assert report.finding is not None
    assert diagnose(FORM, data, setup(key, profile=report.finding.profile), now=NOON).failed == ()


def test_a_key_outside_its_validity_is_found_and_told_apart_from_another_key(key_pair: KeyPair, tmp_path: Path) -> None:
    key = read(key_pair.certificate(tmp_path / "old.crt", days=2))
    assert key.not_before is not None
    assert key.not_after is not None
    late = key.not_after + timedelta(days=1)
    report = diagnose(FORM, signed_form(POST_CALL, key_pair), setup(key), now=late)
    assert states(report) == {"request": "not applicable", "keys": "failed", "signature": "failed"}
    window = f"valid from {key.not_before:%Y-%m-%d} to {key.not_after:%Y-%m-%d}"
    assert step(report, "keys").reason == (
        f"none is valid now: old.crt: RSA-2048, fingerprint {key.fingerprint[:16]}, NOT VALID NOW: {window}"
    )
    assert "old.crt, which is not valid now" in step(report, "signature").reason
    assert "add Kaisa's current certificate" in step(report, "signature").remedy


def test_a_key_in_its_validity_shows_its_dates(key_pair: KeyPair, tmp_path: Path) -> None:
    key = read(key_pair.certificate(tmp_path / "new.crt", days=2))
    assert key.not_before is not None
    report = diagnose(FORM, signed_form(POST_CALL, key_pair), setup(key), now=key.not_before)
    assert step(report, "keys").reason.endswith(f", valid from {key.not_before:%Y-%m-%d} to {key.not_after:%Y-%m-%d}")
    assert report.failed == ()


def test_altered_data_is_told_apart_from_another_key(key_pair: KeyPair, other_key_pair: KeyPair) -> None:
    altered = PAYLOAD.replace(b"duration=42", b"duration=43")
    data = envelope(altered, key_pair.sign_base64(PAYLOAD))
    by_its_key = diagnose(FORM, data, setup(read(other_key_pair.public), read(key_pair.public)), now=NOON)
    by_another = diagnose(FORM, data, setup(read(other_key_pair.public)), now=NOON)
    assert (by_its_key.finding, by_another.finding) == (None, None)
    assert "did make this signature (pkcs1v15, sha256), but over other bytes" in step(by_its_key, "signature").reason
    assert step(by_its_key, "signature").remedy.startswith("leave keys and settings as they are")
    assert "another key made it" in step(by_another, "signature").reason
    assert step(by_another, "signature").remedy.startswith("get the public key that Kaisa signs with now")


@pytest.mark.parametrize("encoding", ["base64", "base64url", "hex"])
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_what_made_a_signature_is_known_without_what_it_is_over(key_pair: KeyPair, digest: str, encoding: str) -> None:
    sign = encoded(key_pair.sign(b"something else", digest=digest), encoding)
    report = diagnose(FORM, envelope(PAYLOAD, sign), setup(read(key_pair.public)), now=NOON)
    assert f"did make this signature (pkcs1v15, {digest})" in step(report, "signature").reason


def test_a_signature_of_another_length_is_another_key(key_pair: KeyPair, weak_key_pair: KeyPair) -> None:
    data = signed_form(POST_CALL, weak_key_pair)
    report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
    assert step(report, "sign").reason == (
        "172 characters of base64: 128 bytes, as an RSA-1024 key makes, and the trusted keys are RSA-2048: "
        "another key made it, or it was cut"
    )
    assert "has the length of a trusted key's signatures" in step(report, "signature").reason
    assert diagnose(FORM, data, setup(read(weak_key_pair.public, allow_weak=True)), now=NOON).failed == ()


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        ("ab!c", "4 characters that are none of base64, base64url, hex: '!' at character 2"),
        ("\u00e9", "1 characters that are none of base64, base64url, hex: '\\xe9' at character 0"),
        ("====", "4 characters that are none of base64, base64url, hex: the characters do, the length does not fit"),
    ],
)
def test_a_sign_that_is_no_signature_is_told_with_the_place(key_pair: KeyPair, sign: str, reason: str) -> None:
    report = diagnose(JSON, json_text({"payload": "{}", "sign": sign}), setup(read(key_pair.public)), now=NOON)
    assert (step(report, "sign").state, step(report, "sign").reason) == (State.FAILED, reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"payload=a", "'payload' is there, and 'sign' is missing"),
        (b"payload=a&sign=", "'payload' is there, and 'sign' is empty"),
        (b"sign=a", "'sign' is there, and 'payload' is missing"),
        (b"id=1&b=2", "neither 'payload' nor 'sign' is there; the body has: 'id', 'b'"),
        (b"", "neither 'payload' nor 'sign' is there; the body has: nothing"),
        (b"1=&2=&3=&4=&5=&6=&7=&8=&9=", f"neither 'payload' nor 'sign' is there; the body has: {EIGHT}, ..."),
    ],
)
def test_the_half_of_the_envelope_that_is_missing_is_named(key_pair: KeyPair, data: bytes, reason: str) -> None:
    report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
    assert (step(report, "envelope").state, step(report, "envelope").reason) == (State.FAILED, reason)
    one_half = data.startswith((b"payload=", b"sign="))
    assert step(report, "envelope").remedy.startswith("Kaisa sends both" if one_half else "switch on 'Include SSL")
    assert (step(report, "data").state == State.NOT_APPLICABLE) == data.startswith(b"payload=")


def test_unsigned_data_is_good_where_anyone_is_accepted() -> None:
    report = diagnose(FORM, PAYLOAD, setup(accept_unsigned=True), now=NOON, method="post", path="/webhook")
    assert states(report) == dict.fromkeys(["envelope", "keys", "sign", "signature"], "not applicable")


def test_without_a_key_that_is_what_is_told(key_pair: KeyPair) -> None:
    report = diagnose(FORM, signed_form(POST_CALL, key_pair), setup(), now=NOON)
    assert states(report) == {"request": "not applicable", "keys": "failed", "signature": "not applicable"}
    assert step(report, "keys").remedy == "name the file with Kaisa's public key in KAISA_TRUSTED_KEYS"


def test_key_files_that_cannot_be_trusted_are_a_finding(key_pair: KeyPair) -> None:
    with pytest.raises(KeyUnusable) as refused:
        signature.read_pem("kaisa.pem", key_pair.private.read_bytes())
    problem = Problem("KAISA_TRUSTED_KEYS", str(refused.value), "mend or remove that file")
    report = diagnose(
        FORM, signed_form(POST_CALL, key_pair), setup(read(key_pair.public), key_problems=(problem,)), now=NOON
    )
    assert step(report, "keys").reason == f"KAISA_TRUSTED_KEYS: {refused.value}"
    assert step(report, "keys").remedy == "mend or remove that file"
    assert step(report, "signature").state == State.PASSED


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "GET", "path": "/webhook"}, "the method is GET"),
        ({"method": "POST", "path": "/x\n"}, "the path is '/x\\n', and KAISA_WEBHOOK_PATH is /webhook"),
        ({"length": 6}, "cut off: Content-Length is 6, and 4 bytes are there"),
    ],
)
def test_a_request_that_is_not_the_webhooks_is_told(options: dict[str, Any], reason: str) -> None:
    found = step(diagnose(FORM, b"id=1", setup(), now=NOON, **options), "request")
    assert (found.state, found.reason) == (State.FAILED, reason)


def test_a_body_over_the_limit_is_told() -> None:
    report = diagnose(FORM, b"id=1", setup(max_body=3), now=NOON, method="POST", path="/webhook")
    assert step(report, "request").reason == "the body has 4 bytes, over 3"


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        (None, "the request has no Content-Type header; the body looks like {}"),
        ("text/plain", "the content type is 'text/plain'; the body looks like {}"),
    ],
)
def test_a_wrong_content_type_does_not_end_the_diagnosis(
    key_pair: KeyPair, content_type: str | None, reason: str
) -> None:
    for looks, data in (("form", signed_form(POST_CALL, key_pair)), ("json", signed_json(POST_CALL, key_pair))):
        report = diagnose(content_type, data, setup(read(key_pair.public)), now=NOON)
        assert states(report) == {"request": "not applicable", "content type": "failed"}
        assert step(report, "content type").reason == reason.format(looks)


def test_a_content_type_of_the_other_encoding_is_told(key_pair: KeyPair) -> None:
    key = setup(read(key_pair.public))
    says_form = diagnose(FORM, signed_json(POST_CALL, key_pair), key, now=NOON)
    says_json = diagnose(f"{JSON}; charset=UTF-8", signed_form(POST_CALL, key_pair), key, now=NOON)
    assert step(says_form, "content type").reason == "the header says form, and the body looks like json"
    assert step(says_json, "content type").reason == "the header says json, and the body looks like form"
    for report in (says_form, says_json):
        assert states(report) == {"request": "not applicable", "content type": "failed"}


@pytest.mark.parametrize(
    ("content_type", "data", "place"),
    [(FORM, b"id=100%", "byte 6"), (JSON, b'{"id": \n x}', "line 2, column 2"), (FORM, b"id=\xe9", "0xE9")],
)
def test_a_body_that_cannot_be_read_is_told_with_the_place(content_type: str, data: bytes, place: str) -> None:
    report = diagnose(content_type, data, setup(), now=NOON)
    assert place in step(report, "body").reason
    assert [step(report, name).state for name in ("envelope", "sign", "signature", "data")] == [
        State.NOT_APPLICABLE
    ] * 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a=1", "not one name of KAISA_MACRO is in it"),
        (b"start=yesterday", "start: 'yesterday' is not a UTC time of the form YYYY-MM-DD HH:MM:SS"),
        (b"", "the body holds no data"),
    ],
)
def test_data_that_does_not_fit_the_macro_is_told(data: bytes, reason: str) -> None:
    found = step(diagnose(FORM, data, setup(accept_unsigned=True), now=NOON), "data")
    assert (found.state, found.reason) == (State.FAILED, reason)


def test_names_of_the_macro_that_are_missing_are_told() -> None:
    values = {name: value for name, value in POST_CALL.items() if name not in ("fsid", "url")}
    found = step(diagnose(FORM, form(values), setup(accept_unsigned=True), now=NOON), "data")
    assert (found.state, found.reason) == (State.PASSED, "15 of 17 names of KAISA_MACRO; missing: url, fsid")


def test_literal_text_that_is_missing_is_told() -> None:
    configured = Setup(
        keys=(), profile=Profile(), macro=macro.parse("id=call-{id}", recording=False), accept_unsigned=True
    )
    found = step(diagnose(FORM, b"id=1", configured, now=NOON), "data")
    assert found.reason == "without the literal text that KAISA_MACRO puts around the value: id"


def test_a_digest_this_host_forbids_is_told(key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> bool:
        raise UnsupportedAlgorithm("not here")

    key, data = read(key_pair.public), signed_form(POST_CALL, key_pair)
    monkeypatch.setattr(signature, "_matches", forbidden)
    report = diagnose(FORM, data, setup(key), now=NOON)
    assert step(report, "signature").reason == "this host's OpenSSL does not verify pkcs1v15, sha256, base64"


@pytest.mark.parametrize("vector", vectors.load(), ids=str)
def test_the_verdict_on_each_hand_written_body_is_the_receivers(vector: Vector) -> None:
    keys = signature.read_pem("vectors", vector.trust.read_bytes()) if vector.trust else ()
    profile = Profile(vector.digest, vector.padding, vector.encoding)
    report = diagnose(
        vector.content_type, vector.body, setup(*keys, profile=profile, accept_unsigned=not keys), now=NOON
    )
    assert (not report.failed) == (vector.status == 200)
    first = {
        400: ("content type", "body", "data"),
        401: ("envelope",),
        403: ("body", "sign", "signature"),
        415: ("content type",),
    }
    if report.failed and vector.status in first:
        assert report.failed[0].name in first[vector.status]


def test_the_document_is_plain_data(key_pair: KeyPair) -> None:
    sign = base64.b64encode(key_pair.sign(PAYLOAD, digest="sha512")).decode()
    key = read(key_pair.public)
    document = json.loads(json.dumps(diagnose(FORM, envelope(PAYLOAD, sign), setup(key), now=NOON).document()))
    assert document["accepted"] is False
    assert [step["name"] for step in document["steps"]] == STEPS
    assert document["steps"][6]["state"] == "failed"
    assert document["verifies_with"] == {
        "key": "kaisa-public.pem",
        "fingerprint": key.fingerprint,
        "digest": "sha512",
        "padding": "pkcs1v15",
        "encoding": "base64",
        "payload": "as it came",
        "sign": "as it came",
    }


VECTOR = next(each for each in vectors.load() if each.name.startswith("signed-default.form"))
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                b"payload=",
                b"sign=",
                b"&",
                b"=",
                b"%",
                b"%2B",
                b"+",
                b" ",
                b"QUJD",
                b"\xe9",
                b"\xed\xa0\x80",
                b"{",
                b"}",
            ),
            *(
                b'{"payload":',
                b'"sign":"QUJD"',
                b'"a/b"',
                b"\\u",
                b"\\ud800",
                b'"',
                b",",
                b"[" * 2000,
                b"1" * 5000,
                b"NaN",
            ),
        ]
    )
).map(b"".join)


@given(at=st.integers(0, len(VECTOR.body) * 8 - 1))
def test_whatever_bit_is_flipped_only_the_signed_data_is_said_to_verify(at: int) -> None:
    assert VECTOR.trust is not None
    flipped = bytearray(VECTOR.body)
    flipped[at // 8] ^= 1 << at % 8
    report = diagnose(FORM, bytes(flipped), setup(read(VECTOR.trust)), now=NOON)
    if step(report, "signature").state == State.PASSED:
        assert body.decode(FORM, bytes(flipped)).payload == VECTOR.payload
    if report.finding:
        assert report.finding.payload.data == VECTOR.payload


@given(
    content_type=st.sampled_from([FORM, JSON, None, "text/plain"]) | st.text(),
    data=st.one_of(st.binary(), PIECES),
    now=st.sampled_from([NOON, datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
)
def test_hostile_requests_are_diagnosed_without_a_stumble(content_type: str | None, data: bytes, now: datetime) -> None:
    assert VECTOR.trust is not None
    report = diagnose(content_type, data, setup(read(VECTOR.trust)), now=now)
    assert [step.name for step in report.steps] == STEPS
    assert report.failed
    assert report.finding is None
    assert [step.name for step in report.failed if not step.remedy] == []
    json.dumps(report.document())
