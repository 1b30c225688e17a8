"""`sender-sim check`: the contract, check by check, asked of any endpoint."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from sender_sim.checks import baseline, last_failed
from sender_sim.checks.baseline import Baseline
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import examine
from sender_sim.checks.model import Check, Examination, ExitCode, Finding
from sender_sim.checks.probe import Probe
from sender_sim.checks.selection import select
from sender_sim.commands.files import file_option, write
from sender_sim.options import Target, output_format, reproduce_option, target, target_options
from sender_sim.reading import SettingsError, collected
from sender_sim.reports import findings_har, findings_html, findings_json, findings_junit
from sender_sim.reports.finding_words import Reproduce
from sender_sim.reports.findings_text import FindingsText
from sender_sim.reports.reproduce import commands
from sender_sim.transports import HttpsTransport

__all__ = ["check"]

_INTERRUPTED: Final = 130  # as a shell says of Ctrl-C


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked of whom, and what of it is accepted otherwise."""

    sent_to: Target
    checks: Sequence[Check]
    baseline: Baseline


@click.command()
@target_options
@output_format
@reproduce_option
@click.option("--only", multiple=True, metavar="ID|GROUP", help="Run these checks, or groups of them, alone.")
@click.option("--skip", multiple=True, metavar="ID|GROUP", help="Run all but these.")
@click.option("--last-failed", "again", is_flag=True, help="Run what was broken the last time, at this URL.")
@click.option("--baseline", "accepted", type=click.Path(path_type=Path), help="Accept the deviations in this file.")
@file_option("--junit", "FILE.xml", "Write what was found for a CI to show, as JUnit's XML.")
@file_option("--html", "FILE.html", "Write what was found as one HTML page.")
@file_option("--har", "FILE.har", "Write every exchange as an HTTP Archive, which browsers open.")
@click.option("--list", "listed", is_flag=True, help="List the checks, and run none.")
def check(
    only: tuple[str, ...],
    skip: tuple[str, ...],
    accepted: Path | None,
    form: str,
    junit: Path | None,
    html: Path | None,
    har: Path | None,
    *,
    again: bool,
    listed: bool,
    reproduce: bool,
    **options: Any,
) -> None:
    """Check that an endpoint keeps to the contract, and say what to change where it does not.

    The endpoint gets over a hundred requests with made-up calls, some of them forged, malformed or cut off: let it be
    one for tests.

    Exit codes: 0 all musts are kept, 1 one is broken, 2 the command was misused, 3 the endpoint cannot be reached.
    """
    if listed:
        _list(select(CHECKS, only, skip))
        return
    plan = _plan(only, skip, accepted, options)
    if again:
        plan = _broken_before(plan)
    examination = _Run(plan, form, _Files(junit, html, har), reproduce=reproduce).finish()
    _remember(examination)
    sys.exit(examination.exit_code)


@dataclass(frozen=True, slots=True)
class _Files:
    """Where an examination is written down; None: nowhere."""

    junit: Path | None
    html: Path | None
    har: Path | None

    def write(self, examination: Examination, by_hand: Reproduce) -> None:
        """Write it down."""
        if self.junit:
            write(findings_junit.as_xml(examination, by_hand), self.junit)
        if self.html:
            write(findings_html.as_page(examination, by_hand), self.html)
        if self.har:
            write(json.dumps(findings_har.as_dict(examination), indent=1), self.har)


@dataclass(slots=True)
class _Run:
    """One examination, shown as it goes on."""

    plan: _Plan
    form: str
    files: _Files
    reproduce: bool = field(kw_only=True)
    findings: list[Finding] = field(default_factory=list)

    def finish(self) -> Examination:
        """Run the checks. After Ctrl-C what was found is shown, and the program ends."""
        at, started = _now(), time.perf_counter()
        by_hand = partial(commands, ca=self.plan.sent_to.ca, signing=self.plan.sent_to.signing)
        console = Console(quiet=self.form == "json", highlight=False)
        text = FindingsText(console, by_hand if self.reproduce else None)
        text.begin(self.plan.sent_to.integration)
        interrupted = False
        try:
            asyncio.run(self._examine(text))
        except KeyboardInterrupt:
            interrupted = True
        examination = Examination(
            integration=self.plan.sent_to.integration,
            at=at,
            findings=tuple(self.findings),
            notes=tuple(self.plan.baseline.notes(self.findings)),
            seconds=time.perf_counter() - started,
        )
        text.end(examination)
        if self.form == "json":
            click.echo(json.dumps(findings_json.as_dict(examination, by_hand)))
        self.files.write(examination, by_hand)
        if interrupted:
            sys.exit(_INTERRUPTED)
        return examination

    async def _examine(self, text: FindingsText) -> None:
        integration, tls = self.plan.sent_to.integration, self.plan.sent_to.tls
        async with HttpsTransport.open(tls) as transport:
            chance = random.Random()  # noqa: S311 - made-up calls are no secret
            probe = Probe(integration, transport, tls=tls, random=chance, now=_now)
            async for finding in examine(self.plan.checks, probe):
                self.findings.append(self.plan.baseline.apply(finding))
                text.show(self.findings[-1])


def _plan(only: tuple[str, ...], skip: tuple[str, ...], accepted: Path | None, options: dict[str, Any]) -> _Plan:
    """Raises SettingsError with every mistake of the options and of the files they name."""
    problems: list[str] = []
    today = _now().date()
    checks = collected(problems, lambda: select(CHECKS, only, skip))
    known = collected(problems, lambda: baseline.read(accepted, CHECKS, today) if accepted else Baseline(today=today))
    sent_to = collected(problems, lambda: target(**options))
    if checks is None or known is None or sent_to is None:
        raise SettingsError(problems)
    return _Plan(sent_to, checks, known)


def _list(checks: Sequence[Check]) -> None:
    for each in checks:
        click.echo(f"{each.id:<26} {each.group:<12} {each.severity:<7} {each.rule:<12} {each.expected}")


def _broken_before(plan: _Plan) -> _Plan:
    names = last_failed.recall(plan.sent_to.integration.url)
    broken = tuple(each for each in plan.checks if each.id in names)
    if not broken:
        click.echo("--last-failed: nothing is known to have been broken, so all checks are run", err=True)
    return _Plan(plan.sent_to, broken or plan.checks, plan.baseline)


def _remember(examination: Examination) -> None:
    try:
        last_failed.remember(examination.integration.url, examination.findings)
    except OSError as error:
        click.echo(f"{last_failed.FOLDER} cannot be written, so --last-failed will not know: {error}", err=True)
    if examination.exit_code is ExitCode.MISUSED:
        click.echo("nothing that was asked was run: see the reasons, or ask for more", err=True)


def _now() -> datetime:
    return datetime.now(UTC)
