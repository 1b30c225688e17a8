"""Form and JSON (C4)."""

from typing import Final

from sender_sim.checks.diagnosis import blame
from sender_sim.checks.judging import expect_taken
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group

__all__ = ["GROUP"]

GROUP: Final = Group("encodings", "Both encodings")


@GROUP.must(
    "encoding-as-set",
    rule="C4 S",
    expected="data in the encoding that the integration is set to is read",
    cause="the endpoint reads the other encoding only",
    change="read this one too, or set 'Send as JSON' in Kaisa's Setup to what the endpoint reads (--json/--form here)",
    foundation=True,
)
async def as_set(probe: Probe) -> None:
    """The plain delivery; where it is refused, whether the other encoding is not."""
    await blame(probe, "encoding-as-set")


@GROUP.should(
    "encoding-other",
    rule="C4 S",
    expected="data in the other encoding is read too, so that the switch in Setup breaks nothing",
    cause="the endpoint reads one encoding only",
    change="read application/x-www-form-urlencoded and application/json, by the request's content type",
)
async def other(probe: Probe) -> None:
    """The same in the encoding that the integration is not set to."""
    expect_taken(probe, await probe.post(probe.delivery(encoding=probe.other_encoding)))


@GROUP.should(
    "encoding-charset",
    rule="Data D",
    expected="a content type that names its charset, `; charset=utf-8`, is read like one that does not",
    cause="the content type is compared as a whole",
    change="compare what stands before the ';' only, whatever its case",
)
async def charset(probe: Probe) -> None:
    """Kaisa does not say whether it names one."""
    message = probe.message(probe.data(probe.call()))
    request = probe.request(message, content_type=f"{message.content_type}; charset=UTF-8")
    expect_taken(probe, await probe.post(request))
