"""Bytes -> values, against the standard library's encoders, and against bytes that mean nothing."""

import json
import re
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import body
from receiver.body import Envelope
from receiver.errors import Refusal, UnreadableBody
from tests.calls import FORM, JSON

# Any text: also quotes, line breaks, NUL, emoji, right-to-left text and lone surrogates.
HOSTILE = st.text(
    st.one_of(st.sampled_from("\"'\\\n\r\t&=+%;\0 {}é\u202eש\U0001f468\u200d\ud800\udfff"), st.characters())
)
# A high surrogate and a low one that meet are one character in JSON, and two halves in UTF-8: neither can stay.
HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
WHOLE = HOSTILE.filter(lambda text: not HALVES.search(text))
CALLS = st.dictionaries(WHOLE, WHOLE, min_size=1)


@given(values=CALLS)
def test_a_form_gives_back_what_urlencode_was_given(values: dict[str, str]) -> None:
    encoded = urlencode(values, errors="surrogatepass").encode()
    assert list(body.decode(FORM, encoded).values().items()) == list(values.items())


@given(values=CALLS)
def test_a_form_with_every_byte_escaped_gives_the_same(values: dict[str, str]) -> None:
    def escaped(text: str) -> str:
        return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))

    encoded = "&".join(f"{escaped(name)}={escaped(value)}" for name, value in values.items()).encode()
    assert body.decode(FORM, encoded).values() == values


@given(values=CALLS)
def test_json_gives_back_what_dumps_was_given(values: dict[str, str]) -> None:
    assert list(body.decode(JSON, json.dumps(values).encode()).values().items()) == list(values.items())


@given(values=CALLS)
def test_json_of_raw_utf8_gives_the_same(values: dict[str, str]) -> None:
    encoded = json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
    assert body.decode(JSON, encoded).values() == values


@given(payload=st.binary(), signature=st.text(st.characters(codec="ascii"), min_size=1))
def test_the_payload_of_a_form_is_decoded_once_and_no_more(payload: bytes, signature: str) -> None:
    encoded = f"sign={quote_from_bytes(signature.encode())}&payload={quote_from_bytes(payload)}".encode()
    assert body.decode(FORM, encoded).envelope == Envelope(payload, signature)


@given(payload=HOSTILE)
def test_the_payload_of_json_is_the_bytes_of_its_text(payload: str) -> None:
    encoded = json.dumps({"payload": payload, "sign": "AAAA"}).encode()
    expected = json.loads(encoded)["payload"].encode("utf-8", "surrogatepass")
    assert body.decode(JSON, encoded).envelope == Envelope(expected, "AAAA")


BLANK = st.text(" \t\r\n", max_size=3)


@given(
    values=st.dictionaries(HOSTILE, HOSTILE),
    indent=st.integers(0, 3),
    gaps=st.tuples(BLANK, BLANK, BLANK, BLANK),
    ascii_only=st.booleans(),
    first=st.booleans(),
)
def test_a_payload_object_is_cut_out_of_the_body_as_it_stands(
    values: dict[str, str], indent: int, gaps: tuple[str, ...], ascii_only: bool, first: bool
) -> None:
    source = json.dumps({"payload": "inner", **values}, indent=indent, ensure_ascii=ascii_only)
    sign, payload = '"sign":"AAAA"', f'"pay\\u006coad"{gaps[0]}:{gaps[1]}{source}{gaps[2]}'
    members = (payload, sign) if first else (sign, payload)
    encoded = f"{gaps[3]}{{{gaps[0]}{','.join(members)}}}".encode("utf-8", "surrogatepass")
    assert body.decode(JSON, encoded).envelope == Envelope(source.encode("utf-8", "surrogatepass"), "AAAA")


PIECES = st.lists(
    st.sampled_from(
        [
            *(
                b"payload",
                b"sign",
                b"id",
                b"=",
                b"&",
                b"%",
                b"%3D",
                b"%zz",
                b"+",
                b"\xe9",
                b"\xed\xa0\x80",
                b"\0",
                b"{",
            ),
            *(b"}", b"[", b"]", b'"', b":", b",", b'"payload":', b'"sign":"x"', b"\\u", b"\\ud800", b"1e999", b"NaN"),
        ]
    )
).map(b"".join)


@given(content_type=st.sampled_from([FORM, JSON]), data=st.one_of(st.binary(), PIECES))
def test_any_bytes_at_all_give_values_or_a_refusal(content_type: str, data: bytes) -> None:
    outcome = values_or_refusal(content_type, data)
    if isinstance(outcome, Refusal):
        assert outcome.status == 400
        json.dumps(outcome.document())
    else:
        assert outcome
        assert all(isinstance(name, str) for name in outcome)


@given(content_type=st.none() | st.text())
def test_any_content_type_at_all_gives_values_or_a_refusal(content_type: str | None) -> None:
    outcome = values_or_refusal(content_type, b"id=1")
    assert outcome == {"id": "1"} or (isinstance(outcome, Refusal) and outcome.status == 415)


def values_or_refusal(content_type: str | None, data: bytes) -> dict[str, object] | Refusal:
    try:
        return body.decode(content_type, data).values()
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize("depth", [31, 100, 900, *range(960, 1000, 3), 100_000])
@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_json_nested_too_deeply_is_refused_before_anything_stumbles_over_it(depth: int, opening: str) -> None:
    closing = "}" if opening == '{"a":' else "]"
    nested = f'{{"id": "1", "deep": {opening * depth}0{closing * depth}}}'.encode()
    with pytest.raises(UnreadableBody, match="nested too deeply") as refused:
        body.decode(JSON, nested).values()
    assert refused.value.code == "malformed-json"


def test_json_may_be_nested_as_deeply_as_anyone_needs() -> None:
    nested = f'{{"id": "1", "deep": {"[" * 30}{"]" * 30}}}'.encode()
    assert list(body.decode(JSON, nested).values()) == ["id", "deep"]


def test_lists_and_objects_that_are_not_deep_stay_what_they_are() -> None:
    assert body.decode(JSON, b'{"tags": [["a"], {"b": ["c", {}]}]}').values() == {"tags": [["a"], {"b": ["c", {}]}]}


@pytest.mark.parametrize(
    ("content_type", "data", "detail"),
    [
        (FORM, b"id=%E9", "'id' is not UTF-8: byte 0xE9 at 0"),
        (FORM, b"id=1&a\xe9=2", "'a name in the form' is not UTF-8: byte 0xE9 at 1"),
        (FORM, b"id=100%", "'%' at byte 6 is not followed by two hex digits"),
        (FORM, b"id=1&x=2&id=3", "'id' occurs twice; which one counts would be a guess"),
        (FORM, b"", "the body holds no data"),
        (JSON, b'{"id": "\xe9"}', "'body' is not UTF-8: byte 0xE9 at 8"),
        (JSON, b'{"id": \n x}', "not JSON: Expecting value at line 2, column 2"),
        (JSON, b'{"id": Infinity}', "Infinity is not JSON"),
        (JSON, b'"id"', "the JSON is not an object"),
        (JSON, b'{"id": "1", "id": "1"}', "'id' occurs twice; which one counts would be a guess"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(content_type: str, data: bytes, detail: str) -> None:
    with pytest.raises(UnreadableBody) as refused:
        body.decode(content_type, data).values()
    assert refused.value.detail == detail


@pytest.mark.parametrize(
    ("content_type", "detail"),
    [
        (None, "the request has no Content-Type header"),
        ("", "the request has no Content-Type header"),
        ("text/xml; charset=utf-8", "the content type is 'text/xml'"),
        (f"{FORM}; charset=latin1", "the content type names charset 'latin1'; Kaisa sends UTF-8"),
    ],
)
def test_a_content_type_that_kaisa_does_not_send_is_named(content_type: str | None, detail: str) -> None:
    with pytest.raises(Refusal) as refused:
        body.decode(content_type, b"id=1")
    assert (refused.value.status, refused.value.detail) == (415, detail)


def test_numbers_keep_the_digits_they_were_sent_with() -> None:
    digits = "9" * 5000
    assert body.decode(JSON, f'{{"a": {digits}, "b": 1.10, "c": -0, "d": 1E5}}'.encode()).values() == {
        "a": digits,
        "b": "1.10",
        "c": "-0",
        "d": "1E5",
    }


def test_an_envelope_is_not_opened_before_its_values_are_asked_for() -> None:
    decoded = body.decode(FORM, b"payload=%25zz&sign=AAAA")
    assert decoded.envelope == Envelope(b"%zz", "AAAA")
    with pytest.raises(UnreadableBody, match="not followed by two hex digits"):
        decoded.values()
