"""Made-up calls: the same for the same seed, of every kind, and with phone numbers that no one has."""

import re
from datetime import timedelta
from itertools import pairwise
from random import Random

from sender_sim.core import synthetic
from sender_sim.core.call import Call, Direction, Kind
from tests.unit.sender_sim.scripted import START

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
