"""One receiver for each language and signature profile, started when it is first asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import openssl
from tests.independent.receivers import Profile, Receiver, Tls, running
from tests.openssl import KeyPair

Start = Callable[[str, Profile], Receiver]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    pair = openssl.rsa(folder, "localhost")
    return Tls(pair.certificate(folder / "localhost.pem"), pair.private)


@pytest.fixture(scope="session")
def start(tls: Tls, key_pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The receiver in that language for that profile."""
    receivers: dict[tuple[str, Profile], Receiver] = {}
    with ExitStack() as stack:

        def started(name: str, profile: Profile) -> Receiver:
            if (name, profile) not in receivers:
                folder: Path = tmp_path_factory.mktemp(f"{name}-{profile}")
                receivers[name, profile] = stack.enter_context(running(name, folder, key_pair, tls, profile))
            return receivers[name, profile]

        yield started


@pytest.fixture(scope="session")
def php_receiver(start: Start) -> Receiver:
    """PHP's built-in server behind TLS; it verifies with openssl_verify."""
    return start("php", Profile())


@pytest.fixture(scope="session")
def node_receiver(start: Start) -> Receiver:
    """Node's https server; it verifies with crypto.verify."""
    return start("node", Profile())


@pytest.fixture(scope="session", params=["php", "node"])
def receiver(request: pytest.FixtureRequest) -> Receiver:
    """Each of them in turn."""
    found: Receiver = request.getfixturevalue(f"{request.param}_receiver")
    return found
