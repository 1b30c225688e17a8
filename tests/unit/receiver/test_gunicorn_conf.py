"""What gunicorn is told."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.util import load_class  # type: ignore[import-untyped]  # gunicorn has no types

import receiver
from receiver.worker import DeadlineWorker


@pytest.fixture
def conf(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name, value in {**environ, "KAISA_READ_TIMEOUT": "2.5"}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(Path(receiver.__file__).with_name("gunicorn.conf.py")))


def test_an_idle_connection_outlives_a_proxys(conf: dict[str, Any]) -> None:
    assert conf["keepalive"] > 60, "nginx and the common load balancers keep theirs for 60 seconds"


def test_the_worker_is_told_how_long_a_client_has_and_how_much_it_may_send(conf: dict[str, Any]) -> None:
    assert load_class(conf["worker_class"]) is DeadlineWorker
    worker = SimpleNamespace(read_timeout=0, max_body=0)
    conf["post_fork"](None, worker)
    assert (worker.read_timeout, worker.max_body) == (2.5, 1_048_576)
