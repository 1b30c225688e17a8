"""Simulated time. Waiting is tested on a loop whose own clock jumps, so that no test depends on how fast it runs."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from sender_sim.clocks import ScaledClock, VirtualClock
from sender_sim.core import events
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Engine
from sender_sim.core.events import Event
from sender_sim.core.outcome import Outcome
from sender_sim.run import run
from tests.unit.sender_sim.scripted import DOWN, HALF_HOUR, INTEGRATION, OK, START, Scripted, a_call, at_attempt, of

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the time it was to wait has passed at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing is left to wait for"
        self.now += timeout
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop on which sleeping takes no time but its own."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def on_jumping_loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work)


def loop_time() -> float:
    return asyncio.get_running_loop().time()


async def done_after(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def test_a_virtual_clock_stands_still_until_it_is_told_to_jump() -> None:
    async def jump() -> None:
        clock = VirtualClock(START)
        assert clock.now() == START
        assert await clock.wait(set(), START + timedelta(days=7)) == set()
        assert clock.now() == START + timedelta(days=7)
        assert loop_time() == 0

    on_jumping_loop(jump())


def test_a_virtual_clock_never_goes_back() -> None:
    async def jump_back() -> None:
        clock = VirtualClock(START)
        await clock.wait(set(), START - timedelta(seconds=1))
        assert clock.now() == START

    on_jumping_loop(jump_back())


def test_a_virtual_clock_waits_for_all_that_is_in_flight_and_time_stands_still_meanwhile() -> None:
    async def wait() -> None:
        clock = VirtualClock(START)
        tasks = {asyncio.create_task(done_after(seconds)) for seconds in (1, 15, 3)}
        done = await clock.wait(tasks, START + timedelta(minutes=1))
        assert done == tasks
        assert {task.result() for task in done} == {1, 15, 3}
        assert clock.now() == START

    on_jumping_loop(wait())


@pytest.mark.parametrize(("speed", "seconds"), [(1, 1800), (60, 30), (1800, 1), (7200, 0.25), (0.5, 3600)])
def test_a_scaled_clock_waits_its_share_of_real_time(speed: float, seconds: float) -> None:
    async def wait() -> None:
        clock = ScaledClock(START, speed)
        assert clock.now() == START
        await clock.wait(set(), START + HALF_HOUR)
        assert loop_time() == pytest.approx(seconds)
        assert (clock.now() - START).total_seconds() == pytest.approx(1800)

    on_jumping_loop(wait())


def test_a_scaled_clock_does_not_wait_for_what_is_past() -> None:
    async def wait() -> None:
        clock = ScaledClock(START, 60)
        await clock.wait(set(), START - HALF_HOUR)
        assert loop_time() == 0

    on_jumping_loop(wait())


def test_a_scaled_clock_waits_for_the_first_task_only() -> None:
    async def wait() -> None:
        clock = ScaledClock(START, 60)
        quick, slow = (asyncio.create_task(done_after(seconds)) for seconds in (2, 10))
        assert await clock.wait({quick, slow}, START + HALF_HOUR) == {quick}
        assert loop_time() == pytest.approx(2)
        assert (clock.now() - START).total_seconds() == pytest.approx(120)
        assert await clock.wait({slow}, None) == {slow}
        assert loop_time() == pytest.approx(10)

    on_jumping_loop(wait())


def test_a_scaled_clock_stops_waiting_for_tasks_when_something_is_due() -> None:
    async def wait() -> None:
        clock = ScaledClock(START, 60)
        slow = asyncio.create_task(done_after(100))
        assert await clock.wait({slow}, START + HALF_HOUR) == set()
        assert loop_time() == pytest.approx(30)
        await slow

    on_jumping_loop(wait())


def test_a_run_on_a_scaled_clock_takes_its_share_of_real_time() -> None:
    async def take() -> None:
        engine = Engine(INTEGRATION)
        clock = ScaledClock(START, 1800)
        engine.place(a_call())
        happened = [event async for event in run(engine, clock, Scripted(at_attempt(4)))]
        assert [delivered.attempts for delivered in of(happened, events.Delivered)] == [4]
        assert loop_time() == pytest.approx(3)

    on_jumping_loop(take())


def test_on_a_scaled_clock_a_slow_answer_does_not_hold_up_what_is_due_meanwhile() -> None:
    class SlowForOne:
        async def send(self, attempt: Attempt) -> Outcome:
            if attempt.delivery == "slow/post-call":
                await asyncio.sleep(5)
            return OK

    async def deliver() -> None:
        engine = Engine(INTEGRATION)
        clock = ScaledClock(START, 60)
        engine.place(a_call("slow"))
        engine.place(a_call("later", start=START + timedelta(minutes=2)))
        happened = [event async for event in run(engine, clock, SlowForOne())]
        ended = {delivered.delivery: delivered.at - START for delivered in of(happened, events.Delivered)}
        assert list(ended) == ["later/post-call", "slow/post-call"]
        assert ended["later/post-call"].total_seconds() == pytest.approx(120)
        assert ended["slow/post-call"].total_seconds() == pytest.approx(300)

    on_jumping_loop(deliver())


@pytest.mark.parametrize("bound", [1, 2, 5])
def test_on_a_scaled_clock_too_no_more_attempts_are_in_flight_than_are_allowed(bound: int) -> None:
    in_flight: set[str] = set()
    most = []

    class Slow:
        async def send(self, attempt: Attempt) -> Outcome:
            in_flight.add(attempt.delivery)
            most.append(len(in_flight))
            await asyncio.sleep(1 + len(most) % 3)
            in_flight.remove(attempt.delivery)
            return OK

    async def deliver() -> None:
        engine = Engine(INTEGRATION)
        for number in range(12):
            engine.place(a_call(f"{number}", start=START + timedelta(seconds=number)))
        happened = [event async for event in run(engine, ScaledClock(START, 10), Slow(), concurrency=bound)]
        assert len(of(happened, events.Delivered)) == 12

    on_jumping_loop(deliver())
    assert max(most) == bound


def test_a_run_that_is_left_cancels_what_is_in_flight() -> None:
    cancelled = []

    class Endless:
        async def send(self, attempt: Attempt) -> Outcome:
            try:
                await asyncio.sleep(10**6)
            except asyncio.CancelledError:
                cancelled.append(attempt.delivery)
                raise
            return DOWN

    async def leave() -> None:
        engine = Engine(INTEGRATION)
        for name in ("first", "second"):
            engine.place(a_call(name))
        listening = asyncio.create_task(listen(run(engine, ScaledClock(START), Endless())))
        await asyncio.wait({listening}, timeout=1)
        listening.cancel()
        await asyncio.wait({listening})
        assert listening.cancelled()

    on_jumping_loop(leave())
    assert cancelled == ["first/post-call", "second/post-call"]


async def listen(stream: AsyncIterator[Event]) -> None:
    async for _ in stream:
        pass
