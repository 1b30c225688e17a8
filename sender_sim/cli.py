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
from sender_sim.commands.compare import compare
from sender_sim.commands.console import console
from sender_sim.commands.macro import macro
from sender_sim.commands.run import run
from sender_sim.commands.scenarios import scenarios
from sender_sim.commands.up import up
from sender_sim.core import synthetic
from sender_sim.core.call import Kind
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.once import post_once
from sender_sim.options import Target, active, output_format, reproduce_option, target, target_options
from sender_sim.reading import near_miss
from sender_sim.reports import exchange as exchange_report
from sender_sim.reports.reproduce import commands
from sender_sim.settings import SettingsError

__all__ = ["main"]

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


for command in (check, compare, console, macro, run, scenarios, up):
    main.add_command(command)


def _send_once(sent_to: Target, request: Request, form: str, now: datetime, *, reproduce: bool) -> None:
    exchange = asyncio.run(post_once(request, sent_to.tls, now))
    by_hand = list(commands(request, ca=sent_to.ca, signing=sent_to.signing)) if reproduce else []
    if form == "json":
        added = {"reproduce": [asdict(each) for each in by_hand]} if reproduce else {}
        click.echo(json.dumps(exchange_report.as_dict(exchange) | added))
    else:
        told = (f"\n# {each.purpose}:\n{each.line}" for each in by_hand)
        click.echo("\n".join([*exchange_report.lines(exchange), *told]))
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
