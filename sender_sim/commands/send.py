"""`sender-sim test-request` and `sender-sim send`: one request, now."""

import asyncio
import json
import random
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import click

from receiver import wire
from receiver.wire import EventType
from sender_sim.core import synthetic
from sender_sim.core.call import Kind
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.once import post_once
from sender_sim.options import Target, active, output_format, reproduce_option, target, target_options
from sender_sim.reading import SettingsError, near_miss
from sender_sim.reports import exchange as exchange_report
from sender_sim.reports.reproduce import commands

__all__ = ["send", "test_request"]

_EVENTS = {event_type.label: event_type for event_type in EventType}
_SET_HELP: Final = "Change a field, such as from_nr=+46701234567; `sender-sim macro` lists them. Repeatable."


@click.command("test-request")
@target_options
@output_format
@reproduce_option
def test_request(form: str, *, reproduce: bool, **options: Any) -> None:
    """Send one request with sample data, as the button in Kaisa's Setup does (C10)."""
    sent_to = target(**options)
    now = datetime.now(UTC)
    request = request_for(synthetic.sample(now), EventType.POST_CALL, sent_to.integration)
    _send_once(sent_to, request, form, now, reproduce=reproduce, afterwards="a test request is not tried again (C10)")


@click.command()
@target_options
@output_format
@click.option("--event", type=click.Choice(list(_EVENTS)), default="post-call", show_default=True)
@click.option("--set", "changes", multiple=True, metavar="FIELD=TEXT", help=_SET_HELP)
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
    afterwards = "Kaisa would try again in 30 minutes" if sent_to.integration.retry else "retry is off (C8)"
    _send_once(sent_to, request, form, now, reproduce=reproduce, afterwards=afterwards)


def _send_once(
    sent_to: Target, request: Request, form: str, now: datetime, *, reproduce: bool, afterwards: str
) -> None:
    exchange = asyncio.run(post_once(request, sent_to.tls, now))
    by_hand = list(commands(request, ca=sent_to.ca, signing=sent_to.signing)) if reproduce else []
    if form == "json":
        added = {"reproduce": [asdict(each) for each in by_hand]} if reproduce else {}
        click.echo(json.dumps(exchange_report.as_dict(exchange) | added))
    else:
        told = (f"\n# {each.purpose}:\n{each.line}" for each in by_hand)
        click.echo("\n".join([*exchange_report.lines(exchange, afterwards), *told]))
    sys.exit(0 if exchange.kept else 1)


def _changes(texts: tuple[str, ...], used: frozenset[str]) -> dict[str, str]:
    """The fields' texts. Raises SettingsError with every mistake."""
    changes = {}
    problems = []
    for text in texts:
        name, _, changes[name] = text.partition("=")
        if problem := _problem(text, used):
            problems.append(f"--set {text!r}: {problem}")
    if problems:
        raise SettingsError(problems)
    return changes


def _problem(text: str, used: frozenset[str]) -> str | None:
    known = [field.name for field in wire.FIELDS]
    name, equals, _ = text.partition("=")
    if not equals:
        return "has no '='; write FIELD=TEXT"
    if name not in known:
        return f"{name!r} is not a field; {near_miss(name, known)}"
    if name not in used:
        return f"the macro does not send {{{name}}}; add it with --macro"
    return None
