"""Each fault says of an attempt what the real transport says, over TLS, where the same thing really happens."""

import asyncio
from datetime import timedelta

import pytest

from sender_sim.certs import DevelopmentKeys
from sender_sim.core.faults import (
    AnswerLost,
    Dripping,
    Fault,
    Latency,
    Refused,
    Reset,
    Status,
    TlsFailure,
    Truncated,
)
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.faults import Faulty
from sender_sim.transports import HttpsTransport, trust
from tests.unit.sender_sim.endpoints import (
    PATIENT,
    Behaviour,
    answering,
    attempt_at,
    closed_before_the_answer,
    closed_mid_answer,
    dripping,
    http,
    outcome_at,
    reset_mid_answer,
    server_tls,
    serving,
    silent,
)

SHORT = timedelta(seconds=1)
GOOD = answering(http(b'{"append": "noted"}'))


def with_fault(fault: Fault, keys: DevelopmentKeys, *, timeout: timedelta = PATIENT) -> tuple[Outcome, int]:
    """What comes of an attempt with this fault at a good endpoint, and how many requests the endpoint saw."""

    async def send() -> tuple[Outcome, int]:
        async with serving(GOOD, server_tls(keys)) as endpoint, HttpsTransport.open(trust(keys.ca)) as https:
            outcome = await Faulty(https, lambda _: fault).send(attempt_at(endpoint.url, timeout=timeout))
            return outcome, len(endpoint.seen)

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("fault", "behaviour", "words"),
    [
        (AnswerLost(), closed_before_the_answer, "reset: answer lost (fault)"),
        (Reset(), reset_mid_answer, "reset: connection reset by peer (fault)"),
        (Truncated(), closed_mid_answer, "reset: the answer ended before it was whole (fault)"),
        (Dripping(), dripping, "timeout: no whole answer after 1 s (fault)"),
        (Status(502), answering(http(b"", status="502 Bad Gateway")), "502 Bad Gateway (fault)"),
    ],
)
def test_what_happens_to_the_answer_is_told_alike_and_the_endpoint_knows_the_request(
    development_keys: DevelopmentKeys, fault: Fault, behaviour: Behaviour, words: str
) -> None:
    timeout = SHORT if isinstance(fault, Dripping) else PATIENT
    real, endpoint = outcome_at(behaviour, development_keys, timeout=timeout)
    made, seen = with_fault(fault, development_keys, timeout=timeout)
    assert made == (Answered(502) if isinstance(fault, Status) else real)
    assert str(made) == words
    assert (made.success, made.busy) == (real.success, real.busy)
    assert seen == len(endpoint.seen) == 1


def test_a_refused_connection_is_told_alike(development_keys: DevelopmentKeys, closed_port: int) -> None:
    async def send() -> Outcome:
        async with HttpsTransport.open(trust(development_keys.ca)) as https:
            return await https.send(attempt_at(f"https://127.0.0.1:{closed_port}/"))

    real = asyncio.run(send())
    assert with_fault(Refused(), development_keys) == (real, 0)
    assert str(with_fault(Refused(), development_keys)[0]) == f"{real} (fault)"


def test_a_failure_of_tls_is_told_alike(development_keys: DevelopmentKeys, strangers_keys: DevelopmentKeys) -> None:
    real, _ = outcome_at(GOOD, strangers_keys, trusted=development_keys)
    assert with_fault(TlsFailure(), development_keys) == (real, 0)


def test_a_status_before_the_endpoint_keeps_the_request_from_it(development_keys: DevelopmentKeys) -> None:
    assert with_fault(Status(503, before=True), development_keys) == (Answered(503), 0)


def test_latency_over_the_deadline_is_told_as_an_endpoint_that_says_nothing(development_keys: DevelopmentKeys) -> None:
    real, _ = outcome_at(silent, development_keys, timeout=SHORT)
    made, seen = with_fault(Latency(5), development_keys, timeout=SHORT)
    assert made == real == Failed(Failure.TIMEOUT)
    assert seen == 0
    assert made.seconds >= 1


def test_latency_under_the_deadline_delivers_late(development_keys: DevelopmentKeys) -> None:
    made, seen = with_fault(Latency(0.2), development_keys)
    assert isinstance(made, Answered)
    assert (made.status, made.body, seen) == (200, b'{"append": "noted"}', 1)
    assert made.seconds >= 0.2


def test_latency_leaves_the_endpoint_what_is_left_of_the_deadline(development_keys: DevelopmentKeys) -> None:
    async def send() -> Outcome:
        async with (
            serving(silent, server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as https,
        ):
            return await Faulty(https, lambda _: Latency(0.2)).send(attempt_at(endpoint.url, timeout=SHORT))

    made = asyncio.run(send())
    assert str(made) == "timeout: no whole answer after 1 s (fault)"
    assert made.seconds >= 1


def test_a_dripping_answer_takes_the_whole_deadline(development_keys: DevelopmentKeys) -> None:
    made, _ = with_fault(Dripping(), development_keys, timeout=SHORT)
    assert made.seconds >= 1
