"""`sender-sim test-request` and `sender-sim send`: one request, now."""

import asyncio
import json
import random
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from receiver import wire
from receiver.wire import EventType
from sender_sim.core import synthetic
from sender_sim.core.call import Kind
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.once import post_once
from sender_sim.options import Target, active, output_format, reproduce_option, target, target_options
from sender_sim.reading import near_miss
from sender_sim.reports.reproduce import commands

__all__ = ["send", "test_request"]

_EVENTS = {event_type.label: event_type for event_type in EventType}


@click.command("test-request")
@target_options
@output_format
@reproduce_option
def test_request(form: str, *, reproduce: bool, **options: Any) -> None:
    """Send one request with sample data, as the button in Kaisa's Setup does (C10)."""
    sent_to = target(**options)
    now = datetime.now(UTC)
    request = request_for(synthetic.sample(now), EventType.POST_CALL, sent_to.integration)
    _send_once(sent_to, request, form, now, reproduce=reproduce)


@click.command()
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
