"""A baseline file (TOML): deviations that a team knows and lives with, each with its reason.

```toml
[accepted.method-get]
reason = "A page for people is shown at the same URL"
until = 2026-12-31  # optional: the last day on which it is accepted
```
"""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sender_sim.checks.model import Finding, Verdict
from sender_sim.checks.selection import near

__all__ = ["Baseline", "BaselineError", "read"]

_ACCEPTED: Final = "accepted"
_KEYS: Final = ("reason", "until")


class BaselineError(ValueError):
    """A file that cannot be used; the message holds every mistake in it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is accepted, by the id of the check, and the day it is today."""

    entries: Mapping[str, _Entry]
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


def read(path: Path, known: Collection[str], today: date) -> Baseline:
    """The baseline in a file; `known` are the ids of checks. Raises BaselineError with every mistake."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path} is not TOML: {error}") from None
    problems = [f"{path}: {name} is not known; write [{_ACCEPTED}.ID]" for name in content if name != _ACCEPTED]
    entries = content.get(_ACCEPTED, {})
    if not isinstance(entries, dict):
        entries, problems = {}, [*problems, f"{path}: {_ACCEPTED} is not a table; write [{_ACCEPTED}.ID]"]
    for name, entry in entries.items():
        problems += [f"{path}: {problem}" for problem in _mistakes(name, entry, known)]
    if problems:
        raise BaselineError("\n".join(problems))
    return Baseline({name: _Entry(entry["reason"], entry.get("until")) for name, entry in entries.items()}, today)


def _mistakes(name: str, entry: Any, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield near(name, known)
    if not isinstance(entry, dict):
        yield f"{_ACCEPTED}.{name} is not a table; write [{_ACCEPTED}.{name}] and `reason = ...` below it"
        return
    reason, until = entry.get("reason"), entry.get("until")
    if not isinstance(reason, str) or not reason.strip():
        yield f"{_ACCEPTED}.{name}.reason is missing: say in a sentence why this is accepted"
    if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
        yield f"{_ACCEPTED}.{name}.until is {until!r}, not a date; write until = 2026-12-31, without quotes"
    yield from (f"{_ACCEPTED}.{name}.{key} is not known: {', '.join(_KEYS)} are" for key in entry if key not in _KEYS)
