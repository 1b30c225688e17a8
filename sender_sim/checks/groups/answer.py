"""What is answered to a plain delivery."""

from typing import Final

from sender_sim.checks.judging import explain
from sender_sim.checks.model import Broken
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group

__all__ = ["GROUP"]

GROUP: Final = Group("answer", "The answer to a delivery")


@GROUP.must(
    "answer-200",
    rule="R2 S",
    expected="a delivery, sent as the integration is set up, is answered exactly 200",
    cause="the endpoint reads another encoding, another macro or another path than the integration is set to, or fails",
    change="look into the endpoint's log for this request; compare the URL, --json/--form, --macro and --sign with it",
    needs_delivery=False,
)
async def answer_200(probe: Probe) -> None:
    """The plainest delivery there is."""
    exchange = await probe.plain()
    if not exchange.outcome.success:
        why = explain(exchange.outcome)
        raise Broken(why.happened, exchange, cause=why.cause, change=why.change)
