"""A captured request is read from raw HTTP and from HAR; what is neither is told in words."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sender_sim.compare import capture
from sender_sim.compare.capture import NotACapture

FORM = "application/x-www-form-urlencoded"


def har(*requests: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"entries": [{"request": request} for request in requests]}}).encode()


def posted(text: str, **data: Any) -> dict[str, Any]:
    headers = [{"name": "content-type", "value": FORM}, {"name": ":authority", "value": "example.com"}]
    data = {"mimeType": FORM, "text": text, **data}
    return {"method": "POST", "url": "https://example.com/hook?x=1#y", "headers": headers, "postData": data}


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_raw_request_is_read(end: bytes) -> None:
    head = [b"POST /hook?a=b HTTP/1.1", b"Host: example.com", b"Content-Type:application/json ", b"X: 1", b"x: \xe5"]
    body = b'{"a": "\r\n\r\n"}\n\xff\x00'
    captured = capture.read(end.join([*head, b"", body]))
    assert (captured.method, captured.target, captured.path) == ("POST", "/hook?a=b", "/hook?a=b")
    assert captured.headers == [
        ("Host", "example.com"),
        ("Content-Type", "application/json"),
        ("X", "1"),
        ("x", "å"),
    ]
    assert (captured.body, captured.notes) == (body, ())
    assert (captured.header("content-TYPE"), captured.header("X"), captured.header("Y")) == (
        "application/json",
        "å",
        None,
    )


@pytest.mark.parametrize(
    ("length", "body", "expected", "noted"),
    [
        (b"3", b"a=1", b"a=1", False),
        (b"3", b"a=1\r\n", b"a=1", False),  # what an editor adds
        (b"5", b"a=1\r\n", b"a=1\r\n", False),
        (b"2", b"a=1", b"a=1", True),
        (b"9", b"a=1", b"a=1", True),
        (b"many", b"a=1\n", b"a=1\n", False),
        (b"9" * 5000, b"a=1\n", b"a=1\n", False),
    ],
)
def test_a_body_that_is_not_as_long_as_it_says_is_taken_whole(
    length: bytes, body: bytes, expected: bytes, noted: bool
) -> None:
    captured = capture.read(b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n" + body)
    assert captured.body == expected
    told = f"Content-Length is {length.decode()}, and {len(body)} bytes follow the headers: all are compared"
    assert captured.notes == ((told,) if noted else ())


def test_chunks_are_put_together() -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert capture.read(head + b"3\r\na=1\r\n5;x=y\r\n&b=\r\n\r\n0\r\n\r\n").body == b"a=1&b=\r\n"


@pytest.mark.parametrize("body", [b"a=1", b"3\r\na=1", b"3\r\na=12\r\n0\r\n\r\n", b"9\r\na=1\r\n0\r\n\r\n"])
def test_chunks_that_are_none_are_told(body: bytes) -> None:
    with pytest.raises(NotACapture, match=r"^says that its body is chunked, and it is not"):
        capture.read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


def test_an_entry_of_a_har_file_is_read() -> None:
    captured = capture.read(b"\xef\xbb\xbf\n " + har(posted("a=%C3%A5")))
    assert (captured.method, captured.path, captured.body) == ("POST", "/hook?x=1", b"a=%C3%A5")
    assert captured.headers == [("content-type", FORM), (":authority", "example.com")]
    assert captured.notes == ()


def test_of_several_entries_the_first_is_read_unless_another_is_asked_for() -> None:
    several = har({"method": "GET", "url": "https://example.com"}, posted("a=1"))
    captured = capture.read(several)
    assert (captured.method, captured.path, captured.body) == ("GET", "/", b"")
    assert captured.notes == ("the first of 2 entries is compared; --entry chooses another",)
    captured = capture.read(several, entry=2)
    assert (captured.method, captured.body, captured.notes) == ("POST", b"a=1", ())


@pytest.mark.parametrize("name", ["encoding", "_encoding"])
def test_a_body_in_base64_is_read(name: str) -> None:
    captured = capture.read(har(posted(base64.b64encode(b"a=\xff\0").decode(), **{name: "base64"})))
    assert captured.body == b"a=\xff\0"


@pytest.mark.parametrize(
    ("data", "entry", "words"),
    [
        (b"", None, "is no captured request: its first line must be like"),
        (b"a=1&b=2", None, "is no captured request: its first line must be like"),
        (b"HTTP/1.1 200 OK\r\n\r\n", None, "is no captured request: its first line must be like"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n", None, "has no empty line after its headers, so it has no body"),
        (b"POST / HTTP/1.1\r\nHost: x\r\na=1\r\n\r\n", None, "line 3 is no header, and an empty line ends the headers"),
        (b"POST / HTTP/1.1\r\n\r\n", 1, "is no HAR file, so there are no entries to choose from: leave --entry out"),
        (b'{"a": "1"}', None, "is JSON and no HAR file: log.entries is missing"),
        (b"{", None, "begins like a HAR file and cannot be read as one: Expecting property name"),
        (b"[" * 100_000, None, "begins like a HAR file and cannot be read as one: maximum recursion depth"),
        (har(), None, "has 0 entries, so there is no number 1"),
        (har(posted("a")), 2, "has 1 entries, so there is no number 2"),
        (b'{"log": {"entries": [3]}}', None, "has no request in its entry 1"),
        (har({"postData": {"params": [{"name": "a"}]}}), None, "holds the parameters of a form and not its bytes"),
        (har(posted("=", encoding="base64")), None, "says that the body is base64, and it is not"),
        (b"x" * (capture.LONGEST + 1), None, "is over 16777216 bytes: cut the one request out of it"),
    ],
)
def test_what_is_no_capture_is_told_in_words(data: bytes, entry: int | None, words: str) -> None:
    with pytest.raises(NotACapture) as error:
        capture.read(data, entry=entry)
    assert words in str(error.value)


@given(st.binary(max_size=200), st.sampled_from([b"", b"POST / HTTP/1.1\r\n", b"{", b'{"log": {"entries": [']))
def test_whatever_is_given_is_read_or_told(data: bytes, beginning: bytes) -> None:
    with suppress(NotACapture):
        assert isinstance(capture.read(beginning + data).body, bytes)
