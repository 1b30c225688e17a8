"""On a clock that does not wait, attempts start late and calls are noticed late; neither changes what follows."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from receiver import wire
from sender_sim.clocks import ScaledClock
from sender_sim.core import events
from sender_sim.core.delivery import Attempt, Delivery
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Outcome
from sender_sim.run import run
from tests.unit.sender_sim.scripted import DOWN, HALF_HOUR, INTEGRATION, START, URL, Scripted, a_call, always, of, play
from tests.unit.sender_sim.test_clocks import on_jumping_loop

LATE = timedelta(seconds=7)


class Slow:
    """An endpoint that is down, and says so after some seconds of real time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def send(self, _: Attempt) -> Outcome:
        await asyncio.sleep(self._seconds)
        return DOWN


def scaled(
    place: Callable[[Engine], None],
    integration: Integration = INTEGRATION,
    *,
    speed: float,
    seconds: float = 0,
    concurrency: int = 20,
) -> list[Event]:
    """The stream of what is placed, on a scaled clock, at an endpoint that is down."""

    async def collect() -> list[Event]:
        engine = Engine(integration)
        place(engine)
        stream = run(engine, ScaledClock(START, speed), Slow(seconds), concurrency=concurrency)
        return [event async for event in stream]

    return on_jumping_loop(collect())


def test_attempts_that_start_late_are_337_all_the_same() -> None:
    delivery = Delivery("a", wire.EventType.SMS, request_for(a_call(), wire.EventType.SMS, INTEGRATION), retry=True)
    due: datetime | None = START
    while due is not None:
        assert delivery.begin(due + LATE, due).at == due + LATE
        last, due = due, delivery.end(DOWN)
    assert (delivery.attempts, last) == (337, START + timedelta(days=7))


@pytest.mark.parametrize(
    ("speed", "seconds"),
    [(1, 20), (1800, 0), (1800, 0.7), (1800, 20), (1_000_000, 0.01)],
    ids=["real", "quick", "slow", "over the half hour", "fastest"],
)
def test_a_delivery_that_never_succeeds_has_337_attempts_on_every_clock(speed: float, seconds: float) -> None:
    happened = scaled(lambda engine: engine.place(a_call()), speed=speed, seconds=seconds)
    assert [given_up.attempts for given_up in of(happened, events.GivenUp)] == [337]
    dues = [retry.due for retry in of(happened, events.RetryScheduled)]
    assert dues == [START + number * HALF_HOUR for number in range(1, 337)]


def test_a_delivery_that_waits_for_its_turn_is_due_from_when_its_call_ended() -> None:
    def place(engine: Engine) -> None:
        for name in ("first", "second"):
            engine.place(a_call(name))

    happened = scaled(place, speed=60, seconds=10, concurrency=1)
    first_dues = {retry.delivery: retry.due for retry in of(happened, events.RetryScheduled) if retry.attempt == 2}
    assert first_dues == {"first/post-call": START + HALF_HOUR, "second/post-call": START + HALF_HOUR}


@pytest.mark.parametrize("concurrency", [1, 20])
def test_the_time_of_events_never_goes_back_on_a_scaled_clock(concurrency: int) -> None:
    everything = Integration(url=URL, pre_call=True, wait_for_recording=True)

    def place(engine: Engine) -> None:
        for number in range(10):
            start = START + number * timedelta(minutes=2)
            call = a_call(
                f"{number}", start=start, duration=timedelta(minutes=3), recording_after=timedelta(minutes=number)
            )
            engine.place(call)

    happened = scaled(place, everything, speed=600, seconds=0.9, concurrency=concurrency)
    assert len(of(happened, events.CallBegan)) == 10
    assert [(before, after) for before, after in pairwise(happened) if after.at < before.at] == []


def test_a_call_that_is_noticed_late_has_the_same_deliveries_at_the_same_due_times() -> None:
    engine = Engine(Integration(url=URL, wait_for_recording=True))
    call = a_call(duration=timedelta(minutes=3), recording_after=timedelta(minutes=5))
    engine.place(call)
    noticed = START + timedelta(hours=1)
    step = engine.advance(noticed, room=1)
    assert {event.at for event in step.events} == {noticed}
    [held] = of(step.events, events.DeliveryHeld)
    assert held.until == START + timedelta(minutes=33)
    [attempt] = step.attempts
    [*_, retry] = engine.conclude(attempt, DOWN, noticed)
    assert isinstance(retry, events.RetryScheduled)
    assert retry.due == START + timedelta(minutes=38)


def test_on_the_virtual_clock_nothing_is_ever_late() -> None:
    endpoint = Scripted(always(DOWN))
    play([a_call(f"{number}") for number in range(30)], endpoint, concurrency=1)
    starts = [attempt.at for attempt in endpoint.sent if attempt.delivery == "29/post-call"]
    assert starts == [START + number * HALF_HOUR for number in range(337)]
