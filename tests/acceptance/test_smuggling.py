"""Requests that two servers could read differently: a second one hidden in the first is not answered."""

import socket
from collections.abc import Iterator

import pytest

from tests.acceptance.deployment import Deployment, copy_out
from tests.calls import POST_CALL, form
from tests.conftest import unused_port

HEAD = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BODY = form(POST_CALL)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = copy_out(tmp_path_factory.mktemp("deployed"))
    deployed = Deployment(folder, unused_port(), {"KAISA_ACCEPT_UNSIGNED": "true"}).until_ready()
    yield deployed
    deployed.stop()


def sized(length: int) -> bytes:
    return b"Content-Length: %d\r\n" % length


@pytest.mark.parametrize(
    "headers",
    [
        sized(len(BODY)) + b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\n" + sized(len(BODY)),
        sized(len(BODY)) + sized(len(BODY) + len(HIDDEN)),
        sized(len(BODY)) + b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: +%d\r\n" % len(BODY),
        b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY)),
        b"X: y\r\n " + sized(len(BODY)),
        b"X: y\n" + sized(len(BODY)),
    ],
    ids=[
        *("both lengths", "both, the other way round", "two lengths", "an unknown encoding", "chunked not last"),
        *("a space before the colon", "a signed length", "a list of lengths", "a folded line", "a bare line feed"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_behind_it_answered(
    deployment: Deployment, headers: bytes
) -> None:
    with socket.create_connection(("localhost", deployment.port), timeout=30) as connection:
        connection.sendall(HEAD + headers + b"\r\n" + BODY + HIDDEN)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert b"alive" not in answer
    assert "Traceback" not in deployment.output
