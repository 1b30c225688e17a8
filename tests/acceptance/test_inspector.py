"""The inspector of a receiver that was copied out alone: there, closed, and never in the way of webhooks."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.acceptance.deployment import Deployment, copy_out
from tests.calls import FORM, JSON, POST_CALL, form, json_text

PASSWORD = "correct horse battery"  # noqa: S105 - of these tests alone


@pytest.fixture
def deploy(tmp_path: Path, free_port: int) -> Iterator[Callable[..., Deployment]]:
    """Start it; what was started is stopped after the test."""
    started: list[Deployment] = []

    def start(**settings: str) -> Deployment:
        folder = copy_out(tmp_path)
        started.append(Deployment(folder, free_port, {"KAISA_ACCEPT_UNSIGNED": "true", **settings}))
        return started[-1].until_ready()

    yield start
    for deployment in started:
        deployment.stop()


class Browser:
    """As much of one as these tests need."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        """Status and text of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": self.cookie, **({"Content-Type": FORM} if fields else {})}
        connection.request(method, path, urlencode(fields) if fields else None, headers)
        answer = connection.getresponse()
        if set_cookie := answer.headers.get("Set-Cookie"):
            self.cookie = set_cookie.partition(";")[0]
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def log_in(self) -> None:
        _, page = self.ask("GET", "/inspect/login")
        (token,) = re.findall(r'name="csrf" value="([^"]+)"', page)
        assert self.ask("POST", "/inspect/login", csrf=token, password=PASSWORD)[0] == 303


def test_it_has_its_pages_and_files_with_it(deploy: Callable[..., Deployment]) -> None:
    receiver = deploy(KAISA_INSPECT_PASSWORD=PASSWORD)
    receiver.request("/webhook", form(POST_CALL), FORM)
    browser = Browser(receiver.port)
    browser.log_in()
    status, page = browser.ask("GET", "/inspect/deliveries/1")
    assert (status, "call_ended returned at" in page) == (200, True)
    addresses = re.findall(r'(?:href|src)="(/inspect/files/[^"]+)"', page)
    assert len(set(addresses)) == 3
    assert [browser.ask("GET", address)[0] for address in addresses] == [200] * len(addresses)


def test_every_worker_knows_the_session(deploy: Callable[..., Deployment]) -> None:
    receiver = deploy(KAISA_INSPECT_PASSWORD=PASSWORD, WEB_CONCURRENCY="3")
    browser = Browser(receiver.port)
    browser.log_in()
    assert [browser.ask("GET", "/inspect")[0] for _ in range(12)] == [200] * 12


def test_readers_who_never_read_on_take_the_inspectors_place_and_no_webhook_waits(
    deploy: Callable[..., Deployment],
) -> None:
    receiver = deploy(KAISA_INSPECT_PASSWORD=PASSWORD, KAISA_THREADS="4")
    # Each of these characters is shown as a marked escape: megabytes, more than any buffer on the way holds.
    long = dict.fromkeys((f"name{number}" for number in range(190)), "\x01" * 500)
    receiver.request("/webhook", json_text({**POST_CALL, **long}), JSON)
    browser = Browser(receiver.port)
    browser.log_in()
    assert len(browser.ask("GET", "/inspect/deliveries/1")[1]) > 3_000_000

    request = f"GET /inspect/deliveries/1 HTTP/1.1\r\nHost: x\r\nCookie: {browser.cookie}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(8):
            reader = stack.enter_context(socket.socket())
            reader.settimeout(20)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            reader.connect(("127.0.0.1", receiver.port))
            reader.sendall(request)
            assert reader.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 503")
        assert browser.ask("GET", "/inspect")[0] == 503
        for number in range(8):
            receiver.request("/webhook", form({**POST_CALL, "id": f"call-{number}"}), FORM)
    for _ in range(200):
        status, page = browser.ask("GET", "/inspect")
        if status == 200:
            break
    assert "call-7" in page
