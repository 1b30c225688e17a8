"""A baseline file (TOML): deviations that a team knows and lives with, each with its reason.

```toml
[accepted.method-get]
reason = "A page for people is shown at the same URL"
until = 2026-12-31  # optional: the last day on which it is accepted
```
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sender_sim.checks.model import Check, Finding, Verdict
from sender_sim.reading import SettingsError, near_miss, toml

__all__ = ["Baseline", "read"]

_TABLE: Final = "accepted"
_KEYS: Final = ("reason", "until")


@dataclass(frozen=True, slots=True)
class _Entry:
    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is accepted, by the id of the check, and the day it is today."""

    entries: Mapping[str, _Entry] = field(default_factory=dict)
    today: date

    def apply(self, finding: Finding) -> Finding:
        """The finding, ACCEPTED instead of BROKEN if an entry that is not out of date says so."""
        entry = self.entries.get(finding.check.id)
        if finding.verdict is not Verdict.BROKEN or entry is None or self._out_of_date(entry):
            return finding
        return replace(finding, verdict=Verdict.ACCEPTED, reason=entry.reason)

    def notes(self, findings: Iterable[Finding]) -> Iterator[str]:
        """What is to be changed in the file after these findings: what no longer deviates, what is out of date."""
        for finding in findings:
            entry, name = self.entries.get(finding.check.id), finding.check.id
            if entry and finding.verdict is Verdict.KEPT:
                yield f"baseline: {name} is kept now; take it out"
            elif entry and finding.verdict is Verdict.BROKEN:
                yield f"baseline: {name} was accepted until {entry.until}; mend it, or decide anew"

    def _out_of_date(self, entry: _Entry) -> bool:
        return entry.until is not None and entry.until < self.today


def read(path: Path, checks: Sequence[Check], today: date) -> Baseline:
    """The baseline in a file. Raises SettingsError with every mistake."""
    content = toml(path)
    known = [check.id for check in checks]
    problems = [f"{path}: {name}: is not known; write [{_TABLE}.ID]" for name in content if name != _TABLE]
    entries = content.get(_TABLE, {})
    if not isinstance(entries, dict):
        entries, problems = {}, [*problems, f"{path}: {_TABLE}: is not a table; write [{_TABLE}.ID]"]
    for name, entry in entries.items():
        problems += [f"{path}: {_TABLE}.{name}{problem}" for problem in _mistakes(name, entry, known)]
    if problems:
        raise SettingsError(problems)
    return Baseline(entries={name: _Entry(**entry) for name, entry in entries.items()}, today=today)


def _mistakes(name: str, entry: Any, known: Sequence[str]) -> Iterator[str]:
    if name not in known:
        yield f": is no check; {near_miss(name, known)}"
    if not isinstance(entry, dict):
        yield ": is not a table; write `reason = ...` below its name in brackets"
        return
    reason, until = entry.get("reason"), entry.get("until")
    if not isinstance(reason, str) or not reason.strip():
        yield ".reason: is missing; say in a sentence why this is accepted"
    if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
        yield f".until: {until!r} is not a date; write 2026-12-31, without quotes"
    yield from (f".{key}: is not known; {near_miss(key, _KEYS)}" for key in entry if key not in _KEYS)
