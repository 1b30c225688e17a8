"""The story of `make demo`: the receiver under gunicorn over HTTPS, and everything that happens to it in real life.

Six calls, told on the virtual clock: all three event types, both encodings, every request signed; one answer lost, the
receiver down for an hour and a half, one late recording, one request changed on the way. Both sides' books are compared
at the end.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from receiver import macro, wire
from sender_sim import certs
from sender_sim.certs import DevelopmentKeys
from sender_sim.clocks import VirtualClock
from sender_sim.core.call import Call, Direction, Kind
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Engine
from sender_sim.core.events import AppendSaved, CallBegan, Delivered, Event, RecordingFound, RetryScheduled
from sender_sim.core.faults import AnswerLost, Fault, Tampered
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from sender_sim.faults import Faulty
from sender_sim.receiver_process import ReceiverProcess
from sender_sim.reports import timeline
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.transports import HttpsTransport, trust

__all__ = ["tell"]

_MORNING: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_MACRO_WITH_RECORDING: Final = f"{wire.DEFAULT_MACRO}&{wire.RECORDING_FIELD}={{{wire.RECORDING_FIELD}}}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a delivery must end: at which attempt, and what is saved with the call."""

    attempts: int
    append: str | None
    seen_by_receiver: int


_ENDINGS: Final = {
    "1-morning/pre-call": Ending(1, None, 1),
    "1-morning/post-call": Ending(1, "answered, 95 s", 1),
    "2-text/sms": Ending(1, None, 1),
    "3-answer-lost/post-call": Ending(2, "answered, 40 s", 2),
    "4-outage/post-call": Ending(4, "missed", 1),
    "5-recorded/post-call": Ending(1, "answered, 300 s", 1),
    "6-tampered/post-call": Ending(2, "answered, 12 s", 1),
}


def tell() -> bool:
    """Run the story and print it. True if every ending was the right one."""
    with tempfile.TemporaryDirectory(prefix="kaisa-demo-") as folder:
        keys = certs.mint(Path(folder), now=datetime.now(UTC))
        with ReceiverProcess.running(keys, {"KAISA_MACRO": _MACRO_WITH_RECORDING}) as receiver:
            click.echo(f"The receiver listens at {receiver.url}; only signed requests are accepted.\n")
            events = asyncio.run(_play(receiver, keys))
            deliveries, refusals = receiver.stored("deliveries"), receiver.stored("refusals")
    _show_books(events, deliveries, refusals)
    wrong = [*_wrong_endings(events, deliveries), *_wrong_refusals(refusals)]
    for each in wrong:
        click.echo(f"WRONG: {each}")
    if not wrong:
        click.echo(f"\nAll {len(_ENDINGS)} deliveries ended as they should, and both sides agree.")
    return not wrong


def _story(integration: Integration) -> Iterator[tuple[Call, Integration]]:
    in_json = replace(integration, encoding=wire.JSON)
    recorded = macro.parse(_MACRO_WITH_RECORDING, recording=True)
    yield _call("1-morning", 0, seconds=95), integration
    yield _call("2-text", 10, kind=Kind.SMS, details="Är ni öppna på lördag? 👍 50% & mer"), in_json
    yield _call("3-answer-lost", 20, seconds=40), replace(in_json, pre_call=False)
    yield _call("4-outage", 61), replace(integration, pre_call=False)
    waits = replace(in_json, pre_call=False, wait_for_recording=True, macro=recorded)
    yield _call("5-recorded", 160, seconds=300, recording_after=timedelta(minutes=12)), waits
    yield _call("6-tampered", 200, seconds=12), replace(integration, pre_call=False)


def _call(
    name: str,
    minutes: int,
    *,
    seconds: int = 0,
    kind: Kind = Kind.VOICE,
    details: str = "",
    recording_after: timedelta | None = None,
) -> Call:
    return Call(
        id=name,
        fsid=f"FS-{name}",
        start=_MORNING + timedelta(minutes=minutes),
        kind=kind,
        direction=Direction.INBOUND,
        duration=timedelta(seconds=seconds),
        answered=seconds > 0,
        recording_after=recording_after,
        recording_id=f"rec-{name}",
        details={"from_nr": "+46701740605", "to_nr": "+46701740633", "channel": "Google SEM", "details": details},
    )


def _fault(attempt: Attempt) -> Fault | None:
    faults: dict[str, Fault] = {"3-answer-lost/post-call": AnswerLost(), "6-tampered/post-call": Tampered()}
    return faults.get(attempt.delivery) if attempt.number == 1 else None


async def _play(receiver: ReceiverProcess, keys: DevelopmentKeys) -> list[Event]:
    integration = Integration(url=receiver.url, pre_call=True, signer=Signer(keys.signing_key.read_bytes()))
    engine, events = Engine(integration), []
    story = list(_story(integration))
    for call, settings in story:
        engine.set_up(call.start, settings)
        engine.place(call)
    width = timeline.width_for(call.id for call, _ in story)
    async with HttpsTransport.open(trust(keys.ca)) as https:
        async for event in run(engine, VirtualClock(_MORNING), Faulty(https, _fault)):
            events.append(event)
            for line in timeline.lines(event, width=width):
                click.echo(line)
            await asyncio.to_thread(_go_down_and_up, receiver, event)
    return events


def _go_down_and_up(receiver: ReceiverProcess, event: Event) -> None:
    """The outage of the story: a real one, from the fourth call until its fourth attempt is due."""
    match event:
        case CallBegan(call="4-outage"):
            receiver.stop()
            click.echo("                     the receiver is stopped")
        case RetryScheduled(delivery="4-outage/post-call", attempt=4):
            receiver.start()
            click.echo("                     the receiver is started again")


def _show_books(events: list[Event], deliveries: list[dict[str, Any]], refusals: list[dict[str, Any]]) -> None:
    summary = Summary()
    for event in events:
        summary.listen(event)
    click.echo("\nThe sender's book:")
    click.echo("\n".join(f"  {line}" for line in summary.lines()))
    click.echo("The receiver's book:")
    for row in reversed(deliveries):
        answer = json.dumps(row["answer"])
        click.echo(f"  {_name(row):<24} {row['state']}, {row['encoding']}, {row['attempts']} seen, answered {answer}")
    for row in refusals:
        times = "once" if row["count"] == 1 else f"{row['count']} times"
        click.echo(f"  refused {times}: {row['status']} {row['code']}")


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['call_id']}/{wire.EventType(row['event_type']).label}"


def _wrong_endings(events: list[Event], deliveries: list[dict[str, Any]]) -> Iterator[str]:
    delivered = {event.delivery: event.attempts for event in events if isinstance(event, Delivered)}
    saved = {event.delivery: event.append for event in events if isinstance(event, AppendSaved)}
    stored = {_name(row): row for row in deliveries}
    for name in delivered.keys() | stored.keys() | _ENDINGS.keys():
        expected, row = _ENDINGS.get(name), stored.get(name)
        actual = row and Ending(delivered.get(name, 0), saved.get(name), row["attempts"])
        if expected != actual:
            yield f"{name} ended with {actual}, not {expected}"
        elif row and (row["state"] != "handled" or row["answer"].get(wire.APPEND_KEY) != saved.get(name)):
            yield f"{name}: the receiver answered {row['answer']}, the sender saved {saved.get(name)!r}"
    recording = stored.get("5-recorded/post-call", {}).get("fields", {}).get(wire.RECORDING_FIELD)
    found = [event for event in events if isinstance(event, RecordingFound)]
    if recording != "rec-5-recorded" or [event.too_late for event in found] != [False]:
        yield f"the late recording arrived as {recording!r}, found {found}"


def _wrong_refusals(refusals: list[dict[str, Any]]) -> Iterator[str]:
    codes = [(row["code"], row["count"]) for row in refusals]
    if codes != [("signature-wrong", 1)]:
        yield f"one tampered request was to be refused, but refused was {codes}"
