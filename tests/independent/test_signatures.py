"""C7: what we sign, PHP's openssl_verify and Node's crypto.verify accept; what was tampered with they do not."""

import hashlib
import json

import pytest

from receiver import macro, wire
from sender_sim.core import encode
from sender_sim.core.sign import Signer
from tests.independent.conftest import Start
from tests.independent.receivers import Profile, Receiver
from tests.independent.sending import altered, answered, request, signer
from tests.openssl import KeyPair

# What each can do: of PSS, PHP knows nothing before 8.5.
ENCODINGS = [Profile(encoding=encoding) for encoding in wire.SIGNATURE_ENCODINGS[1:]]
DIGESTS = [Profile(digest) for digest in wire.DIGESTS]
PSS = [Profile(digest, "pss") for digest in wire.DIGESTS]
PROFILES = [
    *(("php", profile) for profile in (*DIGESTS, *ENCODINGS)),
    *(("node", profile) for profile in (*DIGESTS, *PSS, *ENCODINGS)),
]
VALUES = {"id": "call-1", "details": "50 % & more? \"'\\+ å 😀"}


@pytest.mark.parametrize("encoding", ["form", "json"])
@pytest.mark.parametrize(("name", "profile"), PROFILES, ids=str)
def test_what_is_signed_is_accepted(start: Start, name: str, profile: Profile, encoding: str) -> None:
    receiver = start(name, profile)
    text = "id={id}&text={details}"
    answer = answered(receiver, request(receiver, VALUES, text, encoding=encoding))
    payload = encode.data([("id", VALUES["id"]), ("text", VALUES["details"])], encoding)
    digest = hashlib.sha256(payload).hexdigest()
    assert (answer.status, json.loads(answer.body)) == (200, {"append": f"{name} {digest[:12]}"})
    assert receiver.readings()[-1] == [["id", VALUES["id"]], ["text", VALUES["details"]]]


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_data_that_was_changed_is_refused(receiver: Receiver, encoding: str) -> None:
    before = receiver.readings()
    sent = request(receiver, VALUES, encoding=encoding)
    for old, new in ((b"call-1", b"call-2"), (b"fsid", b"fsiD")):
        assert old in sent.body
        assert answered(receiver, altered(sent, body=sent.body.replace(old, new))).status == 403
    assert receiver.readings() == before


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_the_signature_of_another_payload_is_refused(receiver: Receiver, encoding: str) -> None:
    other = signer(receiver).sign(b"another payload")
    payload = encode.data([("id", "1")], encoding).decode()
    body = encode.data([("payload", payload), ("sign", other)], encoding)
    sent = request(receiver, VALUES, encoding=encoding)
    assert answered(receiver, altered(sent, body=body)).status == 403


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_the_signature_of_a_key_that_is_not_trusted_is_refused(
    receiver: Receiver, other_key_pair: KeyPair, encoding: str
) -> None:
    stranger = Signer(other_key_pair.private.read_bytes())
    assert answered(receiver, request(receiver, VALUES, encoding=encoding, signer=stranger)).status == 403


@pytest.mark.parametrize(
    "profile", [Profile(digest="sha512"), Profile(padding="pss"), Profile(encoding="hex")], ids=str
)
def test_the_signature_of_another_profile_is_refused(receiver: Receiver, profile: Profile) -> None:
    assert answered(receiver, request(receiver, VALUES, signer=signer(receiver, profile))).status == 403


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_what_is_not_signed_is_refused(receiver: Receiver, encoding: str) -> None:
    assert answered(receiver, request(receiver, VALUES, encoding=encoding, signer=None)).status == 401


def test_what_stands_beside_the_payload_does_not_count(receiver: Receiver) -> None:
    sent = request(receiver, VALUES, "id={id}")
    assert answered(receiver, altered(sent, body=sent.body + b"&id=other&event_type=0")).status == 200
    assert receiver.readings()[-1] == [["id", "call-1"]]


def test_the_default_macro_arrives_with_all_its_fields(receiver: Receiver) -> None:
    assert answered(receiver, request(receiver, VALUES)).status == 200
    names = [pair.wire_name for pair in macro.parse(wire.DEFAULT_MACRO, recording=False).pairs]
    read = receiver.readings()[-1]
    assert [name for name, _ in read] == names
    expected = {"start": "2026-03-02 09:00:00", "duration": "63", "answered": "1", "event_type": "0", **VALUES}
    assert {name: value for name, value in read if name in expected} == expected
