"""What a run was set to, in words."""

import re

from receiver import wire
from sender_sim.core.faults import Fault, Latency, Rule, Status
from sender_sim.core.integration import Integration
from sender_sim.reports.page import words

__all__ = ["fault_words", "request_facts", "settings_facts"]


def settings_facts(integration: Integration) -> list[tuple[str, str]]:
    """What an integration is set to, by name."""
    switches = {
        "pre-call": integration.pre_call,
        "after outbound calls": integration.after_outbound,
        "retry": integration.retry,
        "wait for the recording": integration.wait_for_recording,
    }
    return [*request_facts(integration), *((name, "on" if value else "off") for name, value in switches.items())]


def request_facts(integration: Integration) -> list[tuple[str, str]]:
    """What decides how a single request looks, by name; the endpoint comes first."""
    signed = "no"
    if integration.signer:
        profile = integration.signer.profile
        signed = f"RSA, {profile.padding}, {profile.digest}, {profile.encoding}"
    facts = [
        ("endpoint", integration.url),
        ("encoding", {wire.FORM: "form", wire.JSON: "JSON"}[integration.encoding]),
        ("signed", signed),
    ]
    if integration.timeout != wire.ATTEMPT_TIMEOUT:
        facts.append(("deadline of an attempt", f"{integration.timeout.total_seconds():g} s"))
    return facts


def fault_words(rule: Rule) -> str:
    """A fault and the attempts that meet it: `status 503, attempts 1 to 3, until 2 days`."""
    parts = [_kind(rule.fault)]
    if rule.last:
        parts.append(words.numbers(rule.first, rule.last))
    elif rule.first > 1:
        parts.append(f"attempts from {rule.first} on")
    if rule.begin:
        parts.append(f"from {words.length(rule.begin)} {f'to {words.length(rule.end)}' if rule.end else 'on'}")
    elif rule.end:
        parts.append(f"until {words.length(rule.end)}")
    if rule.event_type is not None:
        parts.append(f"{rule.event_type.label} only")
    if rule.probability < 1:
        parts.append(f"with a probability of {rule.probability:g}")
    return ", ".join(parts)


def _kind(fault: Fault) -> str:
    match fault:
        case Status(code, before):
            return f"status {code}" + (" in the endpoint's place" if before else "")
        case Latency(seconds):
            return f"latency {seconds:g}"
        case _:
            return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(fault).__name__).lower()
