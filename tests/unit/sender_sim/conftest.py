"""Fixtures of the simulator: development keys, minted once, and an endpoint over HTTPS for its commands."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer

from sender_sim import certs
from sender_sim.certs import DevelopmentKeys
from sender_sim.cli import main
from tests.unit.sender_sim.endpoints import server_tls

Invoke = Callable[..., Result]


@pytest.fixture(scope="session")
def development_keys(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentKeys:
    return certs.mint(tmp_path_factory.mktemp("development"), now=datetime.now(UTC))


@pytest.fixture
def strangers_keys(tmp_path: Path) -> DevelopmentKeys:
    """Keys of a CA that nobody trusts."""
    return certs.mint(tmp_path / "strangers", now=datetime.now(UTC))


@pytest.fixture(scope="session")
def running_server(development_keys: DevelopmentKeys) -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=server_tls(development_keys)) as server:
        yield server


@pytest.fixture
def server(running_server: HTTPServer) -> HTTPServer:
    """An endpoint over HTTPS that knows no path yet."""
    running_server.clear()
    return running_server


@pytest.fixture
def invoke() -> Invoke:
    """`sender-sim` with these arguments, in this process."""
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])
