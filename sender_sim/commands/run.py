"""`sender-sim run`: made-up calls happen and are delivered; with a journal, a run that was stopped goes on."""

import json
import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from sender_sim.commands.files import write
from sender_sim.commands.report import page_of, report_option, unexpected
from sender_sim.commands.scenarios import outcome, scenario_options, staged, verdict
from sender_sim.faults import Unmet
from sender_sim.journal import Journal, JournalError
from sender_sim.options import ClockType, active, output_format, target_options
from sender_sim.plan import Plan, started
from sender_sim.reports.page import Page
from sender_sim.reports.summary import Summary
from sender_sim.watch import Watched, hints, watch

__all__ = ["run"]

_LONGEST_BREATH: Final = 60
_INTERRUPTED: Final = 130  # as a shell says of Ctrl-C
# What may be another when a run goes on: how it is shown, and how hard it pushes.
_MAY_DIFFER: Final = frozenset(("breath", "concurrency", "form", "report", "show_timeline"))
_PATHS: Final = ("file", "ca", "next_sign", "report")


def _breath(ctx: click.Context, param: click.Parameter, seconds: float) -> float:
    if not 0 <= seconds <= _LONGEST_BREATH:  # not a number is neither
        raise click.BadParameter(f"{seconds:g} must be from 0 to {_LONGEST_BREATH}", ctx, param)
    return seconds


@click.command()
@target_options
@output_format
@scenario_options
@click.option("--calls", type=click.IntRange(1), help="How many calls happen. Default: as in the scenario, or 20.")
@click.option("--clock", default="virtual", show_default=True, type=ClockType(), help="xN: N times real time.")
@click.option("--seed", type=int, help="Make the same calls again. Default: new ones, their seed is printed.")
@click.option("--pre-call/--no-pre-call", default=None, help="Send pre-calls too (C5).")
@click.option("--after-outbound/--no-outbound", default=None, help="Send outbound calls too (C6).")
@click.option("--retry/--no-retry", default=None, help="Retry what fails (C8). Default: retry.")
@click.option(
    "--concurrency", default=20, show_default=True, type=click.IntRange(1), help="Attempts in flight at once."
)
@click.option(
    "--breath",
    default=0.0,
    metavar="SECONDS",
    callback=_breath,
    help="On the virtual clock: real time before the retry after a 503 or a timeout. Default: none.",
)
@click.option("--timeline", "show_timeline", is_flag=True, help="Print every event, not the summary alone.")
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the run in this file; it can go on.",
)
@report_option
@click.option("--resume", is_flag=True, help="Go on with the run in --journal, which was stopped.")
@click.pass_context
def run(ctx: click.Context, /, journal: Path | None, *, resume: bool, **options: Any) -> None:
    """Let made-up calls happen and deliver them, with every rule of the contract, and with what may go wrong.

    With --scenario, exit code 0 says that all ended as the scenario expects.
    """
    if resume and not journal:
        raise click.UsageError("--resume goes on with the run in a journal: name it with --journal FILE")
    try:
        if resume and journal:
            _resume(ctx, journal, options)
        else:
            _begin(journal, options)
    except JournalError as error:
        raise click.UsageError(str(error)) from None


def _begin(file: Path | None, options: dict[str, Any]) -> None:
    if options["seed"] is None:
        options["seed"] = random.randrange(1_000_000)  # noqa: S311 - made-up calls are no secret
    begun = started(options["clock"])
    plan, page = _plan(begun, **options)
    with Journal.begun(file, _written(begun, options)) if file else nullcontext() as journal:
        _play(plan, _watched(plan, page, journal), options)


def _resume(ctx: click.Context, file: Path, options: dict[str, Any]) -> None:
    given = {name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if others := [each.opts[0] for each in ctx.command.params if each.name in given - _MAY_DIFFER]:
        raise click.UsageError(f"the run in {file} goes on as it was begun; leave out {', '.join(others)}")
    with Journal.found(file) as journal:
        if "options" not in journal.plan:
            raise JournalError(f"{file} holds no run but a console's state: sender-sim console --state {file}")
        begun, as_begun = _read(journal.plan)
        options = as_begun | {name: options[name] for name in given}
        plan, page = _plan(begun, **options)
        watched = _watched(plan, page, journal)
        for event in journal.events():
            watched.recall(event)
        _play(plan, watched, options)


def _written(begun: datetime, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a journal is told of a run; paths stay as they were given."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    return {"begun": begun.isoformat(), "options": plain}


def _read(told: Mapping[str, Any]) -> tuple[datetime, dict[str, Any]]:
    options = dict(told["options"])
    paths = {name: Path(options[name]) for name in _PATHS if options[name] is not None}
    return datetime.fromisoformat(told["begun"]), options | paths


def _plan(
    begun: datetime,
    *,
    scenario: str | None,
    fault_texts: Sequence[str],
    next_sign: Path | None,
    calls: int | None,
    clock: float | None,
    seed: int,
    concurrency: int,
    breath: float,
    form: str,  # noqa: ARG001 - how it is shown is no part of the plan
    show_timeline: bool,  # noqa: ARG001 - as above
    report: Path | None,
    **options: Any,
) -> tuple[Plan, Page | None]:
    """What these options ask for, and the page that is to tell of it."""
    if breath and clock is not None:
        raise click.UsageError("--breath is for the virtual clock; on any other, real time passes by itself")
    sent_to, told = staged(scenario, tuple(fault_texts), next_sign, calls, **options)
    active(sent_to)
    plan = Plan(
        situation=told,
        tls=sent_to.tls,
        begun=begun,
        seed=seed,
        speed=clock,
        concurrency=concurrency,
        breath=breath,
    )
    return plan, page_of(plan, sent_to) if report else None


def _watched(plan: Plan, page: Page | None, journal: Journal | None) -> Watched:
    unmet = Unmet(plan.situation.faults, plan.begun)
    return Watched(Summary(seed=plan.seed), page=page, journal=journal, unmet=unmet)


def _play(plan: Plan, watched: Watched, options: Mapping[str, Any]) -> None:
    """Run the plan, show it, and end with the exit code that it comes to."""
    interrupted = False
    try:
        watch(plan, watched, options["form"], show_timeline=options["show_timeline"])
    except KeyboardInterrupt:
        interrupted = True
    summary = watched.summary
    _show_summary(plan, watched, options["form"])
    if watched.page:
        missed = unexpected(plan.situation, summary)
        write(watched.page.page(summary, unexpected=missed, stopped=interrupted), options["report"])
    if interrupted:
        sys.exit(_INTERRUPTED)
    if not summary.attempts:
        click.echo("nothing was sent, so nothing was tested: more --calls, or --after-outbound", err=True)
        sys.exit(2)
    sys.exit(1 if any(plan.situation.expect.unmet(summary)) else 0)


def _show_summary(plan: Plan, watched: Watched, form: str) -> None:
    summary = watched.summary
    if form == "json":
        click.echo(json.dumps({"event": "Summary"} | summary.as_dict() | outcome(plan.situation, summary)))
        return
    click.echo("\n".join([*summary.lines(), *verdict(plan.situation, summary), *hints(plan, watched)]))
