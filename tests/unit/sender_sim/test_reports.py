"""Listeners of the stream: the timeline's words, the summary's figures, events as JSON."""

from datetime import timedelta
from typing import Any

import pytest

from receiver.wire import EventType
from sender_sim.core import events
from sender_sim.core.call import Direction
from sender_sim.core.engine import request_for
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.reports import timeline
from sender_sim.reports.summary import Summary
from tests.unit.sender_sim.scripted import DOWN, HALF_HOUR, INTEGRATION, OK, START, URL, Scripted, a_call, always, play

# Each event, what it happens to, and its words.
LINES: list[tuple[Event, str, str]] = [
    (events.CallBegan(START, "a", a_call()), "a", "inbound call"),
    (events.SettingsChanged(START, ("pre_call", "url")), "", "settings changed: pre_call, url"),
    (events.SettingsChanged(START, ()), "", "settings changed: none"),
    (events.CallEnded(START, "a"), "a", "the call is over"),
    (events.NothingSent(START, "a", "no reason"), "a", "nothing is sent: no reason"),
    (
        events.DeliveryHeld(START, "a/post-call", START + HALF_HOUR),
        "a/post-call",
        "waits for a recording until 09:30:00",
    ),
    (events.RecordingFound(START, "a", "rec", too_late=False), "a", "recording rec found"),
    (events.RecordingFound(START, "a", "rec", too_late=True), "a", "recording rec found, too late"),
    (
        events.AttemptEnded(START, "a/sms", 2, success=False, status=503, outcome="503 Busy", seconds=1),
        "a/sms",
        "attempt 2 -> 503 Busy",
    ),
    (events.RetryScheduled(START, "a/sms", 3, START + HALF_HOUR), "a/sms", "attempt 3 follows at Mon 02 Mar 09:30:00"),
    (events.Delivered(START, "a/sms", 3), "a/sms", "delivered"),
    (events.GivenUp(START, "a/sms", 337, "why"), "a/sms", "given up after 337 attempts: why"),
    (events.AppendSaved(START, "a/sms", "a", "hi\n\x1bö\ud83d"), "a/sms", r"saved with the call: 'hi\n\x1bö\ud83d'"),
    (events.ContractViolated(START, "a/sms", 1, "R7", "what"), "a/sms", "BREAKS R7: what"),
]


@pytest.mark.parametrize(("event", "subject", "words"), LINES)
def test_every_event_has_its_line_with_its_time(event: Event, subject: str, words: str) -> None:
    assert list(timeline.lines(event)) == [f"Mon 02 Mar 09:00:00  {subject:<28} {words}"]


BEGINNINGS: list[Event] = [
    events.DeliveryCreated(
        START, "a/sms", "a", EventType.SMS, START, retry=True, request=request_for(a_call(), EventType.SMS, INTEGRATION)
    ),
    events.AttemptStarted(START, "a/sms", 1),
]


@pytest.mark.parametrize("event", BEGINNINGS, ids=lambda event: type(event).__name__)
def test_that_a_delivery_or_an_attempt_begins_has_no_line(event: Event) -> None:
    assert list(timeline.lines(event)) == []


def test_no_event_is_forgotten_here() -> None:
    told = {type(event).__name__ for event in (*(event for event, _, _ in LINES), *BEGINNINGS)}
    assert told == set(events.__all__) - {"Event"}


def test_an_event_without_words_is_an_error_of_the_program() -> None:
    with pytest.raises(TypeError, match=r"^no words for Event$"):
        list(timeline.lines(Event(START)))


def summary_of(stream: list[Event]) -> Summary:
    summary = Summary()
    for event in stream:
        summary.listen(event)
    return summary


def figures(**changed: Any) -> dict[str, Any]:
    """The figures of a summary that has counted nothing else."""
    return Summary().as_dict() | changed


def test_a_summary_counts_what_happened() -> None:
    answers: dict[tuple[str, int], Outcome] = {
        ("a/pre-call", 1): Failed(Failure.TIMEOUT, "no whole answer"),
        ("a/pre-call", 2): Failed(Failure.TIMEOUT, "no whole answer"),
        ("a/post-call", 1): Answered(503),
        ("b/pre-call", 1): Answered(200, b'{"append": 1}'),
        ("b/post-call", 1): Answered(200, b'{"append": "x"}'),
    }
    endpoint = Scripted(lambda attempt: answers.get((attempt.delivery, attempt.number), OK))
    calls = [a_call("a"), a_call("b"), a_call("c", direction=Direction.OUTBOUND)]
    summary = summary_of(play(calls, endpoint, Integration(url=URL, pre_call=True)))
    assert summary.as_dict() == figures(
        calls=3,
        nothing_sent=1,
        attempts=7,
        delivered=4,
        appends_saved=1,
        delivered_at={1: 2, 2: 1, 3: 1},
        failures={"timeout: no whole answer": 2, "503 Service Unavailable": 1},
        violations={"R7: the append is not text: 1": 1},
        kept=False,
    )
    assert summary.lines() == [
        "calls: 3; with these settings nothing is sent of 1 of them",
        "attempts: 7; delivered: 4 (2 at attempt 1, 1 at attempt 2, 1 at attempt 3); given up: 0",
        "appends saved: 1; violations: 1",
        "  failed 2x: timeout: no whole answer",
        "  failed 1x: 503 Service Unavailable",
        "  violated 1x: R7: the append is not text: 1",
    ]


def test_an_endpoint_that_fails_otherwise_each_time_does_not_fill_the_summary() -> None:
    summary = Summary()
    for number in range(1_000):
        failed = events.AttemptEnded(START, "a/sms", 1, False, None, f"protocol: no HTTP {number}", 0.1)
        broken = events.ContractViolated(START, "a/sms", 1, "R7", f"the append is not text: {number}")
        summary.listen(failed)
        summary.listen(broken)
    assert (summary.failures.total(), summary.violations.total()) == (1_000, 1_000)
    assert (summary.failures["another failure"], summary.violations["R7: the append is not text"]) == (800, 800)
    assert len(summary.lines()) < 500


def test_what_was_given_up_breaks_the_contract() -> None:
    summary = summary_of(play(a_call(), Scripted(always(DOWN))))
    assert summary.as_dict() == figures(calls=1, attempts=337, given_up=1, failures={"connect": 337}, kept=False)


def test_failures_that_were_mended_by_a_retry_keep_the_contract() -> None:
    endpoint = Scripted(lambda attempt: OK if attempt.number == 2 else DOWN)
    assert summary_of(play(a_call(duration=timedelta(0)), endpoint)).kept


def test_a_violation_breaks_the_contract_though_all_was_delivered() -> None:
    summary = summary_of(play(a_call(), Scripted(always(Answered(200, b'{"append": null}')))))
    assert (summary.delivered, summary.given_up, summary.kept) == (1, 0, False)


def test_the_summary_of_nothing_says_so_and_how_to_see_it_again() -> None:
    assert Summary(seed=7).lines() == [
        "calls: 0 (--seed 7 makes them again)",
        "attempts: 0; delivered: 0 (none); given up: 0",
        "appends saved: 0; violations: 0",
    ]
