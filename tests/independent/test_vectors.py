"""The signed bodies that were written by hand are judged by PHP and Node as index.json says."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sender_sim.core.delivery import Request
from tests import vectors
from tests.independent.receivers import Profile, Receiver, Tls, running
from tests.independent.sending import answered
from tests.openssl import KeyPair
from tests.vectors import Vector

# What these receivers are too plain, or too strict, for.
_HALF_AN_EMOJI = ("signed-hostile.form", "signed-hostile.json")
_ONLY_TEXT_IS_A_PAYLOAD = ("signed-object.json", "altered-object.json", "payload-a-list.json")
_THE_LAST_OF_TWO_COUNTS = ("signed-duplicate.json",)
_A_BYTE_THAT_TEXT_CANNOT_HOLD = ("signed-raw-e9.form",)
_NO_MACRO_IS_KNOWN = ("signed-envelope.form", "signed-envelope.json")
_OTHERWISE = {
    *_HALF_AN_EMOJI,
    *_ONLY_TEXT_IS_A_PAYLOAD,
    *_THE_LAST_OF_TWO_COUNTS,
    *_A_BYTE_THAT_TEXT_CANNOT_HOLD,
    *_NO_MACRO_IS_KNOWN,
}
_PUBLIC = vectors.FOLDER / "public.pem"
VECTORS = [
    vector
    for vector in vectors.load()
    if vector.trust == _PUBLIC
    and Profile(vector.digest, vector.padding, vector.encoding) == Profile()
    and vector.name.split()[0] not in _OTHERWISE
]


@pytest.fixture(scope="module", params=["php", "node"])
def judge(request: pytest.FixtureRequest, tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that trusts the key of the vectors; its private half is gone."""
    key = KeyPair(Path("gone"), _PUBLIC)
    with running(request.param, tmp_path_factory.mktemp("judge"), key, tls, Profile()) as receiver:
        yield receiver


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_body_written_by_hand_is_judged_as_its_index_says(judge: Receiver, vector: Vector) -> None:
    before = judge.readings()
    request = Request(judge.url, vector.content_type or "", vector.body, timedelta(seconds=20))
    assert answered(judge, request).status == vector.status
    read = judge.readings()[len(before) :]
    assert [dict(each) for each in read] == ([vector.values] if vector.status == 200 else [])


def test_most_of_them_are_judged() -> None:
    assert {vector.status for vector in VECTORS} == {200, 400, 401, 403}
    assert len(VECTORS) >= 20
