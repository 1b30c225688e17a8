"""Which faults no attempt of a run could meet: such a run shows nothing of them, however well it ends."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sender_sim.core import spans
from sender_sim.core.events import AttemptStarted, Event
from sender_sim.core.faults import Rule
from sender_sim.faults.rules import name_of

__all__ = ["Unmet"]


class Unmet:
    """Hears of a run that begins at `start`, and says which of its rules cover none of its attempts."""

    def __init__(self, rules: Sequence[Rule], start: datetime) -> None:
        self._left = list(rules)
        self._start = start
        self._last = timedelta(0)

    def listen(self, event: Event) -> None:
        """Take note of an attempt."""
        if isinstance(event, AttemptStarted):
            self._last = event.at - self._start
            self._left = [rule for rule in self._left if not rule.covers(event.delivery, event.attempt, self._last)]

    def lines(self) -> Iterator[str]:
        """One sentence for each rule that is left, for people."""
        for rule in self._left:
            yield f"no attempt met the fault {name_of(rule.fault)}, so nothing of it was tested: {self._why(rule)}"

    def _why(self, rule: Rule) -> str:
        if rule.begin > self._last:
            return (
                f"it begins {spans.text(rule.begin)} after the start, and the last attempt was after "
                f"{spans.text(self._last)}; let it begin earlier, or let more --calls happen"
            )
        return "none has the number, the event and the time that it asks for"
