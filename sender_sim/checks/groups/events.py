"""Everything Kaisa reports: calls that were answered and missed, text messages, pre-calls."""

from typing import Final

from receiver.wire import EventType
from sender_sim.checks.judging import expect_taken
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core.call import Kind

__all__ = ["GROUP"]

GROUP: Final = Group("events", "Every event type")


@GROUP.must(
    "event-missed-call",
    rule="R1 S",
    expected="a call that nobody answered (answered 0, duration 0) is accepted",
    cause="0 is taken for a value that is missing",
    change="treat the text '0' as the value it is",
)
async def missed_call(probe: Probe) -> None:
    """A post-call without a talk."""
    request = probe.delivery(changes={"answered": "0", "duration": "0"})
    expect_taken(probe, await probe.post(request))


@GROUP.must(
    "event-sms",
    rule="R1 S",
    expected="an SMS (event_type 1) is accepted",
    cause="the endpoint knows calls only: a message has no duration and nobody answered it",
    change="answer 200 to event_type 1, even if there is nothing to do with it",
)
async def sms(probe: Probe) -> None:
    """A text message, its text in `details`."""
    probe.sends("event_type")
    call = probe.call(Kind.SMS, details="Call me back, please")
    expect_taken(probe, await probe.post(probe.delivery(call, EventType.SMS)))


@GROUP.must(
    "event-pre-call",
    rule="C5 S",
    expected="a pre-call (event_type 2) is accepted",
    cause="the endpoint expects a finished call: before it, duration and answered are 0",
    change="answer 200 to event_type 2, even if there is nothing to do with it",
)
async def pre_call(probe: Probe) -> None:
    """The webhook before the call is connected."""
    probe.sends("event_type")
    expect_taken(probe, await probe.post(probe.delivery(event_type=EventType.PRE_CALL)))
