"""Made-up calls: the same for the same seed, of every kind, and with phone numbers that no one has."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import islice, pairwise
from random import Random

import pytest

from sender_sim.core import hostile, synthetic
from sender_sim.core.call import Call, Direction, Kind
from sender_sim.core.spread import Exactly
from sender_sim.core.synthetic import Profile
from tests.unit.sender_sim.scripted import START

NUMBER_FIELDS = {"from_nr", "to_nr", "end_nr"}
TEXT_FIELDS = {"from_nr_area", "channel", "publisher_id", "campaign_id", "referrer", "url", "details", "custnr"}
NUMBER = re.compile(r"\+46701740(60[5-9]|6[1-9]\d)|\+447700900\d{3}")


def made_up(seed: int, count: int = 500) -> list[Call]:
    return list(synthetic.calls(Random(seed), count, START))


def test_the_same_seed_makes_the_same_calls_and_another_seed_others() -> None:
    assert made_up(1) == made_up(1)
    assert made_up(1) != made_up(2)


def test_fewer_calls_are_the_first_of_more() -> None:
    assert made_up(1, 10) == made_up(1, 500)[:10]


def test_calls_begin_one_after_the_other_with_ids_of_their_own() -> None:
    calls = made_up(1)
    assert len({call.id for call in calls}) == 500
    assert calls[0].start == START
    assert all(before.start <= after.start for before, after in pairwise(calls))


def test_there_are_calls_of_every_kind() -> None:
    calls = made_up(1)
    kinds = {(call.kind, call.direction, call.answered) for call in calls}
    assert kinds == {
        (Kind.VOICE, Direction.INBOUND, True),
        (Kind.VOICE, Direction.INBOUND, False),
        (Kind.VOICE, Direction.OUTBOUND, True),
        (Kind.VOICE, Direction.OUTBOUND, False),
        (Kind.SMS, Direction.INBOUND, False),
    }
    waits = [call.recording_after for call in calls if call.answered]
    assert None in waits
    assert any(wait is not None and wait > timedelta(minutes=30) for wait in waits)
    assert any(wait is not None and wait < timedelta(minutes=30) for wait in waits)


def test_only_answered_calls_have_a_duration_and_a_recording() -> None:
    for call in made_up(1):
        assert call.answered == (call.duration > timedelta(0))
        assert call.answered or call.recording_after is None


def test_phone_numbers_are_from_ranges_reserved_for_fiction() -> None:
    numbers = {call.details[name] for call in made_up(1) for name in ("from_nr", "to_nr", "end_nr")}
    assert [number for number in numbers if not NUMBER.fullmatch(number)] == []
    assert {number[:3] for number in numbers} == {"+46", "+44"}


def profiled(profile: Profile, count: int = 500) -> list[Call]:
    return list(synthetic.calls(Random(7), count, START, profile))


def test_calls_are_made_one_at_a_time_when_they_are_asked_for() -> None:
    endless = synthetic.calls(Random(1), 10**9, START, Profile(over=timedelta(days=300)))
    assert len(list(islice(endless, 10))) == 10


@pytest.mark.parametrize("hours", [1, 24, 96])
def test_calls_are_spread_evenly_over_a_time_and_come_in_order(hours: int) -> None:
    span = timedelta(hours=hours)
    starts = [call.start for call in profiled(Profile(over=span), 4000)]
    assert starts == sorted(starts)
    assert starts[0] >= START
    assert starts[-1] < START + span
    in_quarters = Counter(int(4 * (start - START) / span) for start in starts)
    assert set(in_quarters) == {0, 1, 2, 3}
    assert all(850 <= number <= 1150 for number in in_quarters.values())  # 1000 each; five standard deviations


def test_a_burst_is_spread_over_the_seconds_it_lasts() -> None:
    starts = Counter(call.start - START for call in profiled(Profile(over=timedelta(seconds=10))))
    assert set(starts) == {timedelta(seconds=second) for second in range(10)}
    assert all(call.start == START for call in profiled(Profile(over=timedelta(0)), 20))


def test_calls_come_as_often_as_they_are_said_to() -> None:
    calls = profiled(Profile(every=timedelta(seconds=30)), 4000)
    assert 28 < (calls[-1].start - START).total_seconds() / 4000 < 32


@pytest.mark.parametrize(
    ("profile", "share", "counts"),
    [
        (Profile(sms=0.5), 0.5, lambda call: call.kind is Kind.SMS),
        (Profile(sms=0, outbound=0.5), 0.5, lambda call: call.direction is Direction.OUTBOUND),
        (Profile(sms=0, answered=0.25), 0.25, lambda call: call.answered),
        (Profile(sms=0, answered=1, recorded=0.5), 0.5, lambda call: call.recording_after is not None),
    ],
)
def test_shares_are_kept_on_average(profile: Profile, share: float, counts: Callable[[Call], bool]) -> None:
    found = sum(map(counts, profiled(profile, 4000))) / 4000
    assert abs(found - share) < 0.04


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_none_is_none_and_of_all_is_all(share: int) -> None:
    for call in profiled(Profile(sms=0, outbound=share, answered=1, recorded=share)):
        assert (call.direction is Direction.OUTBOUND) == bool(share)
        assert (call.recording_after is not None) == bool(share)
    assert {call.kind for call in profiled(Profile(sms=share))} == {Kind.SMS if share else Kind.VOICE}


def test_a_recording_may_always_be_there_at_the_last_moment() -> None:
    profile = Profile(sms=0, answered=1, recorded=1, recording=Exactly(timedelta(minutes=30)))
    assert {call.recording_after for call in profiled(profile)} == {timedelta(minutes=30)}


def test_an_answered_call_lasts_a_second_at_least() -> None:
    calls = profiled(Profile(sms=0, answered=1, duration=Exactly(timedelta(0))))
    assert {call.duration for call in calls} == {timedelta(seconds=1)}


def test_hostile_calls_hold_every_hostile_text_in_every_field_of_text_and_say_which() -> None:
    calls = profiled(Profile(hostile=True), len(hostile.TEXTS))
    for call, (name, text) in zip(calls, hostile.TEXTS.items(), strict=True):
        assert call.fsid.endswith(f"-{name}")
        assert {call.details[field] for field in TEXT_FIELDS} == {text}
        assert {call.details[field] for field in NUMBER_FIELDS} <= set(hostile.NUMBERS)
        assert call.details.keys() == TEXT_FIELDS | NUMBER_FIELDS


def test_hostile_texts_are_what_breaks_receivers() -> None:
    told = "".join(hostile.TEXTS.values())
    for needle in ('"', "'", "\n", "\r\n", "&", "=", "+", "%", "\0", "\ud83d", "👍", "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert needle in told
    for needle in ("<script>", "DROP TABLE", "\u0301", "\u200d", "\ufeff", "\x1b", "payload=", "{id}"):
        assert needle in told
    assert max(map(len, hostile.TEXTS.values())) == 1_000
