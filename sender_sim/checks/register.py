"""A group of checks, and the decorator that makes a function one of them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sender_sim.checks.model import Check, Severity

if TYPE_CHECKING:
    from sender_sim.checks.probe import Probe

__all__ = ["Group"]

Run = Callable[["Probe"], Awaitable[None]]


class Group:
    """Checks of one kind, in the order they are written. `name` is stable: `--only` takes it."""

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        self.title = title
        self.checks: list[Check] = []

    def must(self, check_id: str, **facts: Any) -> Callable[[Run], Check]:
        """A check that, broken, means that deliveries are lost or forged; `facts` are those of Check."""
        return self._add(check_id, Severity.MUST, facts)

    def should(self, check_id: str, **facts: Any) -> Callable[[Run], Check]:
        """A check that, broken, is unwise or breaks a decision of this project."""
        return self._add(check_id, Severity.SHOULD, facts)

    def _add(self, check_id: str, severity: Severity, facts: dict[str, Any]) -> Callable[[Run], Check]:
        def register(run: Run) -> Check:
            check = Check(id=check_id, group=self.name, severity=severity, run=run, **facts)
            self.checks.append(check)
            return check

        return register
