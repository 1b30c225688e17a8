"""Fixtures for every test: a clock to set, keys made by openssl, a free port."""

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import openssl
from tests.clock import Clock
from tests.openssl import KeyPair
from tests.postgres import Postgres, server

# The same examples on every run, and no clock in the verdict: a slow machine is not a failure.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=200, database=None)
settings.load_profile("steady")

# What a shell starts in the background ignores Ctrl-C, and so would the programs that tests end by it.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def key_pair(keys_folder: Path) -> KeyPair:
    """The key that deliveries are signed with."""
    return openssl.rsa(keys_folder, "kaisa")


@pytest.fixture(scope="session")
def other_key_pair(keys_folder: Path) -> KeyPair:
    """A key of the same kind that nobody trusts unless told to."""
    return openssl.rsa(keys_folder, "other")


@pytest.fixture(scope="session")
def weak_key_pair(keys_folder: Path) -> KeyPair:
    return openssl.rsa(keys_folder, "weak", bits=1024)


@pytest.fixture(scope="session")
def elliptic_key_pair(keys_folder: Path) -> KeyPair:
    return openssl.elliptic(keys_folder, "elliptic")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the whole session."""
    with server() as running:
        yield running


@pytest.fixture
def free_port() -> int:
    return unused_port()


def unused_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on loopback where nobody listens. It is held: a client that were given it could connect to itself."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
