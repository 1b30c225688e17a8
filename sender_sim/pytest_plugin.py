"""The pytest plugin (docs/pytest.md): the contract's checks as tests, and fixtures for tests of one's own.

pytest loads this module wherever the kit is installed, so it loads nothing itself until it is used.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from sender_sim.certs import DevelopmentKeys
    from sender_sim.testing import OpenSender

__all__ = ["OPTIONS", "kaisa_keys", "kaisa_sender"]

_SWITCH: Final = {"action": "store_true", "default": None}
_NUMBER: Final = {"type": float, "metavar": "SECONDS"}
# Flag, name and meaning as `sender-sim check` has them: the flag here is `--kaisa-` and its flag.
OPTIONS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("url", "url", "Check that this endpoint keeps to Kaisa's contract.", {"metavar": "URL"}),
    ("settings", "file", "Settings file (TOML); flags override it.", {"metavar": "FILE"}),
    ("macro", "macro", "Macro text (C3). Default: Kaisa's default macro.", {"metavar": "TEXT"}),
    ("json", "json", "JSON, not form (C4).", _SWITCH),
    ("form", "json", "Form, whatever the settings file says (C4).", _SWITCH | {"action": "store_false"}),
    ("sign", "key", "Sign with this private key, PEM (C7).", {"metavar": "FILE"}),
    ("digest", "digest", "Signature digest. Default: sha256.", {"metavar": "NAME"}),
    ("padding", "padding", "Signature padding. Default: pkcs1v15.", {"metavar": "NAME"}),
    ("encoding", "encoding", "Signature encoding. Default: base64.", {"metavar": "NAME"}),
    ("allow-weak-key", "allow_weak", "Sign even with under 2048 bits.", _SWITCH),
    ("wait-for-recording", "wait_for_recording", "Hold the post-call for its recording (C9).", _SWITCH),
    ("ca", "ca", "Trust the certificates in this PEM file instead of the system's.", {"metavar": "FILE"}),
    ("allow-http", "allow_http", "Permit http, to this machine only.", _SWITCH),
    ("timeout", "timeout", "Seconds an attempt may take, for tests. Default: 20 (R3).", _NUMBER),
    ("baseline", "accepted", "Accept the deviations in this file.", {"metavar": "FILE"}),
)
_PREFIX: Final = "kaisa_"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("kaisa", "Kaisa's webhook contract")
    for flag, name, meaning, details in OPTIONS:
        group.addoption(f"--kaisa-{flag}", dest=f"{_PREFIX}{name}", help=meaning, **details)


def pytest_configure(config: pytest.Config) -> None:
    """Have the checks collected, if an endpoint is given."""
    config.addinivalue_line("markers", "kaisa: a check of Kaisa's webhook contract.")
    if not (config.getoption("kaisa_url") or config.getoption("kaisa_file")):
        return
    given = {name: config.getoption(f"{_PREFIX}{name}") for _, name, *_ in OPTIONS}
    with _extras("--kaisa-url", pytest.UsageError):
        from sender_sim.testing.contract import Contract
    flags = tuple(flag for flag, *_ in OPTIONS)
    config.pluginmanager.register(Contract(flags, **given), "kaisa-contract")


@pytest.fixture(scope="session")
def kaisa_keys(tmp_path_factory: pytest.TempPathFactory) -> "DevelopmentKeys":
    """Keys of this session alone: `signing_key` signs, `signing_certificate` is what the endpoint is to trust.

    And for an endpoint over HTTPS on this machine: `tls_certificate`, `tls_key`, and the `ca` that issued it.
    """
    from datetime import UTC, datetime

    with _extras("kaisa_keys", _failure):
        from sender_sim import certs
    return certs.mint(tmp_path_factory.mktemp("kaisa"), now=datetime.now(UTC))


@pytest.fixture
def kaisa_sender(request: pytest.FixtureRequest) -> "OpenSender":
    """Sends what Kaisa sends: `kaisa_sender(app).post_call(answered=True)` (docs/pytest.md)."""
    with _extras("kaisa_sender", _failure):
        from sender_sim.testing import OpenSender
    return OpenSender(lambda: request.getfixturevalue("kaisa_keys").signing_key)


@contextmanager
def _extras(used: str, error: Callable[[str], BaseException]) -> Iterator[None]:
    """Say what to install for what is used."""
    try:
        yield
    except ModuleNotFoundError as missing:
        words = f"{used} needs {missing.name}, which is not installed: pip install 'kaisa-webhook-kit[sim]'"
        raise error(words) from None


def _failure(words: str) -> BaseException:
    return pytest.fail.Exception(words, pytrace=False)
