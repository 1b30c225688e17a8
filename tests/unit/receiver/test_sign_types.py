"""A JSON `sign`: missing, null and empty text are no signature; what is no text at all is a malformed one."""

import pytest

from receiver import body
from receiver.errors import SignatureWrong, UnreadableBody
from tests.calls import JSON


@pytest.mark.parametrize("sign", ["true", "false", "[]", "{}", "[1]", '{"a": 1}'])
def test_a_sign_that_is_no_text_is_malformed(sign: str) -> None:
    with pytest.raises(SignatureWrong) as refused:
        body.decode(JSON, f'{{"payload": "id=1", "sign": {sign}}}'.encode())
    assert (refused.value.status, refused.value.code) == (403, "signature-malformed")
    assert refused.value.detail == "'sign' is not text"


@pytest.mark.parametrize(
    "members", ['"payload": "id=1"', '"payload": "id=1", "sign": null', '"payload": "x", "sign": ""']
)
def test_a_sign_that_is_missing_null_or_empty_is_no_signature(members: str) -> None:
    assert body.decode(JSON, f"{{{members}}}".encode()).envelope is None


def test_a_payload_of_the_wrong_type_is_unreadable() -> None:
    with pytest.raises(UnreadableBody) as refused:
        body.decode(JSON, b'{"payload": ["id=1"], "sign": "AAAA"}')
    assert refused.value.detail == "'payload' must be text or an object"
