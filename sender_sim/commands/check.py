"""`sender-sim check`: the contract, check by check, asked of any endpoint."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from sender_sim.checks import baseline, last_failed
from sender_sim.checks.baseline import Baseline, BaselineError
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import examine
from sender_sim.checks.model import Check, Examination, ExitCode, Finding
from sender_sim.checks.probe import Probe
from sender_sim.checks.selection import UnknownNames, select
from sender_sim.options import Target, output_format, target, target_options
from sender_sim.reports import findings_json
from sender_sim.reports.findings_text import FindingsText
from sender_sim.transports import HttpsTransport

__all__ = ["check"]

_INTERRUPTED: Final = 130  # as a shell says of Ctrl-C


@click.command()
@target_options
@output_format
@click.option("--only", multiple=True, metavar="ID|GROUP", help="Run these checks, or groups of them, alone.")
@click.option("--skip", multiple=True, metavar="ID|GROUP", help="Run all but these.")
@click.option("--last-failed", "again", is_flag=True, help="Run what was broken the last time, at this URL.")
@click.option("--baseline", "accepted", type=click.Path(path_type=Path), help="Accept the deviations in this file.")
@click.option("--list", "listed", is_flag=True, help="List the checks, and run none.")
def check(
    only: tuple[str, ...],
    skip: tuple[str, ...],
    accepted: Path | None,
    form: str,
    *,
    again: bool,
    listed: bool,
    **options: Any,
) -> None:
    """Check that an endpoint keeps to the contract, and say what to change where it does not.

    The endpoint gets some 150 requests, among them forged, malformed and broken ones: have it forget these calls.

    Exit codes: 0 all musts are kept, 1 one is broken, 2 the command was misused, 3 the endpoint cannot be reached.
    """
    try:
        checks: Sequence[Check] = select(CHECKS, only, skip)
        known = baseline.read(accepted, [each.id for each in CHECKS], _now().date()) if accepted else None
    except (UnknownNames, BaselineError) as error:
        raise click.UsageError(str(error)) from None
    if listed:
        _list(checks)
        return
    sent_to = target(**options)
    if again:
        checks = _broken_before(checks, sent_to.integration.url)
    examination = _Run(sent_to, checks, known, form).finish()
    _remember(examination)
    sys.exit(examination.exit_code)


@dataclass(slots=True)
class _Run:
    """One examination, shown as it goes on."""

    sent_to: Target
    checks: Sequence[Check]
    baseline: Baseline | None
    form: str

    def finish(self) -> Examination:
        """Run the checks; what was found until Ctrl-C is shown too."""
        at, started, findings = _now(), time.perf_counter(), list[Finding]()
        text = FindingsText(Console(quiet=self.form == "json", highlight=False))
        text.begin(self.sent_to.integration)
        interrupted = False
        try:
            asyncio.run(self._examine(findings, text))
        except KeyboardInterrupt:
            interrupted = True
        examination = Examination(
            integration=self.sent_to.integration,
            at=at,
            findings=tuple(findings),
            notes=tuple(self.baseline.notes(findings)) if self.baseline else (),
            seconds=time.perf_counter() - started,
        )
        text.end(examination)
        if self.form == "json":
            click.echo(json.dumps(findings_json.as_dict(examination)))
        if interrupted:
            sys.exit(_INTERRUPTED)
        return examination

    async def _examine(self, findings: list[Finding], text: FindingsText) -> None:
        integration, tls = self.sent_to.integration, self.sent_to.tls
        async with HttpsTransport.open(tls) as transport:
            chance = random.Random()  # noqa: S311 - made-up calls are no secret
            probe = Probe(integration, transport, tls=tls, random=chance, now=_now)
            async for finding in examine(self.checks, probe):
                judged = self.baseline.apply(finding) if self.baseline else finding
                findings.append(judged)
                text.show(judged)


def _list(checks: Sequence[Check]) -> None:
    for each in checks:
        click.echo(f"{each.id:<26} {each.group:<12} {each.severity:<7} {each.rule:<12} {each.expected}")


def _broken_before(checks: Sequence[Check], url: str) -> Sequence[Check]:
    names = last_failed.recall(url)
    broken = tuple(each for each in checks if each.id in names)
    if not broken:
        click.echo("nothing is known to have been broken the last time: all checks are run", err=True)
    return broken or checks


def _remember(examination: Examination) -> None:
    try:
        last_failed.remember(examination.integration.url, examination.findings)
    except OSError as error:
        click.echo(f"{last_failed.FOLDER} cannot be written, so --last-failed will not know: {error}", err=True)
    if examination.exit_code is ExitCode.MISUSED:
        click.echo("no check was run: see the reasons, or ask for more of them", err=True)


def _now() -> datetime:
    return datetime.now(UTC)
