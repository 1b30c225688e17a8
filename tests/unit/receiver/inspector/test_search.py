"""Addresses of lists: read, written, and what is wrong with them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import build
from receiver.inspector import search
from receiver.inspector.search import CODES, DELIVERY, REFUSAL, Place, parse
from receiver.wire import EventType
from tests.clock import NOON

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
PLACES = st.builds(Place, MOMENTS, st.sampled_from([DELIVERY, REFUSAL]), st.integers(1, 10**17))
TEXT = st.text(min_size=1, max_size=200).filter(lambda text: text.strip() == text)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "utc_now", lambda: NOON)


def test_everything_that_can_be_asked_for_is_read() -> None:
    wanted = parse(
        {
            "text": " taxi ",
            "state": "failed",
            "event": "sms",
            "number": "+46 70-123 45 67",
            "call": "call-1",
            "code": "signature-wrong",
            "since": "2h",
            "until": "2026-03-01T13:00+01:00",
            "before": "2026-03-01T11:00:00.000001Z-d12",
            "live": "off",
            "unknown": "left out",
        }
    )
    assert wanted.problems == {}
    assert (wanted.text, wanted.state, wanted.event) == ("taxi", "failed", EventType.SMS)
    assert (wanted.number, wanted.call, wanted.code) == ("+46 70-123 45 67", "call-1", "signature-wrong")
    assert (wanted.since, wanted.until) == (NOON - timedelta(hours=2), NOON)
    assert wanted.before == Place(datetime(2026, 3, 1, 11, 0, 0, 1, tzinfo=UTC), DELIVERY, 12)
    assert "unknown" not in wanted.but()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("state", "broken", "'broken' is none of failed, handling, received, handled, refused"),
        ("event", "3", "'3' is none of post-call, sms, pre-call"),
        ("code", "teapot", "'teapot' is none of malformed-form, "),
        ("number", "12", "'12' has fewer than 5 digits"),
        ("since", "yesterday", "'yesterday' is neither ISO 8601 (2026-03-01T12:00) nor how long ago (2h, 3d)"),
        ("until", "999999999w", "is longer ago than time is counted"),
        ("before", "4711", "'4711' is no place in the list"),
        ("before", "2026-13-01T11:00:00.000001Z-d12", "month must be in 1..12"),
    ],
)
def test_what_cannot_be_read_is_told_beside_its_name(name: str, value: str, told: str) -> None:
    wanted = parse({name: value, "text": "kept"})
    assert list(wanted.problems) == [name]
    assert told in wanted.problems[name]
    assert wanted.but() == {"text": "kept", name: value}


def test_the_codes_are_those_of_refusals_that_are_kept() -> None:
    assert CODES[0] == "malformed-form"
    assert {"signature-missing", "signature-wrong", "unsupported-content-type", "macro-mismatch"} < set(CODES)
    assert not {"not-found", "body-too-large", "handler-failed", "store-unavailable"} & set(CODES)


@given(PLACES)
def test_a_place_is_read_as_it_was_written(place: Place) -> None:
    assert parse({"before": str(place)}).before == place


@given(st.dictionaries(st.sampled_from(["text", "call", "since", "live", "nothing"]), TEXT))
def test_an_address_names_what_it_was_made_from_and_nothing_else(args: dict[str, str]) -> None:
    wanted = parse(args)
    assert wanted.but() == {name: text for name, text in args.items() if name != "nothing"}
    assert parse(wanted.but()) == wanted
    assert wanted.but(**dict.fromkeys(args)) == {}


@given(st.lists(PLACES, unique_by=str))
def test_of_two_rows_seen_at_once_a_delivery_comes_first_then_the_greater_id(places: list[Place]) -> None:
    ordered = sorted(places, key=lambda place: place.order, reverse=True)
    for one, other in pairwise(ordered):
        assert one.at >= other.at
        if one.at == other.at:
            assert (one.kind, -one.id) <= (other.kind, -other.id)


@pytest.mark.parametrize(
    ("args", "filtered", "live", "deliveries", "refusals"),
    [
        ({}, False, True, True, True),
        ({"live": "off"}, False, False, True, True),
        ({"before": "2026-03-01T11:00:00.000001Z-d12"}, False, False, True, True),
        ({"text": "x"}, True, True, True, True),
        ({"state": "refused"}, True, True, False, True),
        ({"state": "failed"}, True, True, True, False),
        ({"event": "sms"}, True, True, True, False),
        ({"call": "x"}, True, True, True, False),
        ({"code": "not-utf-8"}, True, True, False, True),
        ({"code": "not-utf-8", "event": "sms"}, True, True, False, False),
    ],
)
def test_what_a_search_can_mean(
    args: dict[str, str], *, filtered: bool, live: bool, deliveries: bool, refusals: bool
) -> None:
    wanted = parse(args)
    assert (wanted.filtered, wanted.live) == (filtered, live)
    assert (wanted.deliveries, wanted.refusals) == (deliveries, refusals)


def test_a_long_text_is_cut_and_the_address_with_it() -> None:
    assert len(parse({"text": "x" * 5_000}).but()["text"]) == search._LONGEST
