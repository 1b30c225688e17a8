"""The same outcomes from a WSGI application in this process."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.transports import WsgiTransport
from tests.unit.sender_sim.endpoints import PATIENT, attempt_at

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]


def outcome_of(app: App, *, timeout: timedelta = PATIENT, body: bytes = b"id=1") -> Outcome:
    url = "https://endpoint.example:8443/hook%20here?tenant=1&x=%C3%A5"
    attempt = attempt_at(url, body=body, content_type="application/json", timeout=timeout)
    return asyncio.run(WsgiTransport(app).send(attempt))


def answering(body: bytes, status: str = "200 OK", headers: tuple[tuple[str, str], ...] = ()) -> App:
    def app(_: Environ, start_response: Any) -> list[bytes]:
        start_response(status, list(headers))
        return [body]

    return app


def test_an_answer_is_read_whole_with_its_status_and_headers() -> None:
    outcome = outcome_of(answering(b'{"append": "noted"}', headers=(("X-Mark", "1"), ("Content-Length", "19"))))
    assert outcome == Answered(200, b'{"append": "noted"}', (("X-Mark", "1"), ("Content-Length", "19")))
    assert outcome.success


def test_the_application_gets_what_a_server_would_give_it() -> None:
    seen: Environ = {}
    body = bytes(range(256)) * 300

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start_response("200 OK", [])
        return []

    assert outcome_of(app, body=body).success
    expected = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/hook here",
        "QUERY_STRING": "tenant=1&x=%C3%A5",
        "HTTP_HOST": "endpoint.example:8443",
        "wsgi.url_scheme": "https",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "kaisa-webhook-kit-sender-sim",
        "body": body,
    }
    assert {name: seen[name] for name in expected} == expected
    assert not {"HTTP_ACCEPT_ENCODING", "HTTP_COOKIE"} & set(seen)


def test_a_redirect_is_not_followed() -> None:
    outcome = outcome_of(answering(b"", "302 Found", (("Location", "/elsewhere"),)))
    assert outcome == Answered(302, b"", (("Location", "/elsewhere"),))
    assert not outcome.success


@pytest.mark.parametrize("error", [RuntimeError("broken"), TimeoutError("of its own"), OSError("disk"), KeyError("x")])
def test_an_exception_in_the_application_is_a_500_as_under_a_server(error: Exception) -> None:
    def app(_: Environ, __: Any) -> list[bytes]:
        raise error

    assert outcome_of(app) == Answered(500, repr(error).encode())


def test_an_application_that_takes_longer_than_the_deadline_is_a_timeout() -> None:
    released = threading.Event()

    def app(_: Environ, start_response: Any) -> list[bytes]:
        released.wait()
        start_response("200 OK", [])
        return []

    async def send() -> Outcome:
        try:
            return await WsgiTransport(app).send(attempt_at("https://x/", timeout=timedelta(milliseconds=50)))
        finally:
            released.set()

    outcome = asyncio.run(send())
    assert outcome == Failed(Failure.TIMEOUT)
    assert str(outcome) == "timeout: no whole answer after 0.05 s"


def test_two_attempts_are_in_the_application_at_once() -> None:
    both = threading.Barrier(2, timeout=30)

    def app(_: Environ, start_response: Any) -> list[bytes]:
        both.wait()
        start_response("200 OK", [])
        return []

    async def send_two() -> list[Outcome]:
        transport = WsgiTransport(app)
        return await asyncio.gather(*(transport.send(attempt_at("https://x/")) for _ in range(2)))

    assert [outcome.success for outcome in asyncio.run(send_two())] == [True, True]
