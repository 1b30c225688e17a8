"""On the virtual clock an endpoint that works in real time is given some, if that is asked for, and told of if not."""

import asyncio
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from sender_sim.certs import DevelopmentKeys
from sender_sim.clocks import VirtualClock
from sender_sim.core import events
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Engine
from sender_sim.core.events import Event
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.run import run
from sender_sim.transports import Breathing
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.endpoints import attempt_at
from tests.unit.sender_sim.scripted import DOWN, HALF_HOUR, INTEGRATION, OK, START, URL, a_call, of
from tests.unit.sender_sim.test_cli import misused
from tests.unit.sender_sim.test_clocks import loop_time, on_jumping_loop

BUSY = Answered(503)
TIMEOUT = Failed(Failure.TIMEOUT)
HINT = (
    "given up on 503 on the virtual clock: 1; "
    "a receiver that works in real time had no time: --breath 1 or --clock x1800"
)


class Working:
    """An endpoint whose handler needs some seconds of real time; until then it answers that it is busy."""

    def __init__(self, seconds: float, meanwhile: Outcome) -> None:
        self._seconds = seconds
        self._meanwhile = meanwhile

    async def send(self, _: Attempt) -> Outcome:
        return OK if loop_time() >= self._seconds else self._meanwhile


def played(endpoint: Working, breath: float, *names: str) -> tuple[list[Event], float]:
    """The stream of calls on the virtual clock, and how long it took."""

    async def collect() -> tuple[list[Event], float]:
        engine = Engine(INTEGRATION)
        for name in names or ("a",):
            engine.place(a_call(name))
        stream = run(engine, VirtualClock(START), Breathing(endpoint, breath))
        return [event async for event in stream], loop_time()

    return on_jumping_loop(collect())


def test_without_a_breath_nothing_is_kept_of_a_busy_endpoint() -> None:
    async def kept() -> int:
        transport = Breathing(Working(1e9, BUSY), 0)
        for number in range(5_000):
            await transport.send(replace(attempt_at(URL), delivery=f"{number}/sms"))
        now, _ = tracemalloc.get_traced_memory()
        return now

    tracemalloc.start()
    try:
        assert on_jumping_loop(kept()) < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("meanwhile", [BUSY, TIMEOUT], ids=str)
@pytest.mark.parametrize(("breath", "attempts"), [(1, 6), (2.5, 3), (10, 2)])
def test_with_a_breath_a_busy_endpoint_gets_real_time_before_each_retry(
    meanwhile: Outcome, breath: float, attempts: int
) -> None:
    happened, seconds = played(Working(5, meanwhile), breath)
    assert happened[-1] == events.Delivered(START + (attempts - 1) * HALF_HOUR, "a/post-call", attempts)
    assert seconds == pytest.approx((attempts - 1) * breath)


def test_without_a_breath_seven_days_pass_in_no_time() -> None:
    happened, seconds = played(Working(5, BUSY), 0)
    assert [given_up.attempts for given_up in of(happened, events.GivenUp)] == [337]
    assert seconds == 0


@pytest.mark.parametrize("meanwhile", [DOWN, Answered(500), Answered(404)], ids=str)
def test_other_failures_are_not_waited_for(meanwhile: Outcome) -> None:
    assert played(Working(5, meanwhile), 1)[1] == 0


def test_deliveries_that_are_due_together_breathe_together() -> None:
    happened, seconds = played(Working(5, BUSY), 1, "a", "b", "c")
    assert len(of(happened, events.Delivered)) == 3
    assert seconds == pytest.approx(5)


def test_only_the_attempt_right_after_a_busy_one_is_waited_for() -> None:
    outcomes = iter((BUSY, Answered(500), OK))

    class Scripted:
        async def send(self, _: Attempt) -> Outcome:
            return next(outcomes)

    async def collect() -> float:
        engine = Engine(INTEGRATION)
        engine.place(a_call())
        async for _ in run(engine, VirtualClock(START), Breathing(Scripted(), 1)):
            await asyncio.sleep(0)
        return loop_time()

    assert on_jumping_loop(collect()) == pytest.approx(1)


@pytest.fixture
def busy(server: HTTPServer, development_keys: DevelopmentKeys) -> tuple[object, ...]:
    server.expect_request("/hook").respond_with_data("", status=503)
    return "run", server.url_for("/hook"), "--ca", development_keys.ca, "--calls", 1, "--after-outbound"


def test_a_run_given_up_on_503_says_what_to_try(invoke: Invoke, busy: tuple[object, ...]) -> None:
    result = invoke(*busy)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == HINT


@pytest.mark.parametrize("more", [("--no-retry",), ("--clock", "x1000000", "--no-retry")], ids=" ".join)
def test_where_a_breath_would_not_help_it_is_not_spoken_of(
    invoke: Invoke, busy: tuple[object, ...], more: tuple[str, ...]
) -> None:
    result = invoke(*busy, *more)
    assert result.exit_code == 1
    assert "--breath" not in result.stdout


def test_a_run_with_a_breath_waits_for_a_busy_endpoint(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def no_sleep(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    def answers() -> Iterator[Callable[[], Response]]:
        yield lambda: Response(status=503)
        yield lambda: Response(status=503)
        yield Response

    statuses = answers()

    def answer(_: Request) -> Response:
        return next(statuses)()

    monkeypatch.setattr(asyncio, "sleep", no_sleep)
    server.expect_request("/hook").respond_with_handler(answer)
    to = (server.url_for("/hook"), "--ca", development_keys.ca)
    result = invoke("run", *to, "--calls", 1, "--after-outbound", "--breath", "1.5")
    assert result.exit_code == 0
    assert slept.count(1.5) == 2


@pytest.mark.parametrize("seconds", ["-1", "61", "nan", "inf", "soon"])
def test_a_breath_that_cannot_be_taken_is_misuse(invoke: Invoke, seconds: str) -> None:
    assert "Invalid value for '--breath'" in misused(invoke("run", "https://localhost/", "--breath", seconds))


@pytest.mark.parametrize("clock", ["real", "x1800"])
def test_a_breath_is_for_the_virtual_clock_alone(invoke: Invoke, clock: str) -> None:
    said = " ".join(misused(invoke("run", "https://localhost/", "--clock", clock, "--breath", "1")).split())
    assert "--breath is for the virtual clock; on any other, real time passes by itself" in said
