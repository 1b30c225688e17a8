"""Two deployments of the template on one PostgreSQL: a call is handled once, whichever machine its attempts reach."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError

import psycopg
import pytest

from receiver import build
from tests.acceptance.deployment import Deployment, copy_out
from tests.calls import FORM, POST_CALL, form
from tests.postgres import Postgres

ATTEMPTS = 8
# Notes each run in a file that both deployments write to.
HANDLERS = """
from pathlib import Path

from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.post_call
def call_ended(event: CallEvent) -> str:
    with Path("{runs}").open("a") as runs:
        print(event.id, file=runs)
    return "noted"
"""


@pytest.fixture
def database(postgres: Postgres) -> str:
    url = postgres.create_database()
    build.migrate(url)
    return url


@pytest.fixture
def receivers(tmp_path: Path, database: str) -> Iterator[list[Deployment]]:
    started: list[Deployment] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        folder = copy_out(tmp_path / name)
        (folder / "receiver" / "handlers.py").write_text(HANDLERS.format(runs=tmp_path / "runs"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        settings = {"DATABASE_URL": database, "KAISA_ACCEPT_UNSIGNED": "true"}
        started.append(Deployment(folder, port, settings))
    try:
        yield [deployment.until_ready() for deployment in started]
    finally:
        for deployment in started:
            deployment.stop()


def attempt(receiver: Deployment) -> bytes:
    try:
        return receiver.request("/webhook", form(POST_CALL), FORM)
    except HTTPError as refused:
        with refused:
            return b"%d" % refused.code


def test_two_processes_on_one_postgresql_handle_a_call_once(
    receivers: list[Deployment], database: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2 * ATTEMPTS) as executor:
        answers = set(executor.map(attempt, receivers * ATTEMPTS))
    assert b'{"append": "noted"}' in answers
    assert answers <= {b'{"append": "noted"}', b"503"}
    assert (tmp_path / "runs").read_text() == "call-1\n"
    assert [attempt(receiver) for receiver in receivers] == [b'{"append": "noted"}'] * 2
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT state, attempts FROM deliveries").fetchall()
    assert rows == [("handled", 2 * ATTEMPTS + 2)]
