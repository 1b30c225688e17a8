"""What a check is, and what it finds: data only, which reports show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sender_sim.core.exchange import Exchange

if TYPE_CHECKING:
    from sender_sim.checks.probe import Probe

__all__ = ["Broken", "Check", "Finding", "NotRun", "Severity", "Verdict"]


class Severity(StrEnum):
    """What it means that a check is broken: deliveries are lost or forged, or it is merely unwise."""

    MUST = "must"
    SHOULD = "should"


class Verdict(StrEnum):
    """What came of a check. One that does not apply is never said to be kept."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation of the contract.

    `id` is stable: programs and baselines name it. `rule` is the contract's, with its origin: `R2 S`. `expected` says
    what is right; `cause` and `change` what is likely wrong and what to do where it is not so.

    One that `needs_key` is not run without a signing key; one that `needs_delivery` shows nothing where not even a
    plain delivery is accepted, and is not run there.
    """

    id: str
    group: str
    rule: str
    severity: Severity
    expected: str
    cause: str
    change: str
    needs_key: bool = False
    needs_delivery: bool = True
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
    """What came of one check. `cause` and `change` are empty unless it is broken.

    `exchanges` are those that show it, in order; a check that was kept has all of its own. `seconds` is real time and
    says nothing of equality.
    """

    check: Check
    verdict: Verdict
    happened: str
    cause: str = ""
    change: str = ""
    exchanges: tuple[Exchange, ...] = ()
    seconds: float = field(default=0.0, compare=False)
