"""Captured requests -> their parts; whatever is given, it is a capture or it is told in words why not."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.diagnosis import capture
from receiver.diagnosis.capture import Capture, NotACapture
from tests.calls import FORM

HEAD = b"POST /webhook?x=1 HTTP/1.1\r\nHost: hook.example\r\ncontent-TYPE:  %b \r\n" % FORM.encode()


def har(*requests: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"entries": [{"request": request} for request in requests]}}).encode()


def post(**data: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": "https://hook.example/webhook?x=1",
        "headers": [{"name": "Content-Type", "value": FORM}],
        "postData": {"mimeType": FORM, **data},
    }


def refused(data: bytes, *, entry: int | None = None) -> str:
    with pytest.raises(NotACapture) as error:
        capture.parse(data, entry=entry)
    return str(error.value)


@pytest.mark.parametrize("line_break", [b"\r\n", b"\n"])
def test_raw_http_is_read_to_the_byte(line_break: bytes) -> None:
    head = (HEAD + b"Content-Length: 8\r\n\r\n").replace(b"\r\n", line_break)
    assert capture.parse(head + b"id=1\r\n\xe9+") == Capture(FORM, b"id=1\r\n\xe9+", "POST", "/webhook", 8)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n"])
def test_what_editors_put_before_the_request_line_is_skipped(before: bytes) -> None:
    assert capture.parse(before + HEAD + b"\r\nid=1").body == b"id=1"


@pytest.mark.parametrize("after", [b"\n", b"\r\n", b" \n"])
def test_an_editors_line_break_after_the_body_is_not_the_bodys(after: bytes) -> None:
    found = capture.parse(HEAD + b"Content-Length: 4\r\n\r\nid=1" + after)
    assert (found.body, found.notes) == (b"id=1", ())


def test_more_than_content_length_is_taken_and_noted() -> None:
    found = capture.parse(HEAD + b"Content-Length: 2\r\n\r\nid=1")
    assert found.body == b"id=1"
    assert found.notes == ("Content-Length is 2, and 4 bytes follow the headers: all are taken",)


def test_less_than_content_length_is_left_to_the_doctor() -> None:
    found = capture.parse(HEAD + b"Content-Length: 9\r\n\r\nid=1")
    assert (found.body, found.length, found.notes) == (b"id=1", 9, ())


@pytest.mark.parametrize("value", ["x", "-1", "1" * 5000, ""])
def test_a_content_length_that_is_none_counts_as_none(value: str) -> None:
    assert capture.parse(HEAD + f"Content-Length: {value}\r\n\r\nid=1".encode()).length is None


def test_chunks_are_put_together() -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert capture.parse(head + b"3\r\nid=\r\n2;x=y\r\n\r\n\r\n0\r\n\r\n").body == b"id=\r\n"
    assert capture.parse(head + b"3\nid=\n0\n\n").body == b"id="


@pytest.mark.parametrize("rest", [b"id=1", b"9\r\nid=1", b"3\r\nid=\r\n", b"zz\r\n", b"", b"ffffffff\r\n"])
def test_what_is_not_in_chunks_though_it_says_so_is_taken_and_noted(rest: bytes) -> None:
    found = capture.parse(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert found.body == rest
    assert found.notes == ("the headers say chunked and the body is not in chunks: it is taken as it stands",)


def test_a_compressed_body_and_a_missing_one_are_noted() -> None:
    assert capture.parse(HEAD + b"Content-Encoding: gzip\r\n\r\nx").notes == (
        "the body is compressed (gzip): the receiver reads bodies as they are, so switch that off",
    )
    assert capture.parse(HEAD).notes == ("there is no empty line after the headers, so there is no body",)


@pytest.mark.parametrize(
    ("target", "path"),
    [("/", "/"), ("/a#b", "/a"), ("http://x:1/a?b", "/a"), ("https://x", "/"), ("/a?http://x/", "/a"), ("*", "*")],
)
def test_the_path_is_taken_out_of_any_target(target: str, path: str) -> None:
    assert capture.parse(f"GET {target} HTTP/1.1\n\n".encode()).path == path


def test_the_last_of_two_headers_counts() -> None:
    assert capture.parse(b"POST / HTTP/1.1\nContent-Type: a\nContent-Type: b\n\n").content_type == "b"
    assert capture.parse(b"POST / HTTP/1.1\n\n").content_type is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "begins with a response"),
        (b"payload=a&sign=b", "is no HTTP request: its first line must be like 'POST /webhook HTTP/1.1'"),
        (b"\x16\x03\x01", "is no HTTP request"),
        (b"POST / HTTP/1.1\nHost: x\npayload=a\n\n", "line 3 is not a header"),
        (b"{", "begins like a HAR file and is not JSON"),
        (b"[" * 100_000, "begins like a HAR file and is not JSON"),
        (b'{"payload": "a"}', "is JSON and no HAR file (log.entries is missing)"),
        (b"[]", "is JSON and no HAR file"),
        (b'{"log": {"entries": {}}}', "is JSON and no HAR file"),
        (b'{"log": {"entries": []}}', "has 0 POST among its 0 entries, so there is no number 1"),
        (b'{"log": {"entries": [1, {}, {"request": 1}]}}', "has 0 POST among its 3 entries"),
        (b'{"a": ' + b"1" * 5000 + b"}", "is not JSON"),
    ],
)
def test_what_is_no_capture_is_told(data: bytes, words: str) -> None:
    assert words in refused(data)


def test_an_entry_of_what_is_no_har_file_is_told() -> None:
    assert refused(HEAD, entry=1) == "is no HAR file, so there are no entries to choose from: leave --entry out"


def test_a_har_body_in_text_is_its_utf8() -> None:
    assert capture.parse(har(post(text="id=é\ud800"))) == Capture(
        FORM, b"id=\xc3\xa9\xed\xa0\x80", "POST", "/webhook", None
    )


@pytest.mark.parametrize("name", ["encoding", "_encoding"])
def test_a_har_body_in_base64_is_its_bytes(name: str) -> None:
    data = {"text": base64.b64encode(b"id=\xe9").decode(), name: "base64"}
    assert capture.parse(har(post(**data))).body == b"id=\xe9"
    assert refused(har(post(text="!", **{name: "base64"}))) == "says that the body is base64, and it is not"


@pytest.mark.parametrize(
    ("params", "body"),
    [
        ([("payload", "a=1&b=x+y"), ("sign", "AA+/")], b"payload=a%3D1%26b%3Dx%2By&sign=AA%2B%2F"),
        ([("payload", "a%3D1%26b%3Dx%2By"), ("sign", "AA%2B%2F")], b"payload=a%3D1%26b%3Dx%2By&sign=AA%2B%2F"),
        ([("a b", "é")], b"a+b=%C3%A9"),
    ],
)
def test_har_parameters_stand_in_for_a_body_that_is_not_there(params: list[tuple[str, str]], body: bytes) -> None:
    found = capture.parse(har(post(params=[{"name": name, "value": value} for name, value in params])))
    assert found.body == body
    assert found.notes == ("the HAR file holds the form's parameters and not its bytes: these were put together again",)


def test_a_har_request_without_a_body_is_noted() -> None:
    found = capture.parse(har({"method": "post"}))
    assert found == Capture(None, b"", "POST", "/", notes=("the HAR file holds no body for this request",))


def test_the_entries_of_a_har_file_are_its_posts_counted_from_1() -> None:
    data = har({"method": "GET", "url": "/"}, post(text="id=1"), {"method": "OPTIONS"}, post(text="id=2"))
    assert [capture.parse(data, entry=entry).body for entry in (None, 1, 2)] == [b"id=1", b"id=1", b"id=2"]
    assert refused(data, entry=3) == "has 2 POST among its 4 entries, so there is no number 3"


def test_a_har_without_headers_has_the_content_type_of_its_data() -> None:
    assert capture.parse(har({**post(text="a"), "headers": [1, {}, {"name": "Content-Type"}]})).content_type == FORM


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["POST", "base64", "text"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
REQUESTS = st.fixed_dictionaries(
    {"method": st.just("POST")},
    optional={
        "url": ANYTHING,
        "headers": ANYTHING | st.lists(st.fixed_dictionaries({"name": ANYTHING, "value": ANYTHING})),
        "postData": ANYTHING
        | st.fixed_dictionaries(
            {},
            optional={
                "text": ANYTHING,
                "encoding": ANYTHING,
                "mimeType": ANYTHING,
                "params": ANYTHING | st.lists(st.fixed_dictionaries({"name": ANYTHING, "value": ANYTHING})),
            },
        ),
    },
)
LINES = st.lists(
    st.sampled_from(
        [
            *(
                b"POST / HTTP/1.1",
                b"POST http://[",
                b"\n",
                b"\r\n",
                b"Content-Length: 3",
                b"Content-Type:",
                b":",
                b"abc",
            ),
            *(b"Transfer-Encoding: chunked", b"3", b"0", b"\xff", b"{", b'{"log":'),
        ]
    )
).map(b"".join)


@given(
    data=st.binary() | LINES | REQUESTS.map(lambda request: har(request)),
    entry=st.none() | st.integers(1, 2),
)
def test_hostile_captures_are_read_or_told_in_words(data: bytes, entry: int | None) -> None:
    try:
        found = capture.parse(data, entry=entry)
    except NotACapture:
        return
    assert isinstance(found.body, bytes)
    assert isinstance(found.content_type, str | None)
    assert isinstance(found.path, str)
