"""The hand-written bodies, through the parser and through the whole pipeline."""

import pytest

from receiver import body, signature
from receiver.errors import Refusal
from receiver.signature import Profile
from tests import vectors
from tests.unit.receiver.conftest import Pipeline
from tests.vectors import FOLDER, Vector

VECTORS = vectors.load()
READABLE = [vector for vector in VECTORS if vector.values is not None]
ENVELOPES = [vector for vector in VECTORS if vector.payload is not None]


def test_every_body_and_payload_is_used() -> None:
    bodies = {vector.name.split()[0] for vector in VECTORS}
    assert {path.name for path in (FOLDER / "bodies").iterdir()} == bodies
    payloads = {vector.payload for vector in ENVELOPES}
    assert {path.read_bytes() for path in (FOLDER / "payloads").iterdir()} == payloads


@pytest.mark.parametrize("vector", READABLE, ids=str)
def test_a_readable_body_gives_exactly_its_values_in_order(vector: Vector) -> None:
    assert vector.values is not None
    assert list(body.decode(vector.content_type, vector.body).values().items()) == list(vector.values.items())


@pytest.mark.parametrize("vector", ENVELOPES, ids=str)
def test_the_payload_is_the_signed_bytes_exactly(vector: Vector) -> None:
    decoded = body.decode(vector.content_type, vector.body)
    assert decoded.envelope is not None
    assert decoded.envelope.payload == vector.payload
    assert decoded.payload == vector.payload


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_body_is_answered_as_the_contract_says(vector: Vector, pipeline: Pipeline) -> None:
    pipeline.profile = Profile(vector.digest, vector.padding, vector.encoding)
    pipeline.keys = signature.read_pem("vectors", vector.trust.read_bytes()) if vector.trust else ()
    if vector.code is None:
        receipt = pipeline.receive(vector.body, vector.content_type)
        assert (vector.status, receipt.answer) == (200, "{}")
        assert receipt.event.wire == vector.values
        assert receipt.signed_by == (pipeline.keys[0] if pipeline.keys else None)
    else:
        with pytest.raises(Refusal) as refused:
            pipeline.receive(vector.body, vector.content_type)
        assert (refused.value.status, refused.value.code) == (vector.status, vector.code)


def test_one_certificate_and_its_key_are_the_same_signer() -> None:
    by_key, by_certificate = (
        signature.read_pem(name, (FOLDER / name).read_bytes())[0] for name in ("public.pem", "certificate.pem")
    )
    assert by_key.fingerprint == by_certificate.fingerprint
