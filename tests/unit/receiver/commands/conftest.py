"""Commands on each database, and deliveries to look at."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
import structlog
from click.testing import CliRunner, Result

from receiver import cli, wire
from receiver.event import PhoneNumber
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, Delivery
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON
from tests.unit.receiver.store.conftest import Store, empty, store

__all__ = ["FAILED", "HANDLED", "HANDLING", "Filled", "Run", "empty", "store"]

HANDLED, FAILED, HANDLING = "handled", "failed", "handling"

Run = Callable[..., Result]


@pytest.fixture
def inbox(store: Store) -> Inbox:
    return store.open()


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def run(store: Store) -> Run:
    """The command on the store; an exception other than an exit fails the test."""

    def command(*arguments: str, input: str | None = None, **environ: str) -> Result:  # noqa: A002 - click's name
        cleared = {name: None for name in os.environ if name.startswith("KAISA_") or name == "PORT"}
        environment = {**cleared, "DATABASE_URL": store.url, **environ}
        result = CliRunner().invoke(cli.main, arguments, env=environment, prog_name="receiver", input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback (most recent call last)" not in result.stderr
        return result

    return command


@dataclass(frozen=True)
class Filled:
    """Puts deliveries into a store."""

    inbox: Inbox

    def add(
        self,
        call: str = "call-1",
        *,
        state: str = HANDLED,
        at: datetime = NOON,
        answer: str = "{}",
        error: str = "Traceback (most recent call last):\n  ...\nValueError: no",
        **changed: str,
    ) -> int:
        """A delivery as the receiver stores it; its id."""
        values = {**POST_CALL, "id": call, **changed}
        stored = self.inbox.accept(_delivery(values, form(values), at), settled=answer if state == HANDLED else None)
        if state == FAILED:
            assert stored.claim
            self.inbox.fail(stored.id, stored.claim, error)
        return stored.id

    def row(self, delivery: int) -> Mapping[str, object]:
        (found,) = [row for row in self.inbox.recent("deliveries", 10_000) if row["id"] == delivery]
        return found


def _delivery(values: dict[str, str], body: bytes, at: datetime) -> Delivery:
    fields = {name: value for name, value in values.items() if name in {field.name for field in wire.FIELDS}}
    numbers = (PhoneNumber(values[name]) for name in ("from_nr", "to_nr", "end_nr") if values.get(name))
    return Delivery(
        arrival=Arrival(FORM, body, at),
        key=f"event:{sha256(json.dumps([values['id'], values['event_type']]).encode()).hexdigest()}",
        digest=sha256(body).hexdigest(),
        encoding="form",
        signed_by=None,
        call_id=values["id"],
        event_type=int(values["event_type"]) if values["event_type"] else None,
        numbers=tuple(dict.fromkeys(map(str, numbers))),
        fields=fields,
        wire_values=values,
    )


@pytest.fixture
def filled(inbox: Inbox) -> Filled:
    return Filled(inbox)


def ago(**span: float) -> datetime:
    """A time relative to NOON."""
    return NOON - timedelta(**span)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the commands stands at NOON."""
    monkeypatch.setattr("receiver.build.utc_now", lambda: NOON)
