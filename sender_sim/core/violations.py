"""What breaks the contract, under names that are the same each time, and what to change at the endpoint."""

import re
from dataclasses import dataclass
from typing import Final

from receiver import wire
from sender_sim.core import rules
from sender_sim.core.outcome import Failed, Failure, Outcome, kind

__all__ = ["Kind", "broken", "kind_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to break a rule: its name, and what to change."""

    name: str
    remedy: str


# What rules.read_append says, without the figures and texts of one answer, which would make each a kind of its own.
_KINDS: Final = (
    (
        re.compile(r"the append has \d+ characters"),
        Kind(
            f"the append is over {wire.APPEND_LIMIT} characters",
            f"Answer at most {wire.APPEND_LIMIT} Unicode code points. Of a longer append nothing is saved.",
        ),
    ),
    (
        re.compile("the append is not text"),
        Kind(
            "the append is not text",
            'Answer {"append": "..."} with a JSON string, or {} to save nothing.',
        ),
    ),
    (
        re.compile("the answer is not readable JSON"),
        Kind(
            "the answer is not readable JSON",
            "Answer valid JSON in UTF-8 and nothing else; check what is printed before or after it.",
        ),
    ),
    (
        re.compile(f"the answer names {wire.APPEND_KEY!r} twice"),
        Kind(
            f"the answer names {wire.APPEND_KEY!r} twice",
            "Name it once: which of the two is saved would be a guess.",
        ),
    ),
    (
        re.compile(r"the answer is over \d+ bytes"),
        Kind(
            "the answer is far too long",
            "Answer a few bytes of JSON; what is this long is not searched for an append.",
        ),
    ),
)


def kind_of(what: str) -> Kind:
    """The kind of violation that these words tell of."""
    for pattern, known in _KINDS:
        if pattern.match(what):
            return known
    return Kind(what, "See the rule in the contract.")


def broken(outcome: Outcome) -> str | None:
    """The rule that an attempt's outcome breaks and how, the same text each time (R2, R3, R7). None: it breaks none."""
    if isinstance(outcome, Failed) and outcome.failure is Failure.TIMEOUT:
        return f"R3: {outcome.detail}"
    if not outcome.success:
        return f"R2: {kind(str(outcome))}"
    reading = rules.read_append(outcome)
    return f"{reading.rule}: {kind_of(reading.what).name}" if isinstance(reading, rules.Violation) else None
