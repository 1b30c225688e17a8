"""Processes that are killed or told to stop while a handler runs: nothing is lost, and the next attempt takes over."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.error import HTTPError

import pytest

from receiver import build
from tests.acceptance.deployment import Deployment, copy_out, until
from tests.calls import FORM, POST_CALL, form
from tests.database import sql
from tests.postgres import Postgres

# Notes each run; one call is held at the gate until somebody writes there.
HANDLERS = """
from pathlib import Path

from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.post_call
def call_ended(event: CallEvent) -> str:
    with Path("runs").open("a") as runs:
        print(event.id, file=runs)
    return Path("gate").read_text() if event.id == "held" else event.id
"""
DELIVERIES = "SELECT call_id, state, attempts, answer FROM deliveries ORDER BY id"

Answer = tuple[int, str]


@dataclass(frozen=True)
class Place:
    """A folder to deploy in, its database, and the gate that the handler waits at."""

    folder: Path
    url: str
    port: int

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Done and committed, past the receiver; the rows."""
        return sql(self.url, statement)

    def runs(self) -> list[str]:
        """The calls that the handler was run for, in order."""
        return (self.folder / "runs").read_text("utf-8").splitlines()

    @contextmanager
    def held(self, deployment: Deployment) -> Iterator[TextIO]:
        """While the handler waits for what is written here."""
        opened: list[int] = []

        def reader_is_there() -> bool:
            try:
                opened.append(os.open(self.folder / "gate", os.O_WRONLY | os.O_NONBLOCK))
            except OSError:  # nobody reads there yet
                return False
            return True

        until(reader_is_there, lambda: f"the handler never began; it said:\n{deployment.output}")
        with os.fdopen(opened[0], "w", encoding="utf-8") as gate:
            yield gate

    def open_gate(self, text: str) -> None:
        """From now on a handler is not held, and reads this."""
        (self.folder / "gate").unlink()
        (self.folder / "gate").write_text(text, "utf-8")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Place:
    folder = copy_out(tmp_path)
    (folder / "receiver" / "handlers.py").write_text(HANDLERS)
    os.mkfifo(folder / "gate")
    url = f"sqlite:///{folder / 'inbox.sqlite3'}"
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create_database()
        build.migrate(url)
    return Place(folder, url, free_port)


@pytest.fixture
def deploy(place: Place) -> Iterator[Callable[[], Deployment]]:
    started: list[Deployment] = []

    def start() -> Deployment:
        # As long as a client may take: one below is silent until the receiver stops.
        settings = {"DATABASE_URL": place.url, "KAISA_ACCEPT_UNSIGNED": "true", "KAISA_READ_TIMEOUT": "19"}
        started.append(Deployment(place.folder, place.port, settings))
        return started[-1].until_ready()

    yield start
    for deployment in started:
        deployment.stop()


@pytest.fixture
def client() -> Iterator[ThreadPoolExecutor]:
    """Somebody who waits for an answer while the test goes on."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def attempt(deployment: Deployment, call: str) -> Answer:
    """The status, and what was answered: the append of a 200, the code of anything else."""
    try:
        return 200, json.loads(deployment.request("/webhook", form({**POST_CALL, "id": call}), FORM))["append"]
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())["code"]


def until_refused(deployment: Deployment) -> None:
    """Connect until nobody listens; who is let in before that is answered, or cut off without half an answer."""

    def refused() -> bool:
        try:
            with socket.create_connection(("localhost", deployment.port), 20) as connection:
                assert alive(connection) in (200, None)
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False  # cut off while it connected
        return False

    until(refused, lambda: f"it listens on; it said:\n{deployment.output}")


def alive(connection: socket.socket) -> int | None:
    """The status of a request on an open connection; None: it was cut off before a byte came."""
    try:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as stream:
            answer = stream.read()
    except (ConnectionResetError, BrokenPipeError):
        return None
    if not answer:
        return None
    assert answer.endswith(b'{"status": "alive"}')
    return int(answer.split()[1])


def test_after_kill_9_of_a_worker_in_a_handler_the_next_attempt_waits_for_the_lease_and_takes_over(
    place: Place, deploy: Callable[[], Deployment], client: ThreadPoolExecutor
) -> None:
    deployment = deploy()
    assert attempt(deployment, "before") == (200, "before")
    (killed,) = deployment.workers()

    waiting = client.submit(attempt, deployment, "held")
    with place.held(deployment):
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(ConnectionError):
            waiting.result(30)
    until(lambda: len(deployment.workers()) == 1 and deployment.workers() != [killed], lambda: deployment.output)
    assert deployment.process.poll() is None
    before = ("before", "handled", 1, '{"append": "before"}')
    assert place.sql(DELIVERIES) == [before, ("held", "handling", 1, None)]

    place.open_gate("taken over")
    assert attempt(deployment, "held") == (503, "handler-running")
    assert place.runs() == ["before", "held"]

    place.sql("UPDATE deliveries SET lease_until = '2000-01-01 00:00:00.000000' WHERE call_id = 'held'")
    assert attempt(deployment, "held") == (200, "taken over")
    assert place.runs() == ["before", "held", "held"]
    assert [attempt(deployment, call) for call in ("held", "before")] == [(200, "taken over"), (200, "before")]
    assert place.runs() == ["before", "held", "held"]
    assert place.sql(DELIVERIES) == [
        ("before", "handled", 2, '{"append": "before"}'),
        ("held", "handled", 4, '{"append": "taken over"}'),
    ]
    assert "Traceback" not in deployment.output


def test_after_kill_9_of_the_master_the_worker_finishes_and_ends_and_a_new_start_answers_the_same(
    place: Place, deploy: Callable[[], Deployment], client: ThreadPoolExecutor
) -> None:
    deployment = deploy()
    workers = deployment.workers()
    assert len(workers) == 1
    waiting = client.submit(attempt, deployment, "held")
    with place.held(deployment) as gate:
        os.kill(deployment.process.pid, signal.SIGKILL)
        until_refused(deployment)
        gate.write("finished")
    assert waiting.result(30) == (200, "finished")
    until(lambda: not any(map(is_running, workers)), lambda: f"a worker runs on; it said:\n{deployment.output}")
    assert deployment.process.wait(30) == -signal.SIGKILL
    assert place.sql(DELIVERIES) == [("held", "handled", 1, '{"append": "finished"}')]

    again = deploy()
    assert [attempt(again, call) for call in ("held", "after")] == [(200, "finished"), (200, "after")]
    assert place.runs() == ["held", "after"]
    assert "Traceback" not in again.output


def test_told_to_stop_in_a_handler_it_answers_and_stores_what_is_in_hand_and_lets_nobody_else_in(
    place: Place, deploy: Callable[[], Deployment], client: ThreadPoolExecutor
) -> None:
    deployment = deploy()
    with socket.create_connection(("localhost", place.port), 20) as early:
        deployment.request("/healthz")  # whoever came before this one is let in
        waiting = client.submit(attempt, deployment, "held")
        with place.held(deployment) as gate:
            deployment.process.send_signal(signal.SIGTERM)
            until_refused(deployment)
            assert alive(early) == 200
            assert place.sql(DELIVERIES) == [("held", "handling", 1, None)]
            gate.write("finished")
        assert waiting.result(30) == (200, "finished")
    assert deployment.process.wait(30) == 0
    assert place.sql(DELIVERIES) == [("held", "handled", 1, '{"append": "finished"}')]
    assert place.runs() == ["held"]
    assert "Traceback" not in deployment.output


def is_running(process: int) -> bool:
    """Whether a process has not ended, whoever is to be told of its end."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
