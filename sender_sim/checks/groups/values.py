"""Which names come, and which of them are empty: the macro is the customer's (C3), and not every value exists."""

from typing import Final

from receiver import wire
from sender_sim.checks.diagnosis import blame
from sender_sim.checks.judging import expect_taken
from sender_sim.checks.model import NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group

__all__ = ["GROUP"]

GROUP: Final = Group("values", "Macro, empty and missing values")

# "If exists", the page says of these.
_OPTIONAL: Final = ("publisher_id", "campaign_id", "referrer", "url")
# What every event has: which call it is of, what it is, when and how it was. A recording has a check of its own.
_ALWAYS: Final = ("start", "duration", "answered", "event_type", "id", "fsid")
_SPARE: Final = tuple(each.name for each in wire.FIELDS if each.name not in (*_ALWAYS, wire.RECORDING_FIELD))


@GROUP.must(
    "macro-custom",
    rule="C3 S",
    expected="data made by the macro that the integration is set to is read",
    cause="the endpoint reads the names of Kaisa's default macro, which is accepted",
    change="read the names left of '=' in the macro of Kaisa's Setup, or set the macro back to the default",
    foundation=True,
)
async def custom_macro(probe: Probe) -> None:
    """The plain delivery; where it is refused, whether the default macro is not."""
    if probe.integration.macro.text == wire.DEFAULT_MACRO:
        raise NotRun("the macro is Kaisa's default; --macro TEXT is the customised one of Kaisa's Setup")
    await blame(probe, "macro-custom")


@GROUP.should(
    "macro-more-names",
    rule="Data D",
    expected="a name that the endpoint does not know is no reason to refuse the delivery",
    cause="a schema forbids additional names",
    change="ignore (or keep) names that are not known: the macro may grow in Kaisa's Setup",
)
async def more_names(probe: Probe) -> None:
    """A name that no macro is likely to have."""
    expect_taken(probe, await probe.post(probe.delivery(more={"a_name_nobody_knows": "1"})))


@GROUP.should(
    "macro-fewer-names",
    rule="Data D",
    expected="a body that lacks names is accepted, as long as it says which call it is of and what happened",
    cause="a schema requires every name of the default macro",
    change="require id and event_type, and take the other names as they come",
)
async def fewer_names(probe: Probe) -> None:
    """As if the customer had taken out of the macro whatever not every event has."""
    call = probe.call()
    if probe.data(call, without=_SPARE) == probe.data(call):
        raise NotRun("the macro has no name that could be left out")
    expect_taken(probe, await probe.post(probe.delivery(call, without=_SPARE)))


@GROUP.must(
    "value-optional-empty",
    rule="Data S",
    expected="empty publisher_id, campaign_id, referrer and url are accepted: they are sent 'if exists'",
    cause="a schema wants a number or a URL and refuses the empty text",
    change="read empty text as no value",
)
async def optional_empty(probe: Probe) -> None:
    """Most calls come from no campaign at all."""
    empty = probe.integration.macro.fields.intersection(_OPTIONAL)
    if not empty:
        raise NotRun(f"the macro sends none of {', '.join(_OPTIONAL)}")
    expect_taken(probe, await probe.post(probe.delivery(changes=dict.fromkeys(empty, ""))))


@GROUP.should(
    "value-all-empty",
    rule="Data D",
    expected="a caller who withholds the number, and nothing else known of the call, is accepted",
    cause="a schema refuses the empty text where it expects a phone number or a name",
    change="read empty text as no value",
)
async def all_empty(probe: Probe) -> None:
    """Everything is empty but what every event has."""
    if not probe.integration.macro.fields.intersection(_SPARE):
        raise NotRun("the macro sends nothing that could be empty")
    expect_taken(probe, await probe.post(probe.delivery(changes=dict.fromkeys(_SPARE, ""))))


@GROUP.must(
    "value-no-recording",
    rule="C9 S",
    expected="a post-call without recording_id is accepted: after 30 minutes it is sent anyway",
    cause="a recording is taken for granted",
    change="read an empty recording_id as no recording",
)
async def no_recording(probe: Probe) -> None:
    """Where recordings are waited for, not every call gets one in time."""
    probe.sends(wire.RECORDING_FIELD)
    expect_taken(probe, await probe.post(probe.delivery(changes={wire.RECORDING_FIELD: ""})))
