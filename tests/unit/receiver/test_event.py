"""Fields as text -> a typed event, or every mistake at once."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import event
from receiver.errors import InvalidFields
from receiver.event import CallEvent, EventType, PhoneNumber
from tests.calls import POST_CALL


def read(**fields: object) -> CallEvent:
    return event.read(fields, wire_values={})


def mistakes(**fields: object) -> dict[str, str]:
    with pytest.raises(InvalidFields) as refused:
        read(**fields)
    return {problem.where: problem.what for problem in refused.value.problems}


def test_a_post_call_is_read_into_its_types() -> None:
    call = event.read(POST_CALL, wire_values=POST_CALL)
    assert call == CallEvent(
        start=datetime(2026, 3, 1, 11, 58, tzinfo=UTC),
        duration=42,
        from_nr=PhoneNumber("+46701234567"),
        from_nr_area="Stockholm",
        to_nr=PhoneNumber("+46812345678"),
        end_nr=PhoneNumber("+46850000000"),
        channel="Google SEM",
        answered=True,
        publisher_id=None,
        campaign_id=None,
        referrer="https://search.example/?q=taxi",
        url="https://shop.example/?a=1&b=2",
        details=None,
        custnr="1001",
        event_type=EventType.POST_CALL,
        id="call-1",
        fsid="fs-1",
        recording_id=None,
        wire=POST_CALL,
    )
    assert call.start is not None
    assert call.start.tzinfo is UTC
    assert isinstance(call.from_nr, PhoneNumber)
    assert call.event_type is EventType.POST_CALL


def test_what_was_not_sent_and_what_was_sent_empty_is_none() -> None:
    assert read() == CallEvent() == read(**dict.fromkeys(POST_CALL, ""), recording_id="")


def test_a_recording_is_text() -> None:
    assert read(recording_id="rec-9").recording_id == "rec-9"


@pytest.mark.parametrize(("sent", "expected"), [("0", 0), ("1", 1), ("007", 7), ("999999999", 999_999_999)])
def test_a_duration_is_whole_seconds(sent: str, expected: int) -> None:
    assert read(duration=sent).duration == expected


@pytest.mark.parametrize("sent", ["-1", "1.5", "1e3", " 1", "1_0", "٣", "9999999999", "x", "\0", ["1"], {}])
def test_a_duration_of_anything_else_is_a_mistake(sent: object) -> None:
    assert mistakes(duration=sent) == {"duration": f"{sent!a} is not a whole number of seconds, 0 or more"}


@pytest.mark.parametrize(("sent", "expected"), [("1", True), ("0", False), ("true", True), ("false", False)])
def test_answered_is_one_or_zero_or_what_json_says(sent: str, expected: bool) -> None:
    assert read(answered=sent).answered is expected


@pytest.mark.parametrize("sent", ["2", "yes", "True", "on", " 1", ["1"]])
def test_answered_of_anything_else_is_a_mistake(sent: object) -> None:
    assert mistakes(answered=sent) == {"answered": f"{sent!a} is neither 1 nor 0"}


@pytest.mark.parametrize(
    ("sent", "expected", "label"),
    [("0", EventType.POST_CALL, "post-call"), ("1", EventType.SMS, "sms"), ("2", EventType.PRE_CALL, "pre-call")],
)
def test_the_event_types_are_the_published_ones(sent: str, expected: EventType, label: str) -> None:
    assert read(event_type=sent).event_type is expected
    assert expected.label == label


@pytest.mark.parametrize("sent", ["3", "-1", "00", "POST_CALL", "0.0", ["0"]])
def test_an_unknown_event_type_is_a_mistake_that_lists_the_known(sent: object) -> None:
    assert mistakes(event_type=sent) == {"event_type": f"{sent!a} is none of 0 (post-call), 1 (sms), 2 (pre-call)"}


@pytest.mark.parametrize(
    "sent",
    [
        "yesterday",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-02-30 12:00:00",
        "2026-03-01 12:00:00+01:00",
        "2026-3-1 2:0:0",
        "2026-03-01\n12:00:00",
        "\uff12026-03-01 12:00:00",
        ["x"],
    ],
)
def test_a_start_that_is_no_utc_time_is_a_mistake(sent: object) -> None:
    shown = ascii(sent)
    assert mistakes(start=sent) == {"start": f"{shown} is not a UTC time of the form YYYY-MM-DD HH:MM:SS"}


@pytest.mark.parametrize(
    "name", ["from_nr_area", "channel", "details", "custnr", "id", "fsid", "from_nr", "recording_id"]
)
@pytest.mark.parametrize("sent", [[], ["a"], {}, {"a": "b"}])
def test_a_list_or_an_object_is_not_text(name: str, sent: object) -> None:
    assert mistakes(**{name: sent}) == {name: f"{sent!r} is not text"}


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(InvalidFields) as refused:
        read(start="x", duration="x", answered="x", event_type="x", id=["x"], channel="fine")
    found = refused.value
    assert [problem.where for problem in found.problems] == ["start", "duration", "answered", "event_type", "id"]
    assert {problem.remedy for problem in found.problems} == {
        f"check what the macro puts into {name}" for name in ("start", "duration", "answered", "event_type", "id")
    }
    assert found.detail == "; ".join(f"{problem.where}: {problem.what}" for problem in found.problems)
    assert (found.status, found.code) == (422, "invalid-fields")


def test_a_long_value_is_shown_short_and_in_ascii() -> None:
    assert mistakes(duration="å" * 100)["duration"] == (
        "'" + "\\xe5" * 9 + "... is not a whole number of seconds, 0 or more"
    )


def test_an_event_cannot_be_changed() -> None:
    call: Any = read(id="1")
    with pytest.raises(FrozenInstanceError):
        call.id = "2"


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("+46701234567", "+46701234567"),
        ("+46 (0)70-123 45 67", "+46701234567"),
        ("+44 20 7946 0958", "+442079460958"),
        ("070-123 45 67", "070-123 45 67"),
        ("anonymous", "anonymous"),
        ("+1", "+1"),
        ("+", "+"),
        ("+46701234567" + "0" * 300, "+46701234567" + "0" * 300),
        ("\ud800\0", "\ud800\0"),
    ],
)
def test_a_number_is_e164_where_it_parses_and_keeps_its_raw_text(raw: str, number: str) -> None:
    found = PhoneNumber(raw)
    assert (str(found), found.raw) == (number, raw)


def test_a_number_survives_copying_and_pickling() -> None:
    number = PhoneNumber("+46 70 123 45 67")
    for other in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):  # noqa: S301 - our own pickle
        assert (other, other.raw) == ("+46701234567", "+46 70 123 45 67")


@given(raw=st.text())
def test_any_text_at_all_is_kept_as_a_number(raw: str) -> None:
    assert PhoneNumber(raw).raw == raw


VALUES = st.one_of(st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()))


@given(fields=st.fixed_dictionaries({}, optional=dict.fromkeys([*POST_CALL, "recording_id"], VALUES)))
def test_any_values_at_all_give_an_event_or_a_refusal_that_names_fields(fields: dict[str, object]) -> None:
    try:
        found = read(**fields)
    except InvalidFields as refused:
        named = [problem.where for problem in refused.problems]
    else:
        named = []
        assert found.id == (fields.get("id") or None)
    assert set(named) <= set(fields)
