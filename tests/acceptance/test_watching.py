"""What an operator sees of a running receiver with several workers: figures that add up, and a log without numbers."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.acceptance.deployment import Deployment, copy_out, until
from tests.calls import FORM, POST_CALL, form

Deploy = Callable[..., Deployment]
ACCEPTED = 'kaisa_requests_total{code="accepted",status="200"}'
REFUSED = 'kaisa_requests_total{code="malformed-form",status="400"}'
DURATIONS = "kaisa_request_seconds_count"


@pytest.fixture
def deploy(tmp_path: Path, free_port: int) -> Iterator[Deploy]:
    """The template with two workers and `/metrics`, stopped after the test."""
    folder, started = copy_out(tmp_path), []

    def start(**settings: str) -> Deployment:
        fixed = {"KAISA_ACCEPT_UNSIGNED": "true", "WEB_CONCURRENCY": "2", "KAISA_METRICS_TOKEN": "secret"}
        started.append(Deployment(folder, free_port, fixed | settings))
        return started[-1].until_ready()

    yield start
    for deployment in started:
        deployment.stop()


def figures(deployment: Deployment) -> dict[str, float]:
    request = Request(f"http://localhost:{deployment.port}/metrics", headers={"Authorization": "Bearer secret"})
    with build_opener(ProxyHandler({})).open(request, timeout=20) as page:
        lines = [line.rpartition(" ") for line in page.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def deliver(deployment: Deployment, calls: range) -> None:
    for call in calls:
        deployment.request("/webhook", form({**POST_CALL, "id": f"call-{call}"}), FORM)


def test_figures_add_up_over_workers_also_over_those_that_were_killed(deploy: Deploy) -> None:
    deployment = deploy()
    deliver(deployment, range(10))
    with pytest.raises(HTTPError) as refused:
        deployment.request("/webhook", b"x=%", FORM)
    refused.value.close()
    killed = deployment.workers()
    assert len(killed) == 2
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    until(lambda: len(deployment.workers()) == 2 and not {*killed} & {*deployment.workers()}, lambda: deployment.output)
    deliver(deployment, range(10, 15))
    # Whichever worker is asked.
    for _ in range(6):
        counted = figures(deployment)
        assert {name: counted[name] for name in (ACCEPTED, REFUSED, DURATIONS)} == {
            ACCEPTED: 15,
            REFUSED: 1,
            DURATIONS: 16,
        }


def test_what_stands_beside_the_figures_in_a_folder_of_the_operators_is_left_alone(
    deploy: Deploy, tmp_path: Path
) -> None:
    named = tmp_path / "prometheus"
    named.mkdir()
    (named / "theirs.db").write_text("theirs")
    deployment = deploy(PROMETHEUS_MULTIPROC_DIR=str(named))
    deliver(deployment, range(1))
    assert figures(deployment)[ACCEPTED] == 1
    assert len([*named.iterdir()]) == 2
    assert deployment.stop(signal.SIGTERM) == 0
    assert [*named.iterdir()] == [named / "theirs.db"]


def test_every_line_of_the_log_is_json_without_numbers_whatever_a_stranger_sends(deploy: Deploy) -> None:
    deployment = deploy()
    host = b" HTTP/1.1\r\nHost: x\r\n"
    for sent in (
        b"+46701234567 is no request\r\n\r\n",
        b"POST /webhook" + host + b"X nr +46701234567: 1\r\n\r\n",
        b"POST /webhook" + host + b"Transfer-Encoding: +46701234567\r\n\r\n",
        b"POST /webhook" + host + b"X-Request-ID: 46701234567\r\nContent-Type: +46701234567\r\n\r\n",
    ):
        with socket.create_connection(("localhost", deployment.port), 20) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answer:
                assert int(answer.read().split()[1]) in (400, 415, 501)
    deliver(deployment, range(1))
    assert deployment.stop(signal.SIGTERM) == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in deployment.output.splitlines()]
    assert {"server", "accepted", "refused"} <= {line["event"] for line in lines}
    assert all({"level", "timestamp"} <= line.keys() for line in lines)
    assert "46701234567" not in deployment.output
    assert f"http://127.0.0.1:{deployment.port}" in deployment.output
