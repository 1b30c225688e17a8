"""One receiver for each setup and transport, started when it is first asked for and stopped at the end."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from receiver import config, macro
from receiver.app import create_app
from sender_sim import certs
from sender_sim.certs import DevelopmentKeys
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from sender_sim.receiver_process import ReceiverProcess
from sender_sim.transports import HttpsTransport, trust
from tests.together.deployed import Deployed, Setup, in_process

Deploy = Callable[[Setup], Deployed]

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def development_keys(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentKeys:
    return certs.mint(tmp_path_factory.mktemp("together"), now=datetime.now(UTC))


@pytest.fixture
def call_id(request: pytest.FixtureRequest) -> str:
    """An id that no other test's call has."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))


@pytest.fixture(scope="session", params=["in process", "gunicorn"])
def deploy(
    request: pytest.FixtureRequest, development_keys: DevelopmentKeys, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deploy]:
    """The receiver for a setup."""
    start = _in_process if request.param == "in process" else _under_gunicorn
    running: dict[Setup, Deployed] = {}
    folder = tmp_path_factory.mktemp("receivers")

    with ExitStack() as stack:

        def deployed(setup: Setup) -> Deployed:
            if setup not in running:
                running[setup] = start(setup, development_keys, folder, stack)
            return running[setup]

        yield deployed


def _environ(setup: Setup, keys: DevelopmentKeys, folder: Path) -> dict[str, str]:
    book = folder / "handled"
    book.touch()
    return {
        "DATABASE_URL": f"sqlite:///{folder}/{setup}.sqlite3",
        "KAISA_HANDLERS": "tests.together.handlers",
        "KAISA_MACRO": setup.macro,
        "KAISA_TRUSTED_KEYS": str(keys.signing_certificate) if setup.signed else "",
        "KAISA_ACCEPT_UNSIGNED": "" if setup.signed else "true",
        "HANDLED": str(book),
    }


def _in_process(setup: Setup, keys: DevelopmentKeys, folder: Path, stack: ExitStack) -> Deployed:
    environ = _environ(setup, keys, folder)
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("HANDLED", environ["HANDLED"])
    app = create_app(config.load(environ, now=datetime.now(UTC)))
    return Deployed(
        _integration("https://receiver.example/webhook", setup, keys),
        in_process(app),
        environ["DATABASE_URL"],
        Path(environ["HANDLED"]),
    )


def _under_gunicorn(setup: Setup, keys: DevelopmentKeys, folder: Path, stack: ExitStack) -> Deployed:
    environ = _environ(setup, keys, folder)
    process = stack.enter_context(ReceiverProcess.running(keys, environ | {"PYTHONPATH": str(_ROOT)}))
    return Deployed(
        _integration(process.url, setup, keys),
        lambda: HttpsTransport.open(trust(keys.ca)),
        environ["DATABASE_URL"],
        Path(environ["HANDLED"]),
    )


def _integration(url: str, setup: Setup, keys: DevelopmentKeys) -> Integration:
    signer = Signer(keys.signing_key.read_bytes()) if setup.signed else None
    return Integration(url=url, macro=macro.parse(setup.macro, recording=True), signer=signer)
