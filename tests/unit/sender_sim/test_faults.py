"""Faults between sender and endpoint: what the endpoint gets, and what the sender learns of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from receiver import macro, wire
from sender_sim.core import events
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import request_for
from sender_sim.core.faults import (
    AnswerLost,
    Dripping,
    Fault,
    Latency,
    Refused,
    Reset,
    Status,
    Tampered,
    Truncated,
)
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Failed, Failure
from sender_sim.core.sign import Signer
from sender_sim.faults import Faulty, can_be_tampered
from sender_sim.faults.tampering import tampered
from sender_sim.transports import WsgiTransport
from tests.openssl import KeyPair
from tests.unit.sender_sim.endpoints import attempt_at
from tests.unit.sender_sim.scripted import HALF_HOUR, OK, START, URL, Scripted, a_call, of, play

CALL = a_call(duration=HALF_HOUR)  # 1800 s


def faulty(endpoint: Scripted, fault: Fault) -> Faulty:
    return Faulty(endpoint, lambda attempt: fault if attempt.number == 1 else None)


def test_without_a_fault_an_attempt_goes_through_as_it_is() -> None:
    endpoint = Scripted()
    attempt = attempt_at(URL)
    assert asyncio.run(Faulty(endpoint, lambda _: None).send(attempt)) is OK
    assert endpoint.sent == [attempt]


def test_a_refused_connection_never_reaches_the_endpoint() -> None:
    endpoint = Scripted()
    outcome = asyncio.run(Faulty(endpoint, lambda _: Refused()).send(attempt_at(URL)))
    assert outcome == Failed(Failure.CONNECT)
    assert endpoint.sent == []


def test_of_a_lost_answer_the_endpoint_knows_and_the_sender_does_not() -> None:
    endpoint = Scripted(lambda _: Answered(200, b'{"append": "lost"}', seconds=1.5))
    attempt = attempt_at(URL)
    outcome = asyncio.run(Faulty(endpoint, lambda _: AnswerLost()).send(attempt))
    assert outcome == Failed(Failure.RESET)
    assert outcome.seconds == 1.5
    assert endpoint.sent == [attempt]


@pytest.mark.parametrize("fault", [Refused(), AnswerLost()])
def test_a_delivery_with_a_fault_is_tried_again(fault: Fault) -> None:
    happened = play(CALL, faulty(Scripted(), fault))
    assert happened[-1] == events.Delivered(START + 2 * HALF_HOUR, "a/post-call", 2)
    assert [ended.success for ended in of(happened, events.AttemptEnded)] == [False, True]


@pytest.mark.parametrize("signed", [False, True], ids=["bare", "signed"])
@pytest.mark.parametrize("encoding", ["form", "json"])
def test_tampering_changes_one_digit_of_the_duration_and_of_one_attempt(
    key_pair: KeyPair, encoding: str, *, signed: bool
) -> None:
    signer = Signer(key_pair.private.read_bytes()) if signed else None
    integration = Integration(url=URL, encoding=encoding, signer=signer)
    endpoint = Scripted(lambda attempt: Answered(403) if attempt.number == 1 else OK)
    play(CALL, faulty(endpoint, Tampered()), integration)
    born = request_for(CALL, wire.EventType.POST_CALL, integration).body
    changed, again = (attempt.request.body for attempt in endpoint.sent)
    assert again == born
    assert born.count(b"1800") == 1
    assert changed == born.replace(b"1800", b"0800")


def test_tampering_with_a_body_without_a_duration_is_an_error_of_the_plan() -> None:
    with pytest.raises(ValueError, match=r"^nothing to tamper with: the body has no duration$"):
        asyncio.run(Faulty(Scripted(), lambda _: Tampered()).send(attempt_at(URL, body=b"id=1")))


def test_the_plan_is_asked_once_for_each_attempt() -> None:
    asked: list[Attempt] = []

    def plan(attempt: Attempt) -> Fault | None:
        asked.append(attempt)
        return Refused() if attempt.number < 3 else None

    endpoint = Scripted()
    play(CALL, Faulty(endpoint, plan))
    assert [attempt.number for attempt in asked] == [1, 2, 3]
    assert endpoint.sent == asked[2:]


@pytest.mark.parametrize("fault", [AnswerLost(), Reset(), Truncated(), Dripping(), Latency(0.001), Status(502)])
def test_no_fault_hides_why_an_endpoint_gives_no_answer_at_all(fault: Fault) -> None:
    down = Failed(Failure.CONNECT, "connection refused")
    outcome = asyncio.run(Faulty(Scripted(lambda _: down), lambda _: fault).send(attempt_at(URL)))
    assert outcome == down
    assert str(outcome) == "connect: connection refused"


def test_latency_is_taken_off_the_deadline_that_the_transport_keeps() -> None:
    endpoint = Scripted()
    attempt = attempt_at(URL)
    asyncio.run(Faulty(endpoint, lambda _: Latency(0.25)).send(attempt))
    [sent] = endpoint.sent
    assert sent.request.timeout == timedelta(seconds=19.75)
    assert replace(sent, request=attempt.request) == attempt


@pytest.mark.parametrize(
    ("text", "can"),
    [
        (wire.DEFAULT_MACRO, True),
        ("id={id}&duration={duration}s", True),
        ("id={id}", False),
        ("seconds={duration}", False),
        ("duration=about {duration}", False),
        ("duration={id}", False),
    ],
)
def test_only_a_duration_under_its_own_name_can_be_tampered_with(text: str, *, can: bool) -> None:
    integration = Integration(url=URL, macro=macro.parse(text, recording=False))
    assert can_be_tampered(integration.macro) == can
    if can:
        body = request_for(CALL, wire.EventType.POST_CALL, integration).body
        assert tampered(body) == body.replace(b"1800", b"0800")


def test_faults_are_wrapped_around_an_application_in_this_process_too() -> None:
    seen: list[str] = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environ["PATH_INFO"])
        start("200 OK", [])
        return [b"{}"]

    faults: dict[int, Fault] = {1: Refused(), 2: AnswerLost(), 3: Status(502), 4: Reset(), 5: Truncated()}
    happened = play(CALL, Faulty(WsgiTransport(app), lambda attempt: faults.get(attempt.number)))
    assert [ended.outcome for ended in of(happened, events.AttemptEnded)] == [
        "connect: connection refused (fault)",
        "reset: answer lost (fault)",
        "502 Bad Gateway (fault)",
        "reset: connection reset by peer (fault)",
        "reset: the answer ended before it was whole (fault)",
        "200 OK",
    ]
    assert len(seen) == 5  # of the first it learns nothing
