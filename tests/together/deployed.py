"""A receiver that is reached in process or under gunicorn over HTTPS, and the sender's runs against it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from flask import Flask

from receiver import wire
from receiver.cli import main as receiver_command
from sender_sim.clocks import VirtualClock
from sender_sim.core.call import Call
from sender_sim.core.engine import Engine
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.faults import Faulty, Plan
from sender_sim.run import run
from sender_sim.transports import Transport, WsgiTransport

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CUSTOM_MACRO = (
    "caller={from_nr}&src=kaisa&tag={channel}-{publisher_id}&ref=%23{id}!&kind={event_type}"
    "&text={details}&seconds={duration}&ok={answered}&rec={recording_id}"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What both sides are set to."""

    signed: bool = True
    macro: str = wire.DEFAULT_MACRO

    def __str__(self) -> str:
        return (
            f"{'signed' if self.signed else 'unsigned'}-{'default' if self.macro == wire.DEFAULT_MACRO else 'custom'}"
        )


@dataclass(frozen=True, slots=True)
class Deployed:
    """A running receiver, the settings Kaisa has for it, and its book of handled events."""

    integration: Integration
    open: Callable[[], AbstractAsyncContextManager[Transport]]
    database_url: str
    book: Path

    def play(self, calls: Call | Sequence[Call], *, plan: Plan = lambda _: None, **settings: Any) -> list[Event]:
        """The stream of calls on the virtual clock, under the integration with these settings changed."""
        integration = replace(self.integration, **settings)
        engine = Engine(integration)
        for call in [calls] if isinstance(calls, Call) else calls:
            engine.place(call)

        async def collect() -> list[Event]:
            async with self.open() as transport:
                return [event async for event in run(engine, VirtualClock(START), Faulty(transport, plan))]

        return asyncio.run(collect())

    def deliveries(self, *call_ids: str) -> list[dict[str, Any]]:
        """What the receiver says it stored of these calls, oldest first."""
        return [row for row in reversed(self._listed("deliveries")) if row["call_id"] in call_ids]

    def refusals(self, needle: str) -> list[dict[str, Any]]:
        """What the receiver says it refused, as far as the body holds `needle`."""
        return [row for row in self._listed("refusals") if needle in row["body"]]

    def handled(self, call_id: str) -> list[str]:
        """The labels of the events of a call that handlers ran for, in order."""
        entries = (line.rpartition("/") for line in self.book.read_text("utf-8").splitlines())
        return [label for entry, _, label in entries if entry == call_id]

    def _listed(self, what: str) -> list[dict[str, Any]]:
        command = [what, "list", "--format", "json", "--limit", "10000"]
        result = CliRunner().invoke(receiver_command, command, env={"DATABASE_URL": self.database_url})
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


def in_process(app: Flask) -> Callable[[], AbstractAsyncContextManager[Transport]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Transport]:
        yield WsgiTransport(app)

    return opened


def a_call(call_id: str, **details: Any) -> Call:
    """An answered call of 95 seconds; `details` are fields of it, or of its data."""
    own = {name: details.pop(name) for name in ("kind", "recording_after", "recording_id") if name in details}
    data = {"from_nr": "+46701740605", "to_nr": "+46701740633", "channel": "Google SEM", "publisher_id": "7", **details}
    return Call(
        id=call_id, fsid="FS-1", start=START, duration=timedelta(seconds=95), answered=True, details=data, **own
    )
