"""What is answered to a delivery, and how soon."""

from collections import Counter
from typing import Final

from sender_sim.checks.diagnosis import blame
from sender_sim.checks.judging import refused_ones
from sender_sim.checks.model import Broken
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group

__all__ = ["GROUP"]

GROUP: Final = Group("answer", "Answered 200, in time")

_AT_ONCE: Final = 20


@GROUP.must(
    "answer-200",
    rule="R2 S",
    expected="a delivery, sent as the integration is set up, is answered exactly 200",
    cause="the endpoint fails, or expects something else than the integration is set up to send",
    change="look into the endpoint's log for this request; compare the URL, --json/--form, --macro and --sign with it",
    foundation=True,
)
async def answer_200(probe: Probe) -> None:
    """The plainest delivery there is."""
    await blame(probe, "answer-200")


@GROUP.must(
    "answer-in-time",
    rule="R3 S",
    expected="a delivery is answered within 20 seconds",
    cause="the work is done before the answer is sent",
    change="store the delivery, answer 200, and do the work afterwards",
    foundation=True,
)
async def in_time(probe: Probe) -> None:
    """The plain delivery again."""
    await blame(probe, "answer-in-time")


@GROUP.must(
    "answer-many-at-once",
    rule="R3 S",
    expected=f"{_AT_ONCE} deliveries at once are each accepted within 20 seconds",
    cause="requests are handled one after the other, or the database takes one writer at a time",
    change="serve with several threads or workers; store the delivery, answer 200, and do the work afterwards",
)
async def many_at_once(probe: Probe) -> None:
    """How many there can be at once is a matter of the server, so it is not asked of an application without one."""
    probe.over_network()
    refused = refused_ones(probe, await probe.post_all(probe.delivery() for _ in range(_AT_ONCE)))
    if refused:
        counts = Counter(str(exchange.outcome) for exchange in refused)
        words = ", ".join(f"{count}x {outcome}" for outcome, count in counts.most_common())
        raise Broken(f"{len(refused)} of {_AT_ONCE} were not accepted: {words}", refused[0])
