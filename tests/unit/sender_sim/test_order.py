"""The one stream: equal times in a defined order, the same run twice, never too much in flight."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random

import pytest

from sender_sim.core import events, synthetic
from sender_sim.core.call import Call, Kind
from sender_sim.core.delivery import Attempt
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Outcome
from tests.unit.sender_sim.scripted import (
    DOWN,
    HALF_HOUR,
    OK,
    START,
    URL,
    Scripted,
    a_call,
    always,
    at_attempt,
    of,
    play,
)

EVERYTHING = Integration(url=URL, pre_call=True, after_outbound=True, wait_for_recording=True)


class Crowded:
    """A transport whose answers take turns; `most` is how many attempts were in flight at once."""

    def __init__(self, turns: Callable[[Attempt], Awaitable[None]], answer: Callable[[Attempt], Outcome]) -> None:
        self._turns = turns
        self._answer = answer
        self._now = 0
        self.most = 0
        self.ended: list[str] = []

    async def send(self, attempt: Attempt) -> Outcome:
        self._now += 1
        self.most = max(self.most, self._now)
        await self._turns(attempt)
        self._now -= 1
        self.ended.append(attempt.delivery)
        return self._answer(attempt)


async def some_turns(attempt: Attempt) -> None:
    """More of the loop's turns for some attempts than for others, so that they end in another order."""
    for _ in range(1 + zlib.crc32(attempt.delivery.encode()) % 7):
        await asyncio.sleep(0)


def moody(attempt: Attempt) -> Outcome:
    """Answers that differ by delivery and attempt, and are the same for the same attempt."""
    mood = zlib.crc32(f"{attempt.delivery} {attempt.number}".encode()) % 4
    return (OK, DOWN, Answered(503), Answered(200, b'{"append": "%d"}' % attempt.number))[mood]


def made_up(seed: int) -> list[Call]:
    return list(synthetic.calls(Random(seed), 60, START))


def test_at_one_time_a_recording_comes_before_a_call_a_call_before_the_end_of_a_wait_and_sending_last() -> None:
    at = START + HALF_HOUR
    integration = replace(EVERYTHING, pre_call=False)
    text = a_call("text", start=at, kind=Kind.SMS)
    calls = [a_call("unrecorded"), a_call("last-moment", recording_after=HALF_HOUR, recording_id="rec"), text]
    happened = [event for event in play(calls, Scripted(), integration) if event.at == at]
    created = of(happened, events.DeliveryCreated)
    assert [creation.delivery for creation in created] == ["last-moment/post-call", "text/sms", "unrecorded/post-call"]
    assert [event for event in happened if event not in created][:6] == [
        events.RecordingFound(at, "last-moment", "rec", too_late=False),
        events.CallBegan(at, "text", text),
        events.AttemptStarted(at, "last-moment/post-call", 1),
        events.AttemptStarted(at, "text/sms", 1),
        events.AttemptStarted(at, "unrecorded/post-call", 1),
        events.AttemptEnded(at, "last-moment/post-call", 1, success=True, status=200, outcome="", seconds=0),
    ]


def test_at_one_time_calls_begin_in_the_order_they_were_placed() -> None:
    names = [f"{number}" for number in (3, 1, 4, 15, 9, 2, 6)]
    endpoint = Scripted()
    happened = play([a_call(name) for name in names], endpoint)
    assert [began.call for began in of(happened, events.CallBegan)] == names
    assert [attempt.delivery for attempt in endpoint.sent] == [f"{name}/post-call" for name in names]


def test_a_retry_due_when_a_call_begins_is_sent_before_what_the_call_sends() -> None:
    endpoint = Scripted(lambda attempt: DOWN if attempt.delivery == "first/post-call" and attempt.number == 1 else OK)
    play([a_call("first"), a_call("second", start=START + HALF_HOUR)], endpoint)
    assert [(attempt.delivery, attempt.number) for attempt in endpoint.sent] == [
        ("first/post-call", 1),
        ("first/post-call", 2),
        ("second/post-call", 1),
    ]


def test_the_same_seed_and_the_same_answers_give_the_same_stream() -> None:
    runs = [play(made_up(7), Scripted(moody), EVERYTHING) for _ in range(2)]
    assert runs[0] == runs[1]
    happened = {type(event).__name__ for event in runs[0]}
    assert happened == set(events.__all__) - {"Event", "SettingsChanged", "NothingSent", "GivenUp", "ContractViolated"}


def test_another_seed_gives_another_stream() -> None:
    assert play(made_up(7), Scripted(moody), EVERYTHING) != play(made_up(8), Scripted(moody), EVERYTHING)


def test_other_answers_give_another_stream() -> None:
    assert play(made_up(7), Scripted(moody), EVERYTHING) != play(made_up(7), Scripted(), EVERYTHING)


def test_the_order_in_which_answers_arrive_does_not_change_the_stream() -> None:
    endpoint = Crowded(some_turns, moody)
    expected = play(made_up(7), Scripted(moody), EVERYTHING)
    happened = play(made_up(7), endpoint, EVERYTHING)
    assert happened == expected
    ended = [event.delivery for event in of(happened, events.AttemptEnded)]
    assert sorted(ended) == sorted(endpoint.ended)
    assert ended != endpoint.ended


def test_outcomes_are_taken_in_the_order_their_attempts_were_started() -> None:
    """Each attempt waits for the one started after it, so that the last ends first."""
    ended: dict[str, asyncio.Event] = {}
    names = [f"{number}/post-call" for number in range(5)]

    async def last_first(attempt: Attempt) -> None:
        own = ended.setdefault(attempt.delivery, asyncio.Event())
        if attempt.delivery != names[-1]:
            after = names[names.index(attempt.delivery) + 1]
            await ended.setdefault(after, asyncio.Event()).wait()
        own.set()

    endpoint = Crowded(last_first, always(OK))
    happened = play([a_call(f"{number}") for number in range(5)], endpoint)
    assert endpoint.ended == names[::-1]
    assert [event.delivery for event in of(happened, events.AttemptStarted)] == names
    assert [event.delivery for event in of(happened, events.AttemptEnded)] == names


@pytest.mark.parametrize("bound", [1, 2, 7, 30])
def test_no_more_attempts_are_in_flight_than_are_allowed(bound: int) -> None:
    endpoint = Crowded(some_turns, at_attempt(2))
    happened = play([a_call(f"{number}") for number in range(30)], endpoint, concurrency=bound)
    assert endpoint.most == bound
    assert len(of(happened, events.Delivered)) == 30
    assert {event.at for event in of(happened, events.Delivered)} == {START + HALF_HOUR}
