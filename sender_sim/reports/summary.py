"""Counts what happened, and says whether the contract was kept."""

from collections import Counter
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import Any, Final

from sender_sim.core.events import (
    AppendSaved,
    AttemptEnded,
    CallBegan,
    ContractViolated,
    Delivered,
    Event,
    GivenUp,
    NothingSent,
)
from sender_sim.core.outcome import kind
from sender_sim.core.violations import kind_of

__all__ = ["Summary"]

# How many failures and violations are told apart: an endpoint may have other words for each.
_MOST: Final = 200


@dataclass(slots=True)
class Summary:
    """The figures of a run.

    `delivered_at` counts deliveries by the attempt that got the 200, `given_up_busy` those whose last answer was a 503.
    """

    seed: int | None = None
    calls: int = 0
    nothing_sent: int = 0
    attempts: int = 0
    delivered: int = 0
    given_up: int = 0
    given_up_busy: int = 0
    appends_saved: int = 0
    delivered_at: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    _status: int | None = field(default=None, repr=False)

    def listen(self, event: Event) -> None:  # noqa: C901 - a table of what each kind of event counts as
        """Count an event."""
        match event:
            case CallBegan():
                self.calls += 1
            case NothingSent():
                self.nothing_sent += 1
            case AttemptEnded():
                self.attempts += 1
                self._status = event.status
                if not event.success:
                    _count(self.failures, kind(event.outcome), "another failure")
            case Delivered():
                self.delivered += 1
                self.delivered_at[event.attempts] += 1
            case GivenUp():
                self.given_up += 1
                self.given_up_busy += self._status == HTTPStatus.SERVICE_UNAVAILABLE  # its last attempt has just ended
            case AppendSaved():
                self.appends_saved += 1
            case ContractViolated():
                _count(self.violations, f"{event.rule}: {event.what}", f"{event.rule}: {kind_of(event.what).name}")

    @property
    def retried(self) -> int:
        """How many were delivered, but not at their first attempt."""
        return self.delivered - self.delivered_at[1]

    @property
    def kept(self) -> bool:
        """Whether everything was delivered and no answer broke the contract."""
        return not self.given_up and not self.violations

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON-ready values."""
        figures = {each.name: getattr(self, each.name) for each in fields(self) if each.repr}
        plain = {name: dict(value) if isinstance(value, Counter) else value for name, value in figures.items()}
        return plain | {"kept": self.kept}

    def lines(self) -> list[str]:
        """The figures as text for people."""
        at = ", ".join(f"{count} at attempt {attempt}" for attempt, count in sorted(self.delivered_at.items()))
        seed = f" (--seed {self.seed} makes them again)" if self.seed is not None else ""
        silent = f"; with these settings nothing is sent of {self.nothing_sent} of them" if self.nothing_sent else ""
        lines = [
            f"calls: {self.calls}{seed}{silent}",
            f"attempts: {self.attempts}; delivered: {self.delivered} ({at or 'none'}); given up: {self.given_up}",
            f"appends saved: {self.appends_saved}; violations: {self.violations.total()}",
        ]
        lines += [f"  failed {count}x: {what}" for what, count in self.failures.most_common()]
        lines += [f"  violated {count}x: {what}" for what, count in self.violations.most_common()]
        return lines


def _count(counter: Counter[str], what: str, otherwise: str) -> None:
    counter[what if what in counter or len(counter) < _MOST else otherwise] += 1
