"""R1, C1, C5, C6: which events the settings send of which calls, and what is in them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from receiver.wire import EventType
from sender_sim.core import events
from sender_sim.core.call import Call, Direction, Kind
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.integration import Integration
from tests.unit.sender_sim.scripted import INTEGRATION, START, URL, Scripted, a_call, fields, labels, of, play, stream

TABLE = """
    call inbound  pre-call off, outbound off: post-call
    call inbound  pre-call off, outbound on:  post-call
    call inbound  pre-call on,  outbound off: pre-call post-call
    call inbound  pre-call on,  outbound on:  pre-call post-call
    call outbound pre-call off, outbound off:
    call outbound pre-call off, outbound on:  post-call
    call outbound pre-call on,  outbound off:
    call outbound pre-call on,  outbound on:  pre-call post-call
    sms  inbound  pre-call off, outbound off: sms
    sms  inbound  pre-call off, outbound on:  sms
    sms  inbound  pre-call on,  outbound off: sms
    sms  inbound  pre-call on,  outbound on:  sms
    sms  outbound pre-call off, outbound off:
    sms  outbound pre-call off, outbound on:  sms
    sms  outbound pre-call on,  outbound off:
    sms  outbound pre-call on,  outbound on:  sms
"""
ROWS = [line.strip() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("active", [True, False], ids=["active", "inactive"])
@pytest.mark.parametrize("row", ROWS)
def test_the_settings_decide_which_events_are_sent(row: str, *, active: bool) -> None:
    left, _, expected = row.partition(":")
    kind, direction = left.split()[:2]
    integration = Integration(
        url=URL, active=active, pre_call="pre-call on" in left, after_outbound="outbound on" in left
    )
    endpoint = Scripted()
    stream = play(a_call(kind=Kind(kind), direction=Direction(direction)), endpoint, integration)
    assert labels(endpoint.sent) == (expected.split() if active else [])
    assert len(of(stream, events.NothingSent)) == (0 if endpoint.sent else 1)


@pytest.mark.parametrize(
    ("active", "direction", "reason"),
    [
        (True, Direction.OUTBOUND, "'Enable after outbound call' is off"),
        (False, Direction.OUTBOUND, "the integration is not active"),
        (False, Direction.INBOUND, "the integration is not active"),
    ],
)
def test_the_stream_says_why_nothing_is_sent(direction: Direction, reason: str, *, active: bool) -> None:
    call = a_call(direction=direction)
    assert play(call, Scripted(), Integration(url=URL, active=active)) == [
        events.CallBegan(START, "a", call),
        events.CallEnded(START, "a"),
        events.NothingSent(START, "a", reason),
    ]


def test_a_pre_call_is_sent_when_the_call_begins_and_a_post_call_when_it_ends() -> None:
    endpoint = Scripted()
    call = a_call(duration=timedelta(seconds=95))
    stream = play(call, endpoint, Integration(url=URL, pre_call=True))
    end = START + timedelta(seconds=95)
    assert [(attempt.delivery, attempt.at) for attempt in endpoint.sent] == [
        ("a/pre-call", START),
        ("a/post-call", end),
    ]
    assert of(stream, events.CallEnded) == [events.CallEnded(end, "a")]


def test_a_pre_call_knows_neither_duration_nor_answer() -> None:
    endpoint = Scripted()
    call = a_call(duration=timedelta(seconds=95), answered=True)
    play(call, endpoint, Integration(url=URL, pre_call=True))
    before, after = (fields(attempt.request) for attempt in endpoint.sent)
    assert (before["duration"], before["answered"], before["event_type"]) == ("0", "0", "2")
    assert (after["duration"], after["answered"], after["event_type"]) == ("95", "1", "0")


def test_a_text_message_has_its_text_in_details_and_no_duration() -> None:
    endpoint = Scripted()
    play(a_call(kind=Kind.SMS, details={"details": "Är ni öppna? 👍"}), endpoint)
    sent = fields(endpoint.sent[0].request)
    assert (sent["details"], sent["duration"], sent["answered"]) == ("Är ni öppna? 👍", "0", "0")
    assert sent["event_type"] == "1"


def test_the_default_macro_sends_its_seventeen_names_in_order_and_empty_text_for_what_does_not_exist() -> None:
    endpoint = Scripted()
    play(a_call(duration=timedelta(seconds=7), details={"from_nr": "+46701740605"}), endpoint)
    assert endpoint.sent[0].request.body == (
        b"start=2026-03-02+09%3A00%3A00&duration=7&from_nr=%2B46701740605&from_nr_area=&to_nr=&end_nr=&channel="
        b"&answered=1&publisher_id=&campaign_id=&referrer=&url=&details=&custnr=&event_type=0&id=a&fsid=fs-a"
    )


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [("form", "application/x-www-form-urlencoded"), ("json", "application/json")],
)
def test_a_request_goes_to_the_url_with_its_content_type_and_twenty_seconds(encoding: str, content_type: str) -> None:
    endpoint = Scripted()
    play(a_call(), endpoint, Integration(url=URL, encoding=encoding))
    request = endpoint.sent[0].request
    assert (request.url, request.content_type, request.timeout) == (URL, content_type, timedelta(seconds=20))


def test_everything_that_happens_to_a_delivered_call_is_in_the_stream_in_order() -> None:
    request = request_for(a_call(), EventType.POST_CALL, INTEGRATION)
    assert play(a_call(), Scripted(), INTEGRATION) == [
        events.CallBegan(START, "a", a_call()),
        events.CallEnded(START, "a"),
        events.DeliveryCreated(START, "a/post-call", "a", EventType.POST_CALL, START, retry=True, request=request),
        events.AttemptStarted(START, "a/post-call", 1),
        events.AttemptEnded(START, "a/post-call", 1, success=True, status=200, outcome="", seconds=0.0),
        events.Delivered(START, "a/post-call", 1),
    ]


def test_the_settings_in_force_when_a_call_begins_and_when_it_ends_decide_what_is_sent_of_it() -> None:
    engine = Engine(Integration(url=URL, pre_call=True))
    engine.place(a_call(duration=timedelta(minutes=5)))
    engine.set_up(START + timedelta(minutes=2), Integration(url="https://other.example/", encoding="json"))
    endpoint = Scripted()
    happened = stream(engine, endpoint)
    assert [(attempt.delivery, attempt.request.url) for attempt in endpoint.sent] == [
        ("a/pre-call", URL),
        ("a/post-call", "https://other.example/"),
    ]
    assert of(happened, events.SettingsChanged) == [
        events.SettingsChanged(START + timedelta(minutes=2), ("url", "encoding", "pre_call"))
    ]


def test_a_call_that_is_under_way_when_the_integration_is_activated_sends_its_post_call() -> None:
    engine = Engine(Integration(url=URL, active=False, pre_call=True))
    engine.place(a_call("before", duration=timedelta(minutes=1)))
    engine.place(a_call("across", duration=timedelta(minutes=5)))
    engine.set_up(START + timedelta(minutes=2), Integration(url=URL, pre_call=True))
    endpoint = Scripted()
    happened = stream(engine, endpoint)
    assert [attempt.delivery for attempt in endpoint.sent] == ["across/post-call"]
    assert [event.call for event in of(happened, events.NothingSent)] == ["before"]


def test_settings_saved_at_the_moment_a_call_begins_are_in_force_for_it() -> None:
    engine = Engine(Integration(url=URL, active=False))
    engine.place(a_call())
    engine.set_up(START, Integration(url=URL))
    endpoint = Scripted()
    stream(engine, endpoint)
    assert labels(endpoint.sent) == ["post-call"]


def test_a_held_post_call_keeps_the_settings_that_were_in_force_when_its_call_ended() -> None:
    engine = Engine(Integration(url=URL, wait_for_recording=True))
    engine.place(a_call())
    engine.set_up(START + timedelta(minutes=1), Integration(url="https://other.example/", active=False))
    endpoint = Scripted()
    stream(engine, endpoint)
    assert [(attempt.at, attempt.request.url) for attempt in endpoint.sent] == [(START + timedelta(minutes=30), URL)]


def test_calls_that_are_fed_are_asked_for_one_at_a_time() -> None:
    asked: list[str] = []

    def calls() -> Iterator[Call]:
        for number in range(3):
            asked.append(f"{number}")
            yield a_call(f"{number}", start=START + number * timedelta(hours=1))

    engine = Engine(INTEGRATION)
    engine.feed(calls())
    assert asked == ["0"]
    engine.advance(START, room=1)
    assert asked == ["0", "1"]
    endpoint = Scripted()
    stream(engine, endpoint)
    assert asked == ["0", "1", "2"]
    assert [attempt.delivery for attempt in endpoint.sent] == ["1/post-call", "2/post-call"]
