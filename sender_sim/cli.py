"""The `sender-sim` command. Exit codes: 0 the contract was kept, 1 it was broken, 2 the command was misused."""

import asyncio
import json
import random
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from receiver import wire
from receiver.wire import EventType
from sender_sim import certs, demo
from sender_sim.certs import KeysExistError
from sender_sim.commands.check import check
from sender_sim.commands.files import write
from sender_sim.commands.macro import macro
from sender_sim.commands.report import page_of, report_option, unexpected
from sender_sim.commands.scenarios import outcome, scenario_options, scenarios, staged, verdict
from sender_sim.core import synthetic
from sender_sim.core.call import Kind
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.once import post_once
from sender_sim.options import Target, active, output_format, reproduce_option, target, target_options
from sender_sim.reading import near_miss
from sender_sim.reports.reproduce import commands
from sender_sim.reports.summary import Summary
from sender_sim.settings import SettingsError
from sender_sim.watch import ClockType, Plan, hint, watch

__all__ = ["main"]

_LONGEST_BREATH = 60
_INTERRUPTED = 130  # as a shell says of Ctrl-C
_EVENTS = {event_type.label: event_type for event_type in EventType}


class _Group(click.Group):
    """Settings that cannot be used end in words and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            sys.exit(2)


def _breath(ctx: click.Context, param: click.Parameter, seconds: float) -> float:
    if not 0 <= seconds <= _LONGEST_BREATH:  # not a number is neither
        raise click.BadParameter(f"{seconds:g} must be from 0 to {_LONGEST_BREATH}", ctx, param)
    return seconds


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kaisa-webhook-kit")
def main() -> None:
    """Send what Kaisa sends, to any endpoint.

    Exit codes: 0 the contract was kept, 1 it was broken, 2 the command was misused, 130 Ctrl-C.
    """


@main.command("test-request")
@target_options
@output_format
@reproduce_option
def test_request(form: str, *, reproduce: bool, **options: Any) -> None:
    """Send one request with sample data, as the button in Kaisa's Setup does (C10)."""
    sent_to = target(**options)
    now = datetime.now(UTC)
    request = request_for(synthetic.sample(now), EventType.POST_CALL, sent_to.integration)
    _send_once(sent_to, request, form, now, reproduce=reproduce)


@main.command()
@target_options
@output_format
@click.option("--event", type=click.Choice(list(_EVENTS)), default="post-call", show_default=True)
@click.option("--set", "changes", multiple=True, metavar="FIELD=TEXT", help="Change a field of the call.")
@click.option("--seed", type=int, help="Make up the same call again.")
@reproduce_option
def send(event: str, changes: tuple[str, ...], seed: int | None, form: str, *, reproduce: bool, **options: Any) -> None:
    """Send one event of a made-up call, once."""
    sent_to = active(target(**options))
    changed = _changes(changes, sent_to.integration.macro.fields)
    now = datetime.now(UTC)
    kind = Kind.SMS if _EVENTS[event] is EventType.SMS else Kind.VOICE
    call = synthetic.call(random.Random(seed), kind, now)  # noqa: S311 - made-up calls are no secret
    request = request_for(call, _EVENTS[event], sent_to.integration, changes=changed)
    _send_once(sent_to, request, form, now, reproduce=reproduce)


@main.command()
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
@report_option
def run(
    scenario: str | None,
    fault_texts: tuple[str, ...],
    next_sign: Path | None,
    calls: int | None,
    clock: float | None,
    seed: int | None,
    concurrency: int,
    breath: float,
    form: str,
    report: Path | None,
    *,
    show_timeline: bool,
    **options: Any,
) -> None:
    """Let made-up calls happen and deliver them, with every rule of the contract, and with what may go wrong.

    With --scenario, exit code 0 says that all ended as the scenario expects.
    """
    if breath and clock is not None:
        raise click.UsageError("--breath is for the virtual clock; on any other, real time passes by itself")
    sent_to, told = staged(scenario, fault_texts, next_sign, calls, **options)
    active(sent_to)
    seed = random.randrange(1_000_000) if seed is None else seed  # noqa: S311 - made-up calls are no secret
    plan = Plan(situation=told, tls=sent_to.tls, seed=seed, speed=clock, concurrency=concurrency, breath=breath)
    summary, page, interrupted = Summary(seed=seed), page_of(plan, sent_to), False
    try:
        watch(plan, summary, form, show_timeline=show_timeline, page=page if report else None)
    except KeyboardInterrupt:
        interrupted = True
    _show_summary(plan, summary, form)
    if report:
        write(page.page(summary, unexpected=unexpected(told, summary), stopped=interrupted), report)
    if interrupted:
        sys.exit(_INTERRUPTED)
    if not summary.attempts:
        click.echo("nothing was sent, so nothing was tested: more --calls, or --after-outbound", err=True)
        sys.exit(2)
    sys.exit(1 if any(told.expect.unmet(summary)) else 0)


@main.command("certs")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("certs/dev"))
@click.option("--force", is_flag=True, help="Replace the keys that are there.")
def mint_certs(folder: Path, *, force: bool) -> None:
    """Mint a development CA, a certificate for localhost and a signing key pair."""
    try:
        keys = certs.mint(folder, now=datetime.now(UTC), force=force)
    except KeysExistError as error:
        raise click.UsageError(f"{error}; --force replaces them") from None
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be written: {error.strerror}") from None
    click.echo(f"trust this CA in clients:       {keys.ca}")
    click.echo(f"serve TLS on localhost with:    {keys.tls_certificate}, {keys.tls_key}")
    click.echo(f"sign with (--sign):             {keys.signing_key}")
    click.echo(f"verify with KAISA_TRUSTED_KEYS: {keys.signing_certificate}")


@main.command("demo")
def run_demo() -> None:
    """Start the receiver over HTTPS and send it a story with everything that happens in real life."""
    sys.exit(0 if demo.tell() else 1)


main.add_command(check)
main.add_command(macro)
main.add_command(scenarios)


def _show_summary(plan: Plan, summary: Summary, form: str) -> None:
    if form == "json":
        click.echo(json.dumps({"event": "Summary"} | summary.as_dict() | outcome(plan.situation, summary)))
        return
    click.echo("\n".join([*summary.lines(), *verdict(plan.situation, summary)]))
    if advice := hint(plan, summary):
        click.echo(advice)


def _send_once(sent_to: Target, request: Request, form: str, now: datetime, *, reproduce: bool) -> None:
    exchange = asyncio.run(post_once(request, sent_to.tls, now))
    by_hand = list(commands(request, ca=sent_to.ca, signing=sent_to.signing)) if reproduce else []
    if form == "json":
        document = exchange.as_dict() | ({"reproduce": [asdict(each) for each in by_hand]} if reproduce else {})
        click.echo(json.dumps(document))
    else:
        click.echo("\n".join([*exchange.lines(), *(f"\n# {each.purpose}:\n{each.line}" for each in by_hand)]))
    sys.exit(0 if exchange.kept else 1)


def _changes(texts: tuple[str, ...], used: frozenset[str]) -> dict[str, str]:
    known = [field.name for field in wire.FIELDS]
    changes = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} has no '='; write FIELD=TEXT", param_hint="--set")
        if name not in known:
            raise click.BadParameter(f"{name!r} is not a field; {near_miss(name, known)}", param_hint="--set")
        if name not in used:
            raise click.BadParameter(f"the macro does not send {{{name}}}; add it with --macro", param_hint="--set")
        changes[name] = value
    return changes
