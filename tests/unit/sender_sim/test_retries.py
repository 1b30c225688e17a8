"""R2, R4, R5, C8: what counts as success, when a delivery is tried again, when it is given up, and with which bytes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from receiver import wire
from sender_sim.core import events
from sender_sim.core.delivery import Attempt, Delivery
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.core.sign import Signer
from tests.openssl import KeyPair
from tests.unit.sender_sim.scripted import (
    DOWN,
    HALF_HOUR,
    INTEGRATION,
    OK,
    START,
    URL,
    Scripted,
    a_call,
    always,
    at_attempt,
    of,
    play,
    stream,
)

FAILURES: list[Outcome] = [
    *(Answered(status) for status in (100, 199, 201, 202, 204, 206, 301, 302, 304, 400, 401, 404, 429, 500, 503)),
    *(Failed(failure) for failure in Failure),
]


@pytest.mark.parametrize("outcome", FAILURES, ids=str)
def test_everything_but_200_is_tried_again_after_thirty_minutes(outcome: Outcome) -> None:
    endpoint = Scripted(lambda attempt: outcome if attempt.number == 1 else OK)
    happened = play(a_call(), endpoint)
    assert [attempt.at for attempt in endpoint.sent] == [START, START + HALF_HOUR]
    assert of(happened, events.RetryScheduled) == [
        events.RetryScheduled(START, "a/post-call", 2, START + HALF_HOUR),
    ]
    first, second = of(happened, events.AttemptEnded)
    assert (first.success, first.status) == (False, outcome.status if isinstance(outcome, Answered) else None)
    assert (second.success, second.status) == (True, 200)


@pytest.mark.parametrize("outcome", FAILURES, ids=str)
def test_with_retry_off_one_failure_is_the_end(outcome: Outcome) -> None:
    endpoint = Scripted(always(outcome))
    happened = play(a_call(), endpoint, Integration(url=URL, retry=False))
    assert len(endpoint.sent) == 1
    assert happened[-1] == events.GivenUp(START, "a/post-call", 1, "retries are off")
    assert of(happened, events.Delivered) == []


def test_a_delivery_that_never_succeeds_is_given_up_at_exactly_seven_days_after_337_attempts() -> None:
    endpoint = Scripted(always(DOWN))
    happened = play(a_call(), endpoint)
    assert [attempt.at for attempt in endpoint.sent] == [START + number * HALF_HOUR for number in range(337)]
    assert [attempt.number for attempt in endpoint.sent] == list(range(1, 338))
    assert happened[-1] == events.GivenUp(START + timedelta(days=7), "a/post-call", 337, "the retry window is over")
    assert of(happened, events.Delivered) == []


@pytest.mark.parametrize("number", [1, 2, 3, 17, 336, 337])
def test_success_at_any_attempt_ends_a_delivery(number: int) -> None:
    endpoint = Scripted(at_attempt(number))
    happened = play(a_call(), endpoint)
    assert len(endpoint.sent) == number
    assert happened[-1] == events.Delivered(START + (number - 1) * HALF_HOUR, "a/post-call", number)
    assert of(happened, events.GivenUp) == []


def test_success_at_attempt_338_would_be_too_late() -> None:
    endpoint = Scripted(at_attempt(338))
    assert isinstance(play(a_call(), endpoint)[-1], events.GivenUp)
    assert len(endpoint.sent) == 337


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_every_attempt_sends_the_same_bytes_even_where_each_signature_is_another(
    key_pair: KeyPair, encoding: str
) -> None:
    signer = Signer(key_pair.private.read_bytes(), padding_scheme="pss")
    integration = Integration(url=URL, encoding=encoding, signer=signer)
    endpoint = Scripted(at_attempt(4))
    play(a_call(), endpoint, integration)
    bodies = [attempt.request.body for attempt in endpoint.sent]
    assert bodies == [bodies[0]] * 4
    # PSS is salted: had an attempt been signed anew, its bytes would be others.
    assert request_for(a_call(), wire.EventType.POST_CALL, integration).body != bodies[0]


def test_a_delivery_keeps_the_bytes_and_rules_it_was_born_with_when_the_settings_change() -> None:
    changed = Integration(url="https://other.example/", encoding="json", retry=False)
    engine = Engine(INTEGRATION)
    engine.place(a_call("old"))

    def change_settings(event: Event) -> None:
        if isinstance(event, events.RetryScheduled) and event.attempt == 2:
            engine.set_up(event.at, changed)
            engine.place(a_call("new", start=event.at))

    endpoint = Scripted(always(DOWN))
    happened = stream(engine, endpoint, listen=change_settings)
    old = [attempt.request for attempt in endpoint.sent if attempt.delivery == "old/post-call"]
    new = [attempt.request for attempt in endpoint.sent if attempt.delivery == "new/post-call"]
    assert len(old) == 337
    assert set(old) == {request_for(a_call("old"), wire.EventType.POST_CALL, INTEGRATION)}
    assert [(request.url, request.content_type) for request in new] == [("https://other.example/", "application/json")]
    assert [(given_up.delivery, given_up.attempts) for given_up in of(happened, events.GivenUp)] == [
        ("new/post-call", 1),
        ("old/post-call", 337),
    ]


def test_each_event_of_a_call_is_retried_by_itself() -> None:
    endpoint = Scripted(lambda attempt: OK if attempt.delivery == "a/post-call" or attempt.number > 2 else DOWN)
    happened = play(a_call(), endpoint, replace(INTEGRATION, pre_call=True))
    assert {delivered.delivery: delivered.attempts for delivered in of(happened, events.Delivered)} == {
        "a/pre-call": 3,
        "a/post-call": 1,
    }


def test_a_delivery_takes_no_outcome_it_did_not_ask_for_and_begins_nothing_twice() -> None:
    request = request_for(a_call(), wire.EventType.SMS, INTEGRATION)
    delivery = Delivery("a", wire.EventType.SMS, request, retry=True)
    with pytest.raises(RuntimeError, match=r"^a/sms is due, not in flight$"):
        delivery.end(OK)
    assert delivery.begin(START, START) == Attempt("a/sms", 1, START, request)
    with pytest.raises(RuntimeError, match=r"^a/sms is in flight, not due$"):
        delivery.begin(START, START)
    assert delivery.end(OK) is None
    with pytest.raises(RuntimeError, match=r"^a/sms is delivered, not due$"):
        delivery.begin(START, START)


def test_retries_count_from_the_start_of_the_previous_attempt_though_it_ended_later() -> None:
    engine = Engine(INTEGRATION)
    engine.place(a_call())
    [attempt] = engine.advance(START, room=1).attempts
    ended = START + timedelta(seconds=20)
    assert list(engine.conclude(attempt, DOWN, ended))[-1] == events.RetryScheduled(
        ended, "a/post-call", 2, START + HALF_HOUR
    )


def test_an_outcome_is_taken_whether_or_not_anybody_looks_at_what_follows_from_it() -> None:
    engine = Engine(INTEGRATION)
    engine.place(a_call())
    [attempt] = engine.advance(START, room=1).attempts
    assert engine.next_due() is None
    engine.conclude(attempt, DOWN, START)
    assert engine.next_due() == START + HALF_HOUR
