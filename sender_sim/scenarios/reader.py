"""A scenario's file (TOML) -> a Scenario, with every mistake in it at once."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from marshmallow import Schema

from sender_sim import faults, settings
from sender_sim.core import lifecycle
from sender_sim.core.faults import Rule
from sender_sim.core.lifecycle import OutOfOrder, Stage, Step
from sender_sim.core.synthetic import EVERYDAY, Profile
from sender_sim.reading import SettingsError, typed
from sender_sim.scenarios.format import CALLS, CHANGE, EXPECT, FILE, SETTINGS
from sender_sim.scenarios.model import Change, Expectation, Scenario

__all__ = ["read"]

# What belongs to whoever runs a scenario, and what its stages decide.
_NOT_HERE: Final = {
    "url": "is not for a scenario, which is for any endpoint; give the URL to `sender-sim run`",
    "signature": "is not for a scenario; give the key to `sender-sim run --sign`",
    "active": "is not for a scenario; say how far the integration is: stage, and step in [[changes]]",
}


def read(written: str, name: str) -> Scenario:
    """The scenario that is written. Raises SettingsError with every mistake, each with its place."""
    try:
        raw = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{name} is not TOML: {error}"]) from None
    problems: list[str] = []
    values = typed(FILE, raw, "", problems)
    problems += [f"{key}: is not set; say it in a line" for key in ("title", "shows") if key not in raw]
    count, profile = _calls(values["calls"], problems)
    _typed_settings(SETTINGS, values["settings"], "settings.", problems)
    stage = Stage(values["stage"])
    scenario = Scenario(
        name=name,
        text=written,
        title=values["title"] or "",
        shows=" ".join((values["shows"] or "").split()),
        calls=count,
        profile=profile,
        stage=stage,
        settings=values["settings"],
        changes=tuple(_changes(values["changes"], stage, problems)),
        faults=tuple(_faults(values["faults"], problems)),
        expect=Expectation(**typed(EXPECT, values["expect"], "expect.", problems)),
    )
    if problems:
        raise SettingsError(f"{name}: {problem}" for problem in problems)
    return scenario


def _calls(table: Mapping[str, Any], problems: list[str]) -> tuple[int, Profile]:
    """How many calls, and what they are like."""
    values = typed(CALLS, table, "calls.", problems)
    count, style, recording = values.pop("count"), values.pop("text"), values.pop("recording")
    if recording is None:
        if "recorded" in table:
            problems.append('calls.recorded: is one too many beside recording = "never"')
        values["recorded"] = 0.0
    if "over" in table and "every" in table:
        problems.append("calls.every: is one too many beside calls.over; they say the same in two ways")
    if not values["every"]:
        problems.append('calls.every: is no time between calls; for all of them at once write over = "0s"')
    return count, Profile(**values, recording=recording or EVERYDAY.recording, hostile=style == "hostile")


def _changes(tables: list[Mapping[str, Any]], stage: Stage, problems: list[str]) -> Iterator[Change]:
    """The changes, with the stage that the integration is in after each."""
    last = timedelta(0)
    for count, table in enumerate(tables, 1):
        prefix = f"changes[{count}]."
        values = _typed_settings(CHANGE, table, prefix, problems)
        if "at" not in table:
            problems.append(f'{prefix}at: is not set; it is when, since the start, for example "12h"')
        at = values["at"] or timedelta(0)
        if values["at"] is not None and at < last:
            problems.append(f"{prefix}at: {table['at']!r} is before the change above it; write them in order")
        last = max(last, at)
        if values["step"]:
            stage = _after(stage, Step(values["step"]), prefix, problems)
        changed = {name: value for name, value in table.items() if name in settings.SWITCHES}
        yield Change(at=at, stage=stage, next_key=values["next_key"], settings=changed)


def _after(stage: Stage, step: Step, prefix: str, problems: list[str]) -> Stage:
    try:
        return lifecycle.after(stage, step)
    except OutOfOrder as error:
        problems.append(f"{prefix}step: {error}")
        return stage


def _faults(tables: list[Mapping[str, Any]], problems: list[str]) -> Iterator[Rule]:
    for count, table in enumerate(tables, 1):
        if rule := faults.from_table(table, f"faults[{count}].", problems):
            yield rule


def _typed_settings(schema: Schema, table: Mapping[str, Any], prefix: str, problems: list[str]) -> dict[str, Any]:
    """As `typed`; settings that no scenario has are told with where they belong."""
    problems += [f"{prefix}{name}: {why}" for name, why in _NOT_HERE.items() if name in table]
    return typed(schema, {name: value for name, value in table.items() if name not in _NOT_HERE}, prefix, problems)
