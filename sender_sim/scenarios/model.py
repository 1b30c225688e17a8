"""What a scenario is: calls, settings and their changes, faults, and how it should end. Data only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from sender_sim.core import spans
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
        """Whether `number` of `total` is this amount; some are one or more."""
        return {Amount.NONE: number == 0, Amount.SOME: number > 0, Amount.ALL: 0 < number == total}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """How a run should end: how many deliveries are given up, how many are delivered after a retry, of how many calls
    nothing is sent.

    None: it does not matter. That no answer breaks the contract is always expected.
    """

    given_up: Amount | None = Amount.NONE
    retried: Amount | None = None
    nothing_sent: Amount | None = None

    def __str__(self) -> str:
        return ", ".join(f"{_MEANING[name]}: {amount}" for name, amount in self._amounts())

    def unmet(self, summary: Summary) -> Iterator[str]:
        """What came out otherwise, in words."""
        for name, amount in self._amounts():
            number, total = getattr(summary, name), summary.delivered + summary.given_up
            if name == "nothing_sent":
                total = summary.calls
            if not amount.met(number, total):
                yield f"{_MEANING[name]}: {number} of {total}, expected: {amount}"
        if summary.violations:
            yield f"answers that break the contract: {summary.violations.total()}, expected: none"

    def _amounts(self) -> Iterator[tuple[str, Amount]]:
        for each in fields(self):
            amount: Amount | None = getattr(self, each.name)
            if amount is not None:
                yield each.name, amount


# What is counted, by its name in an expectation and in the summary.
_MEANING: Final = {
    "given_up": "given up",
    "retried": "delivered after a retry",
    "nothing_sent": "calls of which nothing is sent",
}


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
    def size(self) -> str:
        """How many calls, and over which time."""
        over = self.profile.over
        if over is None:
            return f"{self.calls} calls, one about every {spans.text(self.profile.every)}"
        return f"{self.calls} calls {f'over {spans.text(over)}' if over else 'at once'}"

    @property
    def needs_next_key(self) -> bool:
        """Whether it takes a second key to sign with."""
        return any(change.next_key for change in self.changes)
