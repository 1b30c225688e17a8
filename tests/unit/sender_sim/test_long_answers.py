"""R3, R7: an answer counts when its last byte is there; of a long one only the beginning is kept, and that is said."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from sender_sim.certs import DevelopmentKeys
from sender_sim.core.outcome import ANSWER_LIMIT, Answered, Failed, Failure, Outcome
from sender_sim.core.rules import Violation, read_append
from sender_sim.transports import WsgiTransport
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.endpoints import Connection, answering, attempt_at, http, outcome_at

SHORT = timedelta(milliseconds=300)
OVER = Violation("R7", "the answer is over 1048576 bytes")

Post = Callable[[bytes], Outcome]


@pytest.fixture(params=["https", "wsgi"])
def post(request: pytest.FixtureRequest, development_keys: DevelopmentKeys) -> Post:
    """What comes of an attempt that is answered 200 with this body."""

    def app(body: bytes) -> Callable[..., Iterable[bytes]]:
        def answer(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [])
            yield from (body[at : at + 1000] for at in range(0, len(body), 1000))

        return answer

    if request.param == "https":
        return lambda body: outcome_at(answering(http(body)), development_keys)[0]
    return lambda body: asyncio.run(WsgiTransport(app(body)).send(attempt_at("https://x/")))


@pytest.mark.parametrize("over", [1, 3 * ANSWER_LIMIT])
def test_of_an_answer_over_the_limit_the_beginning_is_kept_and_marked_as_cut(post: Post, over: int) -> None:
    outcome = post(b"{" + b"x" * (ANSWER_LIMIT + over - 1))
    assert isinstance(outcome, Answered)
    assert (outcome.body, outcome.cut) == (b"{" + b"x" * (ANSWER_LIMIT - 1), True)
    assert outcome.success


def test_an_answer_of_exactly_the_limit_is_whole(post: Post) -> None:
    body = b'{"append": "noted"}' + b" " * (ANSWER_LIMIT - 19)
    outcome = post(body)
    assert isinstance(outcome, Answered)
    assert (outcome.body, outcome.cut) == (body, False)


def test_an_endless_answer_is_read_until_the_deadline_and_is_a_timeout(development_keys: DevelopmentKeys) -> None:
    async def endless(connection: Connection) -> None:
        await connection.read_request()
        await connection.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{")
        while True:
            await connection.write(b"x" * 65536)

    outcome, _ = outcome_at(endless, development_keys, timeout=SHORT)
    assert outcome == Failed(Failure.TIMEOUT)


def test_an_endless_answer_of_an_application_is_a_timeout_too_and_is_left() -> None:
    left = threading.Event()

    def app(_: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 65536
        finally:
            left.set()

    attempt = attempt_at("https://x/", timeout=timedelta(milliseconds=50))
    assert asyncio.run(WsgiTransport(app).send(attempt)) == Failed(Failure.TIMEOUT)
    assert left.is_set()


@pytest.mark.parametrize("beginning", [b'{"append": "', b' \n["', b'\xef\xbb\xbf{"append": "'], ids=ascii)
def test_a_cut_answer_that_begins_like_json_breaks_r7_by_its_length(beginning: bytes) -> None:
    assert read_append(Answered(200, beginning + b"x" * 100, cut=True)) == OVER


def test_a_cut_answer_breaks_r7_even_where_what_was_kept_is_json() -> None:
    assert read_append(Answered(200, b'{"append": "x"}' + b" " * 100, cut=True)) == OVER


@pytest.mark.parametrize("outcome", [Answered(200, b"<html>", cut=True), Answered(500, b"{", cut=True)], ids=str)
def test_a_cut_answer_that_asks_for_nothing_breaks_nothing(outcome: Answered) -> None:
    assert read_append(outcome) is None


def test_send_shows_little_of_a_long_answer_and_says_what_it_breaks(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook").respond_with_data(b'{"append": "' + b"x" * ANSWER_LIMIT)
    result = invoke("send", server.url_for("/hook"), "--ca", development_keys.ca)
    assert result.exit_code == 1
    assert len(result.stdout) < 4000
    assert "... (the answer is over 1048576 bytes)\n" in result.stdout
    assert result.stdout.endswith("BREAKS R7: the answer is over 1048576 bytes\n")
