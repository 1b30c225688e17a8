"""A run that is stopped anywhere goes on where it was: nothing is lost, and what got its 200 is not sent again."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import chain, islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import macro
from sender_sim.clocks import VirtualClock
from sender_sim.core import events, synthetic
from sender_sim.core.engine import Engine
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.core.unfinished import Unfinished, unfinished
from sender_sim.run import run
from tests.unit.sender_sim.scripted import DOWN, INTEGRATION, START, URL, Scripted, a_call, always, of
from tests.unit.sender_sim.test_order import moody

CALLS = list(synthetic.calls(Random(7), 25, START))
BEFORE = Integration(
    url=URL,
    pre_call=True,
    wait_for_recording=True,
    macro=macro.parse("id={id}&type={event_type}&recording={recording_id}", recording=True),
)
AFTER = replace(BEFORE, url="https://other.example/", after_outbound=True, wait_for_recording=False)
CHANGE = START + timedelta(minutes=25)

Batches = list[tuple[Event, ...]]


def play(engine: Engine, transport: Scripted, clock: VirtualClock, *, concurrency: int = 4) -> Batches:
    """What a run keeps, batch by batch."""
    batches: Batches = []

    async def collect() -> None:
        kept = run(engine, clock, transport, concurrency=concurrency, keep=lambda some: batches.append(tuple(some)))
        async for _ in kept:
            pass

    asyncio.run(collect())
    return [batch for batch in batches if batch]


@cache
def undisturbed() -> Batches:
    engine = Engine(BEFORE)
    engine.set_up(CHANGE, AFTER)
    engine.feed(iter(CALLS))
    return play(engine, Scripted(moody), VirtualClock(START))


def resumed(left: Unfinished, transport: Scripted) -> list[Event]:
    """The events of a run that goes on with what is left."""
    engine = Engine((BEFORE, AFTER)[left.changes])
    engine.resume(left, (BEFORE, AFTER))
    if not left.changes:
        engine.set_up(CHANGE, AFTER)
    engine.feed(islice(CALLS, left.begun, None))
    return list(chain(*play(engine, transport, VirtualClock(left.at or START))))


def open_attempts(happened: Sequence[Event]) -> list[Event]:
    """Attempts that began and have no end yet."""
    ended = {(event.delivery, event.attempt) for event in of(happened, events.AttemptEnded)}
    started = of(happened, events.AttemptStarted)
    return [event for event in started if (event.delivery, event.attempt) not in ended]


@given(cut=st.integers(0, len(undisturbed())))
def test_a_run_that_goes_on_does_what_it_would_have_done_and_repeats_only_attempts_without_an_end(cut: int) -> None:
    before = list(chain(*undisturbed()[:cut]))
    after = list(chain(*undisturbed()[cut:]))
    endpoint = Scripted(moody)
    assert resumed(unfinished(before), endpoint) == [*open_attempts(before), *after]
    delivered = {event.delivery for event in of(before, events.Delivered)}
    assert not delivered & {attempt.delivery for attempt in endpoint.sent}


def test_a_call_that_begins_when_another_ends_does_so_in_the_same_order_after_a_stop() -> None:
    minute = timedelta(minutes=1)
    calls = [a_call("first", duration=minute), a_call("second", start=START + minute, duration=minute)]

    def engine(left: Unfinished) -> Engine:
        engine = Engine(BEFORE)
        engine.resume(left, [BEFORE])
        engine.feed(iter(calls[left.begun :]))
        return engine

    batches = play(engine(Unfinished()), Scripted(), VirtualClock(START))
    at_once = {type(event) for event in chain(*batches) if event.at == calls[0].end}
    assert {events.CallBegan, events.CallEnded} <= at_once
    for cut in range(len(batches)):
        before, after = list(chain(*batches[:cut])), list(chain(*batches[cut:]))
        left = unfinished(before)
        went_on = chain(*play(engine(left), Scripted(), VirtualClock(left.at or START)))
        assert list(went_on) == [*open_attempts(before), *after]


def test_the_run_that_is_cut_has_everything_in_it() -> None:
    kinds = {type(event) for event in chain(*undisturbed())}
    assert kinds >= {
        events.SettingsChanged,
        events.DeliveryHeld,
        events.RecordingFound,
        events.RetryScheduled,
        events.Delivered,
    }
    assert len(undisturbed()) > 100


@pytest.mark.parametrize("attempts", [1, 2, 336, 337])
def test_a_delivery_that_goes_on_keeps_its_seven_days(attempts: int) -> None:
    engine = Engine(INTEGRATION)
    engine.place(a_call())
    batches = play(engine, Scripted(always(DOWN)), VirtualClock(START))
    left = unfinished(chain(*batches[: 2 * attempts - 1]))  # stopped while this attempt is under way
    engine, endpoint = Engine(INTEGRATION), Scripted(always(DOWN))
    engine.resume(left, [INTEGRATION])
    play(engine, endpoint, VirtualClock(left.at or START))
    assert [attempt.number for attempt in endpoint.sent] == list(range(attempts, 338))
    assert endpoint.sent[-1].at == START + timedelta(days=7)


def test_with_retries_off_an_attempt_without_an_end_is_made_again() -> None:
    once = replace(INTEGRATION, retry=False)
    engine = Engine(once)
    engine.place(a_call())
    left = unfinished(play(engine, Scripted(always(DOWN)), VirtualClock(START))[0])
    engine, endpoint = Engine(once), Scripted()
    engine.resume(left, [once])
    play(engine, endpoint, VirtualClock(START))
    assert [(attempt.delivery, attempt.number) for attempt in endpoint.sent] == [("a/post-call", 1)]


def test_nothing_is_left_of_a_run_that_came_to_its_end() -> None:
    left = unfinished(chain(*undisturbed()))
    assert (left.calls, left.recordings, left.held, left.pending) == ({}, {}, {}, {})
    assert (left.begun, left.changes) == (len(CALLS), 1)
