"""`sender-sim run --report FILE.html`: the option, the page for a run, and how it comes into the file."""

import os
from functools import partial
from pathlib import Path

import click

from sender_sim.options import Target
from sender_sim.reports.page import Page, fault_words, settings_facts
from sender_sim.reports.reproduce import commands
from sender_sim.reports.summary import Summary
from sender_sim.scenarios import Situation
from sender_sim.watch import Plan

__all__ = ["page_of", "report_option", "unexpected", "write"]


def _in_a_folder(ctx: click.Context, param: click.Parameter, file: Path | None) -> Path | None:
    """The file, if it can be written when the run is over: that is too late to say that it cannot."""
    if file and not file.parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(file.parent)!r}", ctx, param)
    if file and not os.access(file.parent, os.W_OK):
        raise click.BadParameter(f"nothing can be written to {str(file.parent)!r}", ctx, param)
    return file


report_option = click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE.html",
    callback=_in_a_folder,
    help="Write the run down as one HTML page.",
)


def page_of(plan: Plan, sent_to: Target) -> Page:
    """The page for a run of this plan."""
    told = plan.situation
    clock = "virtual" if plan.speed is None else "real" if plan.speed == 1 else f"x{plan.speed:g}"
    facts = [*settings_facts(told.phases[0].integration), ("clock", clock), ("seed", str(plan.seed))]
    facts += [("scenario", told.scenario)] if told.scenario else []
    facts += [("what goes wrong", "; ".join(map(fault_words, told.faults)))] if told.faults else []
    signers = {phase.integration.signer for phase in told.phases}
    signing = sent_to.signing if len(signers) == 1 else None  # which of several keys signed, no request says
    return Page(facts, partial(commands, ca=sent_to.ca, signing=signing))


def unexpected(told: Situation, summary: Summary) -> list[str] | None:
    """What did not end as its scenario says; None: there is no scenario."""
    return list(told.expect.unmet(summary)) if told.scenario else None


def write(text: str, file: Path) -> None:
    """Write the page. Raises UsageError."""
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from None
