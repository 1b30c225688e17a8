"""Names and values from outside stand in messages cut and escaped."""

import json

import pytest

from receiver import body
from receiver.errors import Refusal, shown
from tests.calls import FORM, JSON

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("id", "'id'"),
        ("a\n\u202eb", "'a\\n\\u202eb'"),
        ("x" * 38, f"'{'x' * 38}'"),
        ("x" * 39, f"'{'x' * 36}..."),
        (["a"], "['a']"),
    ],
)
def test_a_value_is_shown_escaped_and_within_40_characters(value: object, message: str) -> None:
    assert shown(value) == message
    assert len(shown(value)) <= 40


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        (FORM, f"{LONG}=1&{LONG}=2".encode()),
        (FORM, f"{LONG}=%E9".encode()),
        (JSON, f'{{"{LONG}": 1, "{LONG}": 2}}'.encode()),
        (LONG, b"id=1"),
        (f"{FORM}; charset={LONG}", b"id=1"),
    ],
    ids=["name twice", "not UTF-8", "JSON name twice", "content type", "charset"],
)
def test_no_message_grows_with_what_was_sent(content_type: str, data: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        body.decode(content_type, data)
    assert len(json.dumps(refused.value.document())) < 600
