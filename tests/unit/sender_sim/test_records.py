"""Events as JSON: what stands there, and that nothing is lost on the way out and back."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.wire import EventType
from sender_sim.core import events
from sender_sim.core.call import Call
from sender_sim.core.delivery import Request
from sender_sim.core.events import Event
from sender_sim.core.records import as_dict, from_dict
from tests.unit.sender_sim.scripted import HALF_HOUR, START

KINDS = [getattr(events, name) for name in events.__all__ if name != "Event"]

# Lone surrogates and NUL included: an endpoint may answer anything, and a call may hold anything.
TEXT = st.text(st.characters(), max_size=8)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - its bounds have none
PERIODS = st.timedeltas(timedelta(0), timedelta(days=9))
CALLS = st.builds(
    Call, start=TIMES, duration=PERIODS, recording_after=st.none() | PERIODS, details=st.dictionaries(TEXT, TEXT)
)
REQUESTS = st.builds(Request, body=st.binary().map(lambda raw: raw.hex().encode()), timeout=PERIODS)
for kind, strategy in ((str, TEXT), (datetime, TIMES), (Call, CALLS), (Request, REQUESTS)):
    st.register_type_strategy(kind, strategy)


def everything(event: Event) -> list[Any]:
    """All values of an event, also those that say nothing of equality."""
    return [type(event), *(getattr(event, each.name) for each in fields(event))]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_event_comes_back_from_json_as_it_was(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(st.builds(kind, **({"seconds": st.floats(0, 30)} if kind is events.AttemptEnded else {})))
    assert everything(from_dict(json.loads(json.dumps(as_dict(event))))) == everything(event)


def test_times_are_iso_8601_and_the_kind_stands_under_event() -> None:
    assert as_dict(events.DeliveryHeld(START, "a/post-call", START + HALF_HOUR)) == {
        "event": "DeliveryHeld",
        "at": "2026-03-02T09:00:00+00:00",
        "delivery": "a/post-call",
        "until": "2026-03-02T09:30:00+00:00",
    }


def test_a_created_delivery_shows_what_is_sent() -> None:
    request = Request("https://endpoint.example/", "application/json", b'{"id":"\\u00e5"}', timedelta(seconds=20))
    created = events.DeliveryCreated(START, "a/sms", "a", EventType.SMS, START, retry=True, request=request)
    shown = as_dict(created)
    assert (shown["event_type"], shown["retry"]) == ("sms", True)
    assert shown["request"] == {
        "url": "https://endpoint.example/",
        "content_type": "application/json",
        "body": '{"id":"\\u00e5"}',
        "timeout": 20.0,
    }


@pytest.mark.parametrize("values", [{"event": "Event"}, {"event": "Summary"}, {"event": "CallEnded", "call": "a"}])
def test_what_is_no_event_is_an_error(values: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ExceptionGroup)):
        from_dict(values)
