"""`sender-sim scenarios`: which there are, and what one says; and the options with which `run` plays one."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from sender_sim import faults
from sender_sim.options import Target, target
from sender_sim.reading import SettingsError, collected
from sender_sim.reports.summary import Summary
from sender_sim.scenarios import Situation, found, shipped, situation

__all__ = ["outcome", "scenario_options", "scenarios", "staged", "verdict"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--scenario", metavar="NAME|FILE.toml", help="Play this; `sender-sim scenarios` lists them."),
    click.option(
        "--fault",
        "fault_texts",
        multiple=True,
        metavar="FAULT[:OPTION=VALUE,...]",
        help="What goes wrong, such as answer-lost:probability=0.2 or refused:from=1h,to=2d. Repeatable.",
    ),
    click.option("--next-sign", type=click.Path(path_type=Path), help="The key a scenario goes on to, PEM."),
)


@click.command()
@click.argument("name", required=False)
def scenarios(name: str | None) -> None:
    """List the scenarios; with a NAME, print its file, to copy and change.

    `sender-sim run URL --scenario NAME` plays one, `--scenario FILE.toml` one of your own.
    """
    if name is not None:
        click.echo(found(name).text, nl=False)
        return
    for each in shipped():
        click.secho(each.name, bold=True, nl=False)
        click.echo(f": {each.title}")
        click.echo(f"  {each.size}; expected: {each.expect}")
        click.echo(textwrap.fill(each.shows, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))
        click.echo()


def scenario_options(command: F) -> F:
    """Add what `staged` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def staged(
    scenario: str | None,
    fault_texts: tuple[str, ...],
    next_sign: Path | None,
    calls: int | None,
    **options: Any,
) -> tuple[Target, Situation]:
    """Where a run with these options sends, and what happens in it. Raises SettingsError with every mistake."""
    problems: list[str] = []
    played = collected(problems, lambda: found(scenario)) if scenario else None
    rules = collected(problems, lambda: faults.from_flags(fault_texts)) or []
    sent_to = collected(problems, lambda: target(scenario=played.settings if played else {}, **options))
    if sent_to is None or problems:
        raise SettingsError(problems)
    return sent_to, situation(
        sent_to.integration,
        sent_to.values,
        played,
        calls=calls,
        faults=rules,
        next_key=next_sign,
        allow_http=sent_to.allow_http,
    )


def outcome(told: Situation, summary: Summary) -> dict[str, Any]:
    """Which scenario it was and what did not end as it should, JSON-ready; nothing without a scenario."""
    if told.scenario is None:
        return {}
    return {"scenario": told.scenario, "unexpected": list(told.expect.unmet(summary))}


def verdict(told: Situation, summary: Summary) -> list[str]:
    """The same as text for people."""
    if told.scenario is None:
        return []
    unexpected = [f"  {each}" for each in told.expect.unmet(summary)]
    return [f"scenario {told.scenario}: {'did not end' if unexpected else 'ended'} as it should", *unexpected]
