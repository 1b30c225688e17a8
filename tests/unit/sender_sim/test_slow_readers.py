"""Whoever reads the output slowly, or stops reading, holds up no attempt; Ctrl-C still ends in a summary."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import closing
from itertools import islice
from typing import Any

import click
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from sender_sim.aside import _AHEAD, aside
from sender_sim.certs import DevelopmentKeys
from tests.unit.sender_sim.conftest import Invoke

PATIENCE = 30  # seconds until a test that would hang fails instead


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


def test_a_stream_beside_its_reader_is_read_whole_and_in_order() -> None:
    assert list(aside(numbers(3 * _AHEAD))) == list(range(3 * _AHEAD))


def test_a_stream_goes_on_while_its_reader_stands_still() -> None:
    went_on = threading.Event()

    async def stream() -> AsyncGenerator[str, None]:
        yield "first"
        went_on.set()
        yield "second"

    with closing(aside(stream())) as items:
        assert next(items) == "first"
        assert went_on.wait(PATIENCE)
        assert next(items) == "second"


def test_a_stream_is_not_far_ahead_of_its_reader() -> None:
    made = 0

    async def stream() -> AsyncGenerator[int, None]:
        nonlocal made
        for made in range(10 * _AHEAD):
            yield made

    with closing(aside(stream())) as items:
        for _ in islice(items, 2 * _AHEAD):
            pass
    assert 2 * _AHEAD - 1 <= made <= 3 * _AHEAD


def test_a_stream_that_is_left_is_cancelled_with_what_it_waits_for() -> None:
    cleaned_up = threading.Event()

    async def stream() -> AsyncGenerator[str, None]:
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    with closing(aside(stream())) as items:
        assert next(items) == "first"
    assert cleaned_up.is_set()


def test_an_error_of_the_stream_is_raised_where_it_is_read_after_what_came_before() -> None:
    async def stream() -> AsyncGenerator[str, None]:
        yield "first"
        raise ValueError("broken")

    items = aside(stream())
    assert next(items) == "first"
    with pytest.raises(ValueError, match=r"^broken$"):
        next(items)


@pytest.mark.parametrize("form", [("--timeline",), ("--format", "json")], ids=["timeline", "json"])
def test_attempts_go_on_while_the_output_is_not_read(
    invoke: Invoke,
    server: HTTPServer,
    development_keys: DevelopmentKeys,
    monkeypatch: pytest.MonkeyPatch,
    form: tuple[str, ...],
) -> None:
    answered = threading.Event()
    waited: list[bool] = []
    echo = click.echo

    def answer(_: Request) -> Response:
        answered.set()
        return Response()

    def stuck_until_answered(*arguments: Any, **options: Any) -> None:
        waited.append(answered.wait(PATIENCE))
        echo(*arguments, **options)

    monkeypatch.setattr(click, "echo", stuck_until_answered)
    server.expect_request("/hook").respond_with_handler(answer)
    to = (server.url_for("/hook"), "--ca", development_keys.ca)
    result = invoke("run", *to, "--calls", 1, "--after-outbound", "--no-retry", *form)
    assert result.exit_code == 0
    assert waited[0]


def test_ctrl_c_ends_a_run_with_the_summary_so_far(server: HTTPServer, development_keys: DevelopmentKeys) -> None:
    interrupted = threading.Event()

    def answer(_: Request) -> Response:
        interrupted.wait(PATIENCE)
        return Response()

    server.expect_request("/hook").respond_with_handler(answer)
    command = ["run", server.url_for("/hook"), "--ca", str(development_keys.ca), "--after-outbound", "--timeline"]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "sender_sim", *command, "--calls", "1", "--seed", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        interrupted.set()
    assert first.endswith("call\n")
    assert process.returncode == 130, err
    assert "calls: 1 (--seed 1 makes them again)" in out
    assert "attempts: 0; delivered: 0 (none); given up: 0" in out
    assert err == ""
