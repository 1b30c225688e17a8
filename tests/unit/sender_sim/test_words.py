"""What goes wrong with an answer, in words for people and safe on their terminal."""

import json

import pytest
from pytest_httpserver import HTTPServer

from sender_sim.certs import DevelopmentKeys
from sender_sim.core.outcome import Failed, Failure
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.endpoints import Connection, answering, http, outcome_at
from tests.unit.sender_sim.test_cli import misused

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\b\x9b5m\N{RIGHT-TO-LEFT OVERRIDE}\ud83d"
READABLE = "åäö 👍\n\tand more"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_an_answer_that_is_not_compressed_as_it_says_breaks_the_protocol(
    development_keys: DevelopmentKeys, encoding: str
) -> None:
    answer = http(b"not compressed at all", headers=f"Content-Encoding: {encoding}\r\n")
    outcome, _ = outcome_at(answering(answer), development_keys)
    assert outcome == Failed(Failure.PROTOCOL)
    assert str(outcome) == "protocol: the answer is compressed, which nobody asked for, and cannot be unpacked"


def test_an_answer_that_ends_too_soon_is_told_without_a_status_the_endpoint_never_sent(
    development_keys: DevelopmentKeys,
) -> None:
    async def closed_mid_answer(connection: Connection) -> None:
        await connection.read_request()
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")

    outcome, _ = outcome_at(closed_mid_answer, development_keys)
    assert outcome == Failed(Failure.RESET)
    assert str(outcome).startswith("reset: Not enough data")
    assert "400" not in str(outcome)


def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    body = (HOSTILE + READABLE).encode("utf-8", "surrogatepass")
    server.expect_request("/hook").respond_with_data(body)
    arguments = ("test-request", server.url_for("/hook"), "--ca", development_keys.ca)
    shown = invoke(*arguments).stdout
    assert [char for char in shown if not char.isprintable() and char not in "\n\t"] == []
    assert r"\x1b]0;owned\x07\x1b[2J\r\x08\x9b5m\u202e" in shown
    assert READABLE in shown
    exchange = json.loads(invoke(*arguments, "--format", "json").stdout)
    assert exchange["answer"]["body"] == body.decode("utf-8", "backslashreplace")


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "1e999"])
def test_a_timeout_that_is_no_number_of_seconds_is_told_as_that(invoke: Invoke, seconds: str) -> None:
    said = misused(invoke("run", "https://localhost/", "--timeout", seconds))
    assert said == f"timeout: {float(seconds)} is not a number of seconds\n"
