"""The timeline's columns and the summary's groups."""

import pytest

from sender_sim.core import events
from sender_sim.core.outcome import Answered, Failed, Failure
from sender_sim.reports import timeline
from sender_sim.reports.summary import Summary
from sender_sim.transports import words
from tests.unit.sender_sim.scripted import START, Scripted, a_call, always, play

IDS = ("a", "0123456789abcdef", "a-call-of-a-customer-with-a-long-name-0123456789")


@pytest.mark.parametrize("call_id", IDS)
def test_the_words_of_all_lines_stand_below_each_other_however_long_the_ids(call_id: str) -> None:
    calls = [a_call("x"), a_call(call_id)]
    width = timeline.width_for(call.id for call in calls)
    happened = play(calls, Scripted())
    lines = [line for event in happened for line in timeline.lines(event, width=width)]
    words = ("inbound call", "the call is over", "attempt 1 ->", "delivered")
    columns = {line.index(each) for line in lines for each in words if each in line}
    assert len(columns) == 1


def test_the_names_of_made_up_calls_fit_without_being_told() -> None:
    name = f"{IDS[1]}/post-call"
    [delivered] = timeline.lines(events.Delivered(START, name, 1))
    [began] = timeline.lines(events.CallBegan(START, IDS[1], a_call(IDS[1])))
    assert delivered.index("delivered") == began.index("inbound")


@pytest.mark.parametrize(("attempts", "words"), [(1, "after 1 attempt: why"), (337, "after 337 attempts: why")])
def test_one_attempt_is_one_attempt(attempts: int, words: str) -> None:
    [line] = timeline.lines(events.GivenUp(START, "a/sms", attempts, "why"))
    assert line.endswith(words)


def failures_of(*details: str) -> dict[str, int]:
    endpoint = Scripted(lambda attempt: Failed(Failure.RESET, details[attempt.number % len(details)]))
    summary = Summary()
    for event in play(a_call(), endpoint):
        summary.listen(event)
    return dict(summary.failures)


def test_failures_of_one_kind_are_one_line_whatever_their_figures() -> None:
    details = ("not enough data (received 3 of 20 bytes)", "not enough data (received 4 of 20 bytes)")
    assert failures_of(*details) == {"reset: not enough data": 337}
    assert failures_of("one (--ca FILE)", "another") == {"reset: one (--ca FILE)": 168, "reset: another": 169}


def test_several_addresses_of_a_host_fail_in_the_systems_words_without_ports() -> None:
    refused = "[Errno 111] Connect call failed ('127.0.0.1', 40123)"
    unreachable = "[Errno 101] Connect call failed ('::1', 40123, 0, 0)"
    both = OSError(f"Multiple exceptions: {refused}, {unreachable}, {refused}")
    assert words(both) == "connection refused and network is unreachable"


def test_only_what_was_given_up_on_a_503_was_given_up_busy() -> None:
    for outcome, busy in ((Answered(503), 1), (Answered(500), 0), (Failed(Failure.TIMEOUT), 0)):
        summary = Summary()
        for event in play(a_call(), Scripted(always(outcome))):
            summary.listen(event)
        assert (summary.given_up, summary.as_dict()["given_up_busy"]) == (1, busy)
        assert "_status" not in summary.as_dict()
