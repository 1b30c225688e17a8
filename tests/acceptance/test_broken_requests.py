"""Bodies that break off, lie about their length or are encoded wrongly, over real connections."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.deployment import Deployment, copy_out
from tests.calls import POST_CALL, form
from tests.conftest import unused_port

LIMIT = 1024
TARGET = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = TARGET + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = copy_out(tmp_path_factory.mktemp("deployed"))
    settings = {"KAISA_ACCEPT_UNSIGNED": "true", "KAISA_MAX_BODY": str(LIMIT)}
    deployed = Deployment(folder, unused_port(), settings).until_ready()
    yield deployed
    deployed.stop()


def sized(length: int, body: bytes) -> bytes:
    return TARGET + b"Content-Length: %d\r\n\r\n" % length + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def exchange(deployment: Deployment, request: bytes) -> tuple[bytes, bytes]:
    """Send, say that nothing more comes, read to the end: head and body of the one answer."""
    with socket.create_connection(("localhost", deployment.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def problem(deployment: Deployment, request: bytes) -> dict[str, Any]:
    head, body = exchange(deployment, request)
    document: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    assert b"Content-Type: application/problem+json" in head
    assert {"type", "title", "status", "detail", "code", "remedy"} <= document.keys()
    return document


def kept(folder: Path) -> dict[bytes, str]:
    """Body -> code of what was refused and kept."""
    with closing(sqlite3.connect(folder / "kaisa-webhook.sqlite3")) as connection:
        return dict(connection.execute("SELECT body, code FROM refusals").fetchall())


def stored(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "kaisa-webhook.sqlite3")) as connection:
        return [call_id for (call_id,) in connection.execute("SELECT call_id FROM deliveries")]


def test_a_body_cut_off_before_its_length_is_refused_and_kept(deployment: Deployment) -> None:
    whole = form({**POST_CALL, "id": "cut-off"})
    document = problem(deployment, sized(len(whole) + 40, whole))
    assert (document["status"], document["code"]) == (400, "truncated-body")
    assert kept(deployment.folder)[whole] == "truncated-body"
    assert "cut-off" not in stored(deployment.folder)


def test_a_chunked_body_is_accepted(deployment: Deployment) -> None:
    body = form({**POST_CALL, "id": "in-chunks"})
    head, answer = exchange(deployment, CHUNKED + chunk(body[:100]) + chunk(body[100:]) + b"0\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert answer == b'{"append": "answered, 42 s"}'
    assert "in-chunks" in stored(deployment.folder)


def test_a_chunked_body_over_the_limit_is_refused_and_not_cut(deployment: Deployment) -> None:
    body = form({**POST_CALL, "id": "too-long"})
    body += b"&x=" + b"x" * (LIMIT - len(body) - 3)
    assert len(body) == LIMIT
    document = problem(deployment, CHUNKED + chunk(body) + chunk(b"x") + b"0\r\n\r\n")
    assert (document["status"], document["code"]) == (413, "body-too-large")
    assert "too-long" not in stored(deployment.folder)
    head, _ = exchange(deployment, CHUNKED + chunk(body) + b"0\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("request_", [sized(LIMIT + 1, b""), CHUNKED + chunk(b"x" * (LIMIT + 1))], ids=["said", "sent"])
def test_a_connection_whose_body_is_too_large_is_closed(deployment: Deployment, request_: bytes) -> None:
    with socket.create_connection(("localhost", deployment.port), timeout=30) as connection:
        connection.sendall(request_)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"zz\r\nid=1\r\n0\r\n\r\n", "malformed-chunks"),
        (b"4\r\nid=1XX0\r\n\r\n", "malformed-chunks"),
        (b"4;=\r\nid=1\r\n0\r\n\r\n", "malformed-chunks"),
        (b"4\r\nid=1\r\n0\r\nBad Trailer\r\n\r\n", "malformed-chunks"),
        (b"4\r\nid=1\r\n0\r\n", "malformed-chunks"),
        (b"9\r\nid=1", "truncated-body"),
        (b"4\r\nid=1\r\n", "truncated-body"),
    ],
)
def test_broken_chunks_are_refused_in_words(deployment: Deployment, sent: bytes, code: str) -> None:
    document = problem(deployment, CHUNKED + sent)
    assert (document["status"], document["code"]) == (400, code)
    assert "Traceback" not in deployment.output
