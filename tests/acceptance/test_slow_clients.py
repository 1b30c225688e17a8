"""Slow clients, as many as there are threads: each is cut off, and who is not slow is served."""

import os
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.acceptance.deployment import Deployment, copy_out
from tests.calls import FORM, POST_CALL, form

THREADS = 2
SETTINGS = {"KAISA_ACCEPT_UNSIGNED": "true", "KAISA_THREADS": str(THREADS), "KAISA_READ_TIMEOUT": "1"}
HEAD = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
# A byte each time nothing is heard for so long; far more of them than fit into the deadline.
PACE = 0.05
BYTES = 1_000

Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(tmp_path: Path, free_port: int) -> Iterator[Deploy]:
    folder = copy_out(tmp_path)
    started: list[Deployment] = []

    def start(authority: Path | None = None, **settings: str) -> Deployment:
        started.append(Deployment(folder, free_port, {**SETTINGS, **settings}, authority))
        return started[-1].until_ready()

    yield start
    for deployment in started:
        deployment.stop()


class Dripper:
    """A client that sends a byte at a time and never gets to the end."""

    def __init__(self, port: int, first: bytes, drip: bytes) -> None:
        self.socket = socket.create_connection(("localhost", port))
        self.socket.sendall(first)
        self._drip = drip
        self.answer = b""
        self.cut = False

    def send(self) -> None:
        try:
            self.socket.sendall(self._drip)
        except OSError:
            self.cut = True

    def read(self) -> None:
        try:
            data = self.socket.recv(65_536)
        except OSError:
            data = b""
        self.answer += data
        self.cut = self.cut or not data


def until_cut(*drippers: Dripper) -> None:
    """Let them drip until the server has closed all of them."""
    with selectors.DefaultSelector() as selector:
        for dripper in drippers:
            selector.register(dripper.socket, selectors.EVENT_READ, dripper)
        for _ in range(BYTES):
            for key, _ in selector.select(PACE):
                key.data.read()
                if key.data.cut:
                    selector.unregister(key.fileobj)
            dripping = [dripper for dripper in drippers if not dripper.cut]
            if not dripping:
                break
            for dripper in dripping:
                dripper.send()
    for dripper in drippers:
        dripper.socket.close()
    assert [dripper.cut for dripper in drippers] == [True] * len(drippers)


def post(deployment: Deployment) -> bytes:
    return deployment.request("/webhook", form(POST_CALL), FORM)


@pytest.mark.parametrize(
    ("first", "drip", "answer"),
    [
        (HEAD + b"X-Slow: ", b"x", b""),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"x", b"HTTP/1.1 400 "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", b"HTTP/1.1 400 "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"x", b"HTTP/1.1 400 "),
        (b"P", b"", b""),
    ],
    ids=["headers", "body", "chunks", "chunk extension", "silent after a byte"],
)
def test_clients_that_drip_are_cut_off_and_others_served(
    deploy: Deploy, first: bytes, drip: bytes, answer: bytes
) -> None:
    deployment = deploy()
    drippers = [Dripper(deployment.port, first, drip) for _ in range(THREADS)]
    until_cut(*drippers)
    assert [dripper.answer[: len(answer) or 1] for dripper in drippers] == [answer] * THREADS
    assert post(deployment) == b'{"append": "answered, 42 s"}'
    assert "Traceback" not in deployment.output


def test_what_came_of_a_body_that_dripped_is_kept(deploy: Deploy) -> None:
    deployment = deploy(KAISA_THREADS="1")
    dripper = Dripper(deployment.port, HEAD + b"Content-Length: 100000\r\n\r\nid=call-7&", b"x")
    until_cut(dripper)
    assert b'"code": "truncated-body"' in dripper.answer
    assert post(deployment) == b'{"append": "answered, 42 s"}'


def test_connections_without_a_byte_take_no_thread(deploy: Deploy) -> None:
    deployment = deploy(KAISA_READ_TIMEOUT="19")
    idle = [socket.create_connection(("localhost", deployment.port)) for _ in range(THREADS * 3)]
    # Both threads would be waiting for these, for seconds each.
    assert post(deployment) == b'{"append": "answered, 42 s"}'
    for connection in idle:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.close()


def hello() -> bytes:
    """The first message of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_tls_hello_that_drips_is_cut_off_and_others_served(deploy: Deploy, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    ca, chain, key = tmp_path / "ca.pem", tmp_path / "chain.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(ca)
    issued.private_key_and_cert_chain_pem.write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    deployment = deploy(ca, KAISA_TLS_CERT=str(chain), KAISA_TLS_KEY=str(key))
    # A record that is announced with 16,383 bytes, of which more come all the time.
    announced = b"\x16\x03\x01\x3f\xff" + hello()[5:]
    until_cut(*(Dripper(deployment.port, announced, b"\0") for _ in range(THREADS)))
    assert post(deployment) == b'{"append": "answered, 42 s"}'
    assert "Traceback" not in deployment.output


def test_the_deadline_does_not_count_a_handlers_time(deploy: Deploy, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "receiver" / "handlers.py").write_text(
        "from pathlib import Path\n"
        "from receiver.router import Router\n\n"
        "on = Router()\n\n\n"
        "@on.post_call\n"
        "def call_ended(event):\n"
        f"    return Path({str(gate)!r}).read_text()\n"
    )
    deployment = deploy()
    answers: list[bytes] = []
    waiting = threading.Thread(target=lambda: answers.append(post(deployment)))
    waiting.start()
    with gate.open("w") as opened:  # returns when the handler reads
        until_cut(Dripper(deployment.port, HEAD, b"x"))  # began later, is over its deadline now
        opened.write("late but heard")
    waiting.join(20)
    assert answers == [b'{"append": "late but heard"}']


def read_to_the_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_request_in_many_pieces_is_answered_and_so_is_the_next_on_its_connection(deploy: Deploy) -> None:
    body = form(POST_CALL)
    request = HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("localhost", deploy(KAISA_READ_TIMEOUT="19").port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), 100):
            connection.sendall(request[start : start + 100])
        connection.sendall(request + last)  # two at once
        answers = read_to_the_end(connection)
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert answers.count(b'{"append": "answered, 42 s"}') == 2
    assert answers.endswith(b'{"status": "alive"}')


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(deploy: Deploy) -> None:
    body = form(POST_CALL)
    with socket.create_connection(("localhost", deploy(KAISA_READ_TIMEOUT="19").port), timeout=30) as connection:
        connection.sendall(
            HEAD + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_to_the_end(connection).endswith(b'{"append": "answered, 42 s"}')


def test_told_to_stop_what_has_begun_to_come_is_still_answered(deploy: Deploy) -> None:
    deployment, body = deploy(KAISA_READ_TIMEOUT="19"), form(POST_CALL)
    with socket.create_connection(("localhost", deployment.port), timeout=30) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        post(deployment)  # who came before this is let in, and heard
        deployment.process.terminate()
        connection.sendall(body)
        assert read_to_the_end(connection).endswith(b'{"append": "answered, 42 s"}')
    assert deployment.process.wait(30) == 0
