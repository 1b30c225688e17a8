"""The template with a background handler, its two processes started as the Procfile says: nothing is lost."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, Worker, copy_out
from tests.calls import FORM, POST_CALL, form

# Its pause is what it does: a worker that is killed meets handlers between their beginning and their end.
HANDLERS = """
import os, time
from receiver.event import CallEvent
from receiver.router import Router

on = Router()


@on.background.post_call
def book(event: CallEvent) -> None:
    with open("begun", "a") as file:
        file.write(f"{event.id}\\n")
    time.sleep(0.02)
    with open("booked", "a") as file:
        file.write(f"{event.id}\\n")
"""
TRIES = 600


@pytest.fixture
def web(tmp_path: Path, free_port: int) -> Iterator[Deployment]:
    folder = copy_out(tmp_path)
    (folder / "receiver" / "handlers.py").write_text(HANDLERS)
    deployment = Deployment(folder, free_port, {"KAISA_ACCEPT_UNSIGNED": "true"}).until_ready()
    yield deployment
    deployment.stop()


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    started: list[Worker] = []
    yield started
    for worker in started:
        worker.kill()


def noted(web: Deployment, what: str) -> list[str]:
    file = web.folder / what
    return file.read_text("utf-8").splitlines() if file.exists() else []


def ready(web: Deployment) -> str:
    told: str = json.loads(web.request("/readyz"))["background"]
    return told


def until(web: Deployment, so: str) -> None:
    for _ in range(TRIES):
        if ready(web) == so:
            return
        time.sleep(0.05)
    raise AssertionError(f"{ready(web)}, not {so}; it said:\n{web.output}")


def test_every_event_answered_200_is_booked_though_the_worker_is_killed_again_and_again(
    web: Deployment, workers: list[Worker]
) -> None:
    calls = [f"call-{number}" for number in range(60)]
    for call in calls[:30]:
        assert web.request("/webhook", form({**POST_CALL, "id": call}), FORM) == b"{}"
    assert ready(web) == "no worker running, 30 waiting"

    for _ in range(2):
        workers.append(Worker(web))
        begun = len(noted(web, "begun"))
        for _ in range(TRIES):
            if len(noted(web, "begun")) > begun:
                break
            time.sleep(0.01)
        workers[-1].kill()
    for call in calls[30:]:
        assert web.request("/webhook", form({**POST_CALL, "id": call}), FORM) == b"{}"

    workers.append(Worker(web))
    until(web, "1 worker running, 0 waiting")
    for _ in range(TRIES):
        if set(noted(web, "booked")) == set(calls):
            break
        time.sleep(0.05)
    assert set(noted(web, "booked")) == set(calls)
    assert "Traceback" not in web.output
    workers[-1].process.send_signal(signal.SIGTERM)
    assert workers[-1].process.wait(30) == 0
    assert ready(web) == "no worker running, 0 waiting"
