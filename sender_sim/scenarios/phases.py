"""A scenario's settings laid over those of an integration: what is in force from when on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sender_sim import settings
from sender_sim.core.integration import Integration
from sender_sim.core.lifecycle import Stage
from sender_sim.reading import SettingsError
from sender_sim.scenarios.model import Change, Scenario

__all__ = ["Phase", "phases"]


@dataclass(frozen=True, slots=True)
class Phase:
    """Settings that are in force from `at` on, since the start."""

    at: timedelta
    integration: Integration


def phases(
    scenario: Scenario, values: Mapping[str, Any], *, next_key: Path | None, allow_http: bool
) -> tuple[Phase, ...]:
    """The settings at the start and after each change that makes a difference. `values` are the integration's, named as
    in a settings file.

    Raises SettingsError: what a change makes of them, or the lack of a second key to sign with.
    """
    problems = list(_lacking(scenario, values, next_key))
    laid, found = dict(values), list[Phase]()
    start = Change(at=timedelta(0), stage=scenario.stage, next_key=False, settings={})
    for count, change in enumerate((start, *scenario.changes)):
        laid |= {**change.settings, "active": change.stage is Stage.ACTIVE}
        if change.next_key and next_key:
            laid["signature"] = {**laid.get("signature", {}), "key": str(next_key)}
        try:
            phase = Phase(change.at, settings.load(laid, allow_http=allow_http))
        except SettingsError as error:
            place = f"{scenario.name}: changes[{count}]." if count else ""
            problems += [f"{place}{problem}" for problem in error.problems]
            break  # those after it would only repeat it
        if not found or found[-1].integration.changed(phase.integration):
            found.append(phase)
    if problems:
        raise SettingsError(problems)
    return tuple(found)


def _lacking(scenario: Scenario, values: Mapping[str, Any], next_key: Path | None) -> Iterator[str]:
    if next_key and not scenario.needs_next_key:
        yield f"--next-sign: {scenario.name} never changes the key; leave it out, or --scenario key-rotation"
    if scenario.needs_next_key and not next_key:
        minted = "`sender-sim certs FOLDER` mints one, and the endpoint has to trust both"
        yield f"{scenario.name} goes on to a second key to sign with; name it with --next-sign KEY ({minted})"
    if scenario.needs_next_key and "signature" not in values:
        yield f"{scenario.name} changes the key that signs; name the first one with --sign KEY"
