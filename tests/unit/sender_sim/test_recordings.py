"""C9 and R6: a post-call waits for its recording, thirty minutes from the end of the call at most."""

from dataclasses import replace
from datetime import timedelta

import pytest

from receiver import macro
from sender_sim.core import events
from sender_sim.core.call import Kind
from sender_sim.core.integration import Integration
from tests.unit.sender_sim.scripted import HALF_HOUR, START, URL, Scripted, a_call, at_attempt, fields, labels, of, play

CALL = a_call(duration=timedelta(minutes=5), recording_id="rec-1")
END = START + timedelta(minutes=5)
WAITING = Integration(
    url=URL,
    wait_for_recording=True,
    macro=macro.parse("id={id}&type={event_type}&recording={recording_id}", recording=True),
)


@pytest.mark.parametrize(
    "after", [timedelta(0), timedelta(seconds=1), timedelta(minutes=12), timedelta(minutes=30)], ids=str
)
def test_a_recording_found_within_thirty_minutes_sends_the_post_call_with_it_at_once(after: timedelta) -> None:
    endpoint = Scripted()
    stream = play(replace(CALL, recording_after=after), endpoint, WAITING)
    [attempt] = endpoint.sent
    assert attempt.at == END + after
    assert fields(attempt.request) == {"id": "a", "type": "0", "recording": "rec-1"}
    assert of(stream, events.RecordingFound) == [events.RecordingFound(END + after, "a", "rec-1", too_late=False)]


@pytest.mark.parametrize("after", [timedelta(minutes=30, seconds=1), timedelta(days=2)], ids=str)
def test_a_recording_after_thirty_minutes_is_too_late_and_changes_nothing(after: timedelta) -> None:
    endpoint = Scripted()
    stream = play(replace(CALL, recording_after=after), endpoint, WAITING)
    [attempt] = endpoint.sent
    assert attempt.at == END + HALF_HOUR
    assert fields(attempt.request)["recording"] == ""
    assert of(stream, events.RecordingFound) == [events.RecordingFound(END + after, "a", "rec-1", too_late=True)]


def test_without_a_recording_the_post_call_is_sent_after_thirty_minutes() -> None:
    endpoint = Scripted()
    stream = play(replace(CALL, recording_after=None), endpoint, WAITING)
    [attempt] = endpoint.sent
    assert attempt.at == END + HALF_HOUR
    assert fields(attempt.request)["recording"] == ""
    assert of(stream, events.RecordingFound) == []


def test_the_stream_says_until_when_a_post_call_is_held() -> None:
    stream = play(replace(CALL, recording_after=timedelta(minutes=1)), Scripted(), WAITING)
    assert of(stream, events.DeliveryHeld) == [events.DeliveryHeld(END, "a/post-call", END + HALF_HOUR)]


def test_a_pre_call_does_not_wait() -> None:
    endpoint = Scripted()
    play(CALL, endpoint, replace(WAITING, pre_call=True))
    assert [(attempt.delivery, attempt.at) for attempt in endpoint.sent] == [
        ("a/pre-call", START),
        ("a/post-call", END + HALF_HOUR),
    ]


def test_a_text_message_does_not_wait() -> None:
    endpoint = Scripted()
    play(replace(CALL, kind=Kind.SMS), endpoint, WAITING)
    assert labels(endpoint.sent) == ["sms"]
    assert endpoint.sent[0].at == START


def test_with_waiting_off_the_post_call_is_sent_when_the_call_ends_whatever_is_recorded() -> None:
    endpoint = Scripted()
    stream = play(replace(CALL, recording_after=timedelta(minutes=1)), endpoint, Integration(url=URL))
    [attempt] = endpoint.sent
    assert attempt.at == END
    assert "recording_id" not in fields(attempt.request)
    assert not of(stream, events.DeliveryHeld)
    assert not of(stream, events.RecordingFound)


def test_retries_of_a_held_post_call_keep_the_recording_and_count_from_its_first_attempt() -> None:
    endpoint = Scripted(at_attempt(2))
    play(replace(CALL, recording_after=timedelta(minutes=12)), endpoint, WAITING)
    sent = END + timedelta(minutes=12)
    assert [attempt.at for attempt in endpoint.sent] == [sent, sent + HALF_HOUR]
    assert [fields(attempt.request)["recording"] for attempt in endpoint.sent] == ["rec-1", "rec-1"]
