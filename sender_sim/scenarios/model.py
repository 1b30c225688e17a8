"""What a scenario is: calls, settings and their changes, faults, and how it should end. Data only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sender_sim.core.faults import Rule
from sender_sim.core.lifecycle import Stage
from sender_sim.core.synthetic import Profile
from sender_sim.reports.summary import Summary

__all__ = ["Amount", "Change", "Expectation", "Scenario"]


class Amount(StrEnum):
    """How many of all there are."""

    NONE = "none"
    SOME = "some"
    ALL = "all"

    def met(self, number: int, total: int) -> bool:
        """Whether `number` of `total` is this amount."""
        return {Amount.NONE: number == 0, Amount.SOME: 0 < number < total, Amount.ALL: 0 < number == total}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """How a run should end: how many deliveries are given up, how many are delivered after a retry, of how many calls
    nothing is sent.

    None: it does not matter. That no answer breaks the contract is always expected.
    """

    given_up: Amount | None = Amount.NONE
    retried: Amount | None = None
    nothing_sent: Amount | None = None

    def unmet(self, summary: Summary) -> Iterator[str]:
        """What came out otherwise, in words."""
        deliveries = summary.delivered + summary.given_up
        for what, expected, number, total, of in (
            ("given up", self.given_up, summary.given_up, deliveries, "deliveries"),
            ("delivered after a retry", self.retried, summary.retried, deliveries, "deliveries"),
            ("nothing sent of", self.nothing_sent, summary.nothing_sent, summary.calls, "calls"),
        ):
            if expected is not None and not expected.met(number, total):
                yield f"{what}: {number} of {total} {of}, expected {expected}"
        if summary.violations:
            yield f"answers that break the contract: {summary.violations.total()}, expected none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changes, `at` so long after the start: the stage it leads to, whether the next key signs from then on, and
    settings.
    """

    at: timedelta
    stage: Stage
    next_key: bool
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A situation. `settings` are named as in a settings file; `text` is the file it was read from."""

    name: str
    text: str
    title: str
    shows: str
    calls: int
    profile: Profile
    stage: Stage
    settings: Mapping[str, Any]
    changes: tuple[Change, ...]
    faults: tuple[Rule, ...]
    expect: Expectation

    @property
    def needs_next_key(self) -> bool:
        """Whether it takes a second key to sign with."""
        return any(change.next_key for change in self.changes)
