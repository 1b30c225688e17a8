"""What happens in a run, by a scenario or without: calls, settings in force, faults, and how it should end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sender_sim.core.faults import Rule, Tampered
from sender_sim.core.integration import Integration
from sender_sim.core.synthetic import EVERYDAY, Profile
from sender_sim.faults import can_be_tampered
from sender_sim.reading import SettingsError
from sender_sim.scenarios.model import Expectation, Scenario
from sender_sim.scenarios.phases import Phase, phases

__all__ = ["Situation", "situation"]

_CALLS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`phases` are in order, the first of them at the start; of `faults` the first that strikes counts."""

    scenario: str | None
    calls: int
    profile: Profile
    phases: tuple[Phase, ...]
    faults: tuple[Rule, ...]
    expect: Expectation


def situation(
    integration: Integration,
    values: Mapping[str, Any],
    scenario: Scenario | None,
    *,
    calls: int | None,
    faults: Sequence[Rule],
    next_key: Path | None,
    allow_http: bool,
) -> Situation:
    """The situation of a scenario, or of everyday calls under one integration.

    `values` are those of the integration, named as in a settings file; `calls` and `faults` stand over the scenario's.
    Raises SettingsError.
    """
    if scenario is None:
        if next_key:
            raise SettingsError(["--next-sign: is for a scenario that changes the key: --scenario key-rotation"])
        told = Situation(
            scenario=None,
            calls=calls or _CALLS,
            profile=EVERYDAY,
            phases=(Phase(timedelta(0), integration),),
            faults=tuple(faults),
            expect=Expectation(),
        )
    else:
        told = Situation(
            scenario=scenario.name,
            calls=calls or scenario.calls,
            profile=scenario.profile,
            phases=phases(scenario, values, next_key=next_key, allow_http=allow_http),
            faults=(*faults, *scenario.faults),
            expect=scenario.expect,
        )
    if problems := list(_impossible(told)):
        raise SettingsError(problems)
    return told


def _impossible(told: Situation) -> Iterator[str]:
    tampers = any(isinstance(rule.fault, Tampered) for rule in told.faults)
    if tampers and not all(can_be_tampered(phase.integration.macro) for phase in told.phases):
        yield "tampered: changes a digit of the duration, but the macro does not send one as duration={duration}"
