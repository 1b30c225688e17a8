"""R2 and R3 over real TLS: what an endpoint may do to an attempt, and what is then said of it."""

import asyncio
import socket
import ssl
from datetime import timedelta

import pytest
import trustme

from sender_sim.certs import DevelopmentKeys
from sender_sim.core.outcome import Answered, Failed, Failure
from sender_sim.transports import HttpsTransport, trust
from tests.unit.sender_sim.endpoints import (
    Behaviour,
    Connection,
    answering,
    attempt_at,
    closed_before_the_answer,
    closed_mid_answer,
    closed_mid_chunk,
    dripping,
    dripping_headers,
    http,
    outcome_at,
    reset_before_the_answer,
    reset_mid_answer,
    server_tls,
    serving,
    silent,
)

SHORT = timedelta(seconds=1)  # a handshake takes less, on a busy machine too


def test_an_answer_is_read_whole_with_its_status_and_headers(development_keys: DevelopmentKeys) -> None:
    body = b'{"append": "noted"}' + b" " * 100_000
    outcome, _ = outcome_at(answering(http(body, headers="X-Mark: 1\r\n")), development_keys)
    assert outcome == Answered(200, body, (("X-Mark", "1"), ("Content-Length", str(len(body)))))
    assert outcome.success
    assert str(outcome) == "200 OK"


@pytest.mark.parametrize("behaviour", [answering(http(b"{}")), closed_before_the_answer, silent])
def test_how_long_it_took_is_told_to_a_tenth_of_a_millisecond(
    development_keys: DevelopmentKeys, behaviour: Behaviour
) -> None:
    outcome, _ = outcome_at(behaviour, development_keys, timeout=SHORT)
    assert 0 < outcome.seconds == round(outcome.seconds, 4)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n{}"])
def test_an_answer_without_a_length_ends_with_the_connection(development_keys: DevelopmentKeys, answer: bytes) -> None:
    outcome, _ = outcome_at(answering(answer), development_keys)
    assert isinstance(outcome, Answered)
    assert (outcome.status, outcome.body) == (200, b"{}")


@pytest.mark.parametrize("status", ["201 Created", "204 No Content", "304 Not Modified", "404 Not Found", "599 Odd"])
def test_any_other_status_is_an_answer_and_no_success(development_keys: DevelopmentKeys, status: str) -> None:
    outcome, _ = outcome_at(answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()), development_keys)
    assert outcome == Answered(int(status[:3]), b"", (("Content-Length", "0"),))
    assert not outcome.success


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
def test_a_redirect_is_not_followed(development_keys: DevelopmentKeys, status: str) -> None:
    redirect = http(b"", status=status, headers="Location: /elsewhere\r\n")
    outcome, endpoint = outcome_at(answering(redirect, times=2), development_keys)
    assert isinstance(outcome, Answered)
    assert outcome.status == int(status[:3])
    assert [seen.line for seen in endpoint.seen] == ["POST /hook?tenant=1&x=%C3%A5 HTTP/1.1"]


def test_the_exact_bytes_arrive_with_their_content_type_and_nothing_asks_for_compression(
    development_keys: DevelopmentKeys,
) -> None:
    body = bytes(range(256)) * 300

    async def send() -> None:
        async with (
            serving(answering(http(b"")), server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as transport,
        ):
            await transport.send(attempt_at(endpoint.url, body=body, content_type="application/json"))
        [seen] = endpoint.seen
        assert seen.body == body
        assert seen.headers == {
            "host": f"127.0.0.1:{endpoint.port}",
            "accept": "*/*",
            "user-agent": "kaisa-webhook-kit-sender-sim",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }

    asyncio.run(send())


def test_a_cookie_is_not_sent_back(development_keys: DevelopmentKeys) -> None:
    async def send_twice() -> None:
        answer = http(b"", headers="Set-Cookie: session=1; Path=/\r\n")
        async with (
            serving(answering(answer, times=2), server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as transport,
        ):
            for _ in range(2):  # by name: cookie jars take no cookies from addresses anyway
                assert (await transport.send(attempt_at(endpoint.url_at("localhost")))).success
        assert ["cookie" in seen.headers for seen in endpoint.seen] == [False, False]

    asyncio.run(send_twice())


@pytest.mark.parametrize("behaviour", [silent, dripping, dripping_headers])
def test_an_answer_that_is_not_whole_at_the_deadline_is_a_timeout(
    development_keys: DevelopmentKeys, behaviour: Behaviour
) -> None:
    outcome, endpoint = outcome_at(behaviour, development_keys, timeout=SHORT)
    assert outcome == Failed(Failure.TIMEOUT)
    assert str(outcome) == "timeout: no whole answer after 1 s"
    assert not outcome.success
    assert len(endpoint.seen) == 1


def test_the_deadline_counts_from_connecting_so_a_stalled_handshake_is_a_timeout(
    development_keys: DevelopmentKeys,
) -> None:
    async def swallow(connection: Connection) -> None:
        await connection.reader.read()

    async def send() -> None:
        async with serving(swallow, None) as endpoint, HttpsTransport.open(trust(development_keys.ca)) as transport:
            assert await transport.send(attempt_at(endpoint.url, timeout=SHORT)) == Failed(Failure.TIMEOUT)

    asyncio.run(send())


def test_nobody_listening_is_a_failure_to_connect(development_keys: DevelopmentKeys, closed_port: int) -> None:
    async def send() -> None:
        async with HttpsTransport.open(trust(development_keys.ca)) as transport:
            outcome = await transport.send(attempt_at(f"https://127.0.0.1:{closed_port}/"))
        assert outcome == Failed(Failure.CONNECT)
        assert str(outcome) == "connect: connection refused"

    asyncio.run(send())


def test_a_name_that_does_not_resolve_is_a_failure_to_connect(
    development_keys: DevelopmentKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def send() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        async with HttpsTransport.open(trust(development_keys.ca)) as transport:
            outcome = await transport.send(attempt_at("https://endpoint.example/"))
        assert outcome == Failed(Failure.CONNECT)
        assert str(outcome) == "connect: name or service not known"

    asyncio.run(send())


def test_a_certificate_of_a_stranger_is_refused_before_anything_is_sent(
    development_keys: DevelopmentKeys, strangers_keys: DevelopmentKeys
) -> None:
    outcome, endpoint = outcome_at(answering(http(b"")), strangers_keys, trusted=development_keys)
    assert outcome == Failed(Failure.TLS)
    assert str(outcome).startswith("tls: the certificate is not trusted: unable to get local issuer certificate (--ca ")
    assert endpoint.seen == []


def test_a_certificate_for_another_name_is_refused() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("elsewhere.example").configure_cert(server)
    authority.configure_trust(client)

    async def send() -> None:
        async with serving(answering(http(b"")), server) as endpoint, HttpsTransport.open(client) as transport:
            outcome = await transport.send(attempt_at(endpoint.url))
        assert outcome == Failed(Failure.TLS)
        assert "IP address mismatch" in str(outcome)
        assert endpoint.seen == []

    asyncio.run(send())


def test_an_endpoint_without_tls_is_a_tls_failure(development_keys: DevelopmentKeys) -> None:
    async def send() -> None:
        async def plain(connection: Connection) -> None:
            await connection.reader.read(1)
            await connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with serving(plain, None) as endpoint, HttpsTransport.open(trust(development_keys.ca)) as transport:
            assert await transport.send(attempt_at(endpoint.url)) == Failed(Failure.TLS)

    asyncio.run(send())


@pytest.mark.parametrize(
    "behaviour",
    [closed_before_the_answer, reset_before_the_answer, closed_mid_answer, reset_mid_answer, closed_mid_chunk],
)
def test_a_connection_that_ends_before_the_answer_is_whole_is_a_reset(
    development_keys: DevelopmentKeys, behaviour: Behaviour
) -> None:
    outcome, endpoint = outcome_at(behaviour, development_keys)
    assert outcome == Failed(Failure.RESET)
    assert len(endpoint.seen) == 1  # sent once: trying again is for R4 alone


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00\xff\x00\xff\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["ssh", "binary", "no status", "no length", "no header", "long header"],
)
def test_what_is_not_http_breaks_the_protocol_and_is_told_on_one_line(
    development_keys: DevelopmentKeys, answer: bytes
) -> None:
    outcome, _ = outcome_at(answering(answer), development_keys)
    assert outcome == Failed(Failure.PROTOCOL)
    assert len(str(outcome).splitlines()) == 1
    assert len(str(outcome)) <= 200
