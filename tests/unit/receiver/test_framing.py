"""Where a request ends, whatever pieces it comes in; gunicorn's own parser agrees."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]  # gunicorn has no types
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from receiver.framing import Framing

LIMIT = 1000
HEAD = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\n"


@dataclass(frozen=True)
class Sent:
    """A request as bytes, and its body."""

    data: bytes
    body: bytes


@st.composite
def sized(draw: st.DrawFn) -> Sent:
    body = draw(st.binary(max_size=LIMIT))
    name = draw(st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH"]))
    space = draw(st.sampled_from([b"", b" ", b"  "]))
    return Sent(HEAD + b"%b:%b%d\r\nX: y\r\n\r\n%b" % (name, space, len(body), body), body)


@st.composite
def chunked(draw: st.DrawFn) -> Sent:
    pieces = draw(st.lists(st.binary(min_size=1, max_size=90), max_size=10))
    extension = draw(st.sampled_from([b"", b";a=b", b" ;a"]))
    trailers = draw(st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"]))
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"
    return Sent(data, b"".join(pieces))


BARE = st.just(Sent(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b""))


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted({each % len(data) for each in cuts}), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(sent=st.one_of(sized(), chunked(), BARE), cuts=st.lists(st.integers(0, 5000)))
def test_a_request_is_complete_with_its_last_byte_and_not_before(sent: Sent, cuts: list[int]) -> None:
    framing = Framing(LIMIT)
    for piece in cut(sent.data, cuts):
        assert not framing.complete
        framing.add(piece)
    assert framing.complete
    assert framing.data == sent.data


@given(sent=st.one_of(sized(), chunked(), BARE))
def test_what_is_complete_is_all_that_gunicorns_parser_asks_for(sent: Sent) -> None:
    parser = RequestParser(Config(), iter([sent.data]), ("127.0.0.1", 1))
    request = next(parser)
    assert request.body.read() == sent.body
    assert parser.unreader.take_buffered() == b""


@given(sent=sized(), more=st.binary(min_size=1, max_size=50))
def test_what_follows_is_kept_for_the_next_request(sent: Sent, more: bytes) -> None:
    framing = Framing(LIMIT)
    framing.add(sent.data + more)
    assert framing.complete
    assert framing.data == sent.data + more


@given(data=st.binary(), cuts=st.lists(st.integers(0, 5000)))
def test_any_bytes_in_any_pieces_end_the_same(data: bytes, cuts: list[int]) -> None:
    whole, pieces = Framing(LIMIT), Framing(LIMIT)
    request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + data
    whole.add(request)
    for piece in cut(request, cuts):
        pieces.add(piece)
    assert pieces.complete == whole.complete


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: 1001\r\n\r\n",
        HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 9000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"x" * 70_000,
        HEAD + b"X: " + b"x" * 70_000,
    ],
    ids=[
        *("over the limit", "no length that could be meant", "two lengths", "a negative length"),
        *("a chunk without size", "a negative chunk", "a chunk of no size that could be meant", "an endless size line"),
        *("chunks over the limit", "endless trailers", "endless headers"),
    ],
)
def test_what_need_not_be_waited_for_is_complete(request_: bytes) -> None:
    framing = Framing(LIMIT)
    framing.add(request_)
    assert framing.complete


def test_a_client_that_asks_before_it_sends_is_seen() -> None:
    framing = Framing(LIMIT)
    framing.add(HEAD + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n")
    assert (framing.expects_continue, framing.has_head, framing.complete) == (True, True, False)
