"""What is due when, against models that are nothing but sorted lists and arithmetic."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sender_sim.core.rules import next_attempt
from sender_sim.core.schedule import Schedule
from tests.unit.sender_sim.scripted import HALF_HOUR, START

minutes = st.integers(0, 9)
WEEK = timedelta(days=7)


def at(minute: int) -> timedelta:
    return timedelta(minutes=minute)


@given(st.lists(st.one_of(st.tuples(minutes, st.integers(0, 3)), minutes)))
def test_a_schedule_gives_what_a_sorted_list_gives(steps: list[tuple[int, int] | int]) -> None:
    """A pair adds an item, due at a minute with a priority; a number takes what is due at that minute."""
    schedule: Schedule[int] = Schedule()
    model: list[tuple[int, int, int]] = []
    for sequence, step in enumerate(steps):
        if isinstance(step, tuple):
            schedule.add(START + at(step[0]), step[1], sequence)
            model.append((*step, sequence))
            model.sort()
        elif model and model[0][0] <= step:
            due, _, item = model.pop(0)
            assert schedule.pop(START + at(step)) == (START + at(due), item)
        else:
            assert schedule.pop(START + at(step)) is None
        assert len(schedule) == len(model)
        assert schedule.next_due() == (START + at(model[0][0]) if model else None)


@given(st.timedeltas(timedelta(0), timedelta(days=8)))
def test_the_next_attempt_comes_half_an_hour_after_the_previous_one_or_never(since_first: timedelta) -> None:
    due = next_attempt(START, START + since_first)
    assert due == (START + since_first + HALF_HOUR if since_first <= WEEK - HALF_HOUR else None)


@given(st.lists(st.timedeltas(timedelta(0), timedelta(minutes=10)), max_size=400))
def test_attempts_that_start_late_never_make_it_more_than_337_in_seven_days(delays: list[timedelta]) -> None:
    attempts = [START]
    late = iter(delays)
    while due := next_attempt(START, attempts[-1]):
        assert due <= START + WEEK
        attempts.append(due + next(late, timedelta(0)))
    assert len(attempts) <= 337
    assert attempts[-1] + HALF_HOUR > START + WEEK


def test_attempts_that_start_on_time_are_337_and_the_last_is_due_after_exactly_seven_days() -> None:
    attempts = [START]
    while due := next_attempt(START, attempts[-1]):
        attempts.append(due)
    assert len(attempts) == 337
    assert attempts[-1] == START + WEEK
