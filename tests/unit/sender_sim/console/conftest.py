"""A console in this process, in front of an endpoint that answers as it is told."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from sender_sim.console.access import Access
from sender_sim.console.app import create_app
from sender_sim.console.book import CallEntry, DeliveryEntry
from sender_sim.console.simulation import Options, Simulation
from sender_sim.console.state import State
from sender_sim.core.delivery import Attempt
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.transports import Transport
from tests.unit.sender_sim.console.page import Page

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://endpoint.example/webhook"
LONG_ENOUGH = 60.0


class Endpoint:
    """Answers each attempt as `script` says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.script: Callable[[Attempt], Outcome] = lambda _: Answered(200, b'{"append": "noted"}')
        self.sent: list[Attempt] = []

    async def send(self, attempt: Attempt) -> Outcome:
        self.sent.append(attempt)
        return self.script(attempt)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Transport]:
        yield self


class Console:
    """The console behind its application, as a browser without scripts uses it. It can be closed and opened again."""

    def __init__(self, path: Path, endpoint: Endpoint, access: Access, **options: Any) -> None:
        self.path = path
        self.endpoint = endpoint
        self.access = access
        self.options = Options(open_transport=endpoint.opened, **options)
        self._stack = ExitStack()
        self.open()

    def open(self) -> None:
        state = self._stack.enter_context(State.opened(self.path, now=START))
        self.simulation = Simulation(state, self.options)
        self._stack.callback(self.simulation.close)
        self.app = create_app(self.simulation, self.access)
        self.client = self.app.test_client()
        self.token = ""

    def close(self) -> None:
        self._stack.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def get(self, address: str, status: int = 200) -> Page:
        answer = self.client.get(address, follow_redirects=True)
        assert answer.status_code == status, answer.text
        return Page(answer.text)

    def send(self, address: str, **form: str) -> TestResponse:
        """Submit a form with its token."""
        if not self.token:
            self.get("/workflows")
            with self.client.session_transaction() as session:
                self.token = session["token"]
        return self.client.post(address, data={"token": self.token, **form})

    def post(self, address: str, status: int = 200, /, **form: str) -> Page:
        """Submit a form and go where it leads, once time stands still."""
        answer = self.send(address, **form)
        self.wait()
        if answer.status_code == 302:
            return self.get(answer.headers["Location"], status)
        assert answer.status_code == status, answer.text
        return Page(answer.text)

    def wait(self) -> None:
        """Until time stands still."""
        if travel := self.simulation.travel:
            assert travel.wait(LONG_ENOUGH)

    def activate(self, **form: str) -> Page:
        """Go the whole way, with these settings."""
        self.post("/workflows/request")
        self.post("/workflows/approve")
        return self.post("/setup", **{"action": "activate", "url": URL, "retry": "on", **form})

    def place(self, **form: str) -> CallEntry:
        """Place a call of 95 seconds."""
        fields = {"kind": "inbound", "answered": "on", "duration": "95", "recording": "never", **form}
        self.post("/calls", **fields)
        return list(self.simulation.book.calls.values())[-1]

    def go(self, goal: str) -> Page:
        return self.post("/clock", action=goal, page="/calls")

    def delivery(self, call: CallEntry, event: str = "post-call") -> DeliveryEntry:
        return self.simulation.book.deliveries[f"{call.facts.id}/{event}"]


@pytest.fixture(scope="package", autouse=True)
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Templates are compiled once, not for every console."""
    cache = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": cache})
        yield


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def console(tmp_path: Path, endpoint: Endpoint) -> Iterator[Console]:
    console = Console(tmp_path / "console.sqlite3", endpoint, Access())
    yield console
    console.close()


@pytest.fixture
def active(console: Console) -> Console:
    """A console whose integration is active."""
    console.activate()
    return console
