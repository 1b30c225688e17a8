"""What a check is, and what it finds: data only, which reports show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from sender_sim.core.exchange import Exchange
from sender_sim.core.integration import Integration

if TYPE_CHECKING:
    from sender_sim.checks.probe import Probe

__all__ = ["Broken", "Check", "Examination", "ExitCode", "Finding", "NotRun", "Severity", "Verdict"]


class Severity(StrEnum):
    """What it means that a check is broken.

    MUST stands on what Kaisa publishes: deliveries are lost, or forged ones believed. SHOULD is merely wise, or decided
    by this project.
    """

    MUST = "must"
    SHOULD = "should"


class Verdict(StrEnum):
    """What came of a check. One that does not apply is never said to be kept.

    ACCEPTED is broken, and listed in the baseline as a deviation that is lived with.
    """

    KEPT = "kept"
    BROKEN = "broken"
    ACCEPTED = "accepted"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation of the contract.

    `id` is stable: programs and baselines name it. `rule` is the contract's, with its origin: `R2 S`. `expected` says
    what is right; `cause` and `change` what is likely wrong and what to do where it is not so.

    One that `needs_key` is not run without a signing key. A `foundation` asks whether a delivery gets through at all;
    where none does, checks that are no foundation show nothing and are not run.
    """

    id: str
    group: str
    rule: str
    severity: Severity
    expected: str
    cause: str
    change: str
    needs_key: bool = False
    foundation: bool = False
    run: Callable[["Probe"], Awaitable[None]] = field(repr=False, compare=False)


class Broken(Exception):
    """Raised by a check: what happened instead, and the exchanges that show it; none: all that the check had.

    `cause` and `change` stand in for the check's own where more is known.
    """

    def __init__(
        self, happened: str, *exchanges: Exchange, cause: str | None = None, change: str | None = None
    ) -> None:
        super().__init__(happened)
        self.happened = happened
        self.exchanges = exchanges
        self.cause = cause
        self.change = change


class NotRun(Exception):
    """Raised by a check that does not apply, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one check. `cause` and `change` are empty unless it is broken, `reason` unless it is accepted.

    `exchanges` are those that show it, in order; a check that was kept has all of its own. `made` are all that it has
    made. `seconds` is real time and says nothing of equality.
    """

    check: Check
    verdict: Verdict
    happened: str
    cause: str = ""
    change: str = ""
    reason: str = ""
    exchanges: tuple[Exchange, ...] = ()
    made: tuple[Exchange, ...] = ()
    seconds: float = field(default=0.0, compare=False)


class ExitCode(IntEnum):
    """What a program that runs checks ends with."""

    KEPT = 0
    BROKEN = 1
    MISUSED = 2
    UNREACHABLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """A whole examination: what was examined, when it began, what was found, and what else is to be said.

    `integration` is what the endpoint was taken to be set up for; `seconds` is real time.
    """

    integration: Integration
    at: datetime
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def having(self, verdict: Verdict, severity: Severity | None = None) -> tuple[Finding, ...]:
        """The findings with a verdict, of a severity or of any."""
        return tuple(
            each for each in self.findings if each.verdict is verdict and severity in (None, each.check.severity)
        )

    @property
    def exit_code(self) -> ExitCode:
        """MISUSED where nothing is known, least of all that all is well."""
        broken = self.having(Verdict.BROKEN, Severity.MUST)
        if any(finding.check.id == "reachable" for finding in broken):
            return ExitCode.UNREACHABLE
        if broken:
            return ExitCode.BROKEN
        return ExitCode.KEPT if self._anything_known() else ExitCode.MISUSED

    def _anything_known(self) -> bool:
        """Whether anything that was asked for was run; foundations alone say nothing of what stands on them."""
        telling = [each for each in self.findings if not each.check.foundation] or self.findings
        return any(each.verdict is not Verdict.NOT_RUN for each in telling)
