"""Connections beneath HTTP: what a slow or broken one finds out, whatever the endpoint does with it."""

import asyncio
from datetime import timedelta
from random import Random
from urllib.parse import parse_qs

import pytest

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.connections import http_bytes
from sender_sim.checks.examine import Examiner
from sender_sim.checks.model import Finding, Verdict
from sender_sim.checks.probe import Probe
from sender_sim.core.delivery import Request
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered
from sender_sim.transports import trust
from tests.checks.examining import NOW
from tests.unit.sender_sim.endpoints import PATIENT, Behaviour, Connection, Endpoint, answering, http, serving
from tests.unit.sender_sim.scripted import Scripted

BY_ID = {check.id: check for check in CHECKS}
SHORT = timedelta(seconds=0.5)


def found(name: str, behaviour: Behaviour) -> tuple[Finding, Endpoint]:
    """What a check finds at an endpoint that accepts every delivery but those on connections beneath HTTP."""
    timeout = SHORT if behaviour is never_answers else PATIENT  # nobody else is waited for

    async def find() -> tuple[Finding, Endpoint]:
        async with serving(behaviour, None) as endpoint:
            integration = Integration(url=endpoint.url.replace("https:", "http:"), timeout=timeout)
            transport = Scripted(lambda _: Answered(200))
            probe = Probe(integration, transport, tls=trust(None), random=Random(1), now=lambda: NOW)
            return await Examiner(probe).find(BY_ID[name]), endpoint

    return asyncio.run(find())


async def closes(connection: Connection) -> None:
    await connection.read_request()


async def resets(connection: Connection) -> None:
    await connection.read_request()
    await connection.reset()


async def never_answers(connection: Connection) -> None:
    await connection.read_request()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("behaviour", "happened"),
    [
        (answering(http(b"", status="400 Bad Request")), "answered 400 Bad Request"),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), "no answer (protocol: no HTTP: b'SSH-2.0-OpenSSH_9.2"),
        (answering(b"x" * 1_000_000), "no answer (protocol: no HTTP: its first line has no end)"),
        (closes, "no answer (reset: the connection was closed without an answer)"),
        (resets, "no answer (reset: "),
        (never_answers, "no answer (timeout: no whole answer after 0.5 s)"),
    ],
    ids=["refuses", "no HTTP", "no end of line", "closes", "resets", "never answers"],
)
def test_what_comes_of_a_delivery_in_pieces_is_told(behaviour: Behaviour, happened: str) -> None:
    finding, _ = found("connection-drip", behaviour)
    assert finding.verdict is Verdict.BROKEN
    assert finding.happened.startswith(happened)


def test_a_delivery_in_pieces_arrives_whole() -> None:
    finding, endpoint = found("connection-drip", answering(http(b"")))
    assert finding.verdict is Verdict.KEPT
    dripped = endpoint.seen[-1]
    [exchange] = finding.exchanges
    assert dripped.line == "POST /hook?tenant=1&x=%C3%A5 HTTP/1.1"
    assert dripped.body == exchange.request.body
    assert parse_qs(dripped.body.decode("ascii"))["event_type"] == ["0"]


@pytest.mark.parametrize("behaviour", [answering(http(b"")), closes, resets, never_answers])
def test_whatever_becomes_of_the_lost_answer_its_retry_decides(behaviour: Behaviour) -> None:
    finding, endpoint = found("retry-after-lost-answer", behaviour)
    assert finding.verdict is Verdict.KEPT
    lost, retry = finding.exchanges
    assert lost.request == retry.request
    assert endpoint.seen[-1].body == retry.request.body


@pytest.mark.parametrize("name", ["connection-cut", "connection-slow-others"])
def test_an_endpoint_may_throw_out_whoever_is_slow(name: str) -> None:
    async def throws_out(connection: Connection) -> None:
        await connection.reset()

    assert found(name, throws_out)[0].verdict is Verdict.KEPT


def test_a_host_and_a_path_that_are_not_ascii_are_written_as_http_wants_them() -> None:
    request = Request("https://räksmörgås.example:8443/å?q=ö", "text/plain", b"x=1", timedelta(seconds=1))
    head, body = http_bytes(request)
    assert head.startswith(b"POST /%C3%A5?q=%C3%B6 HTTP/1.1\r\nHost: xn--rksmrgs-5wao1o.example:8443\r\n")
    assert b"\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\n" in head
    assert body == b"x=1"
