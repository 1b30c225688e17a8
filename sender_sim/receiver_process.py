"""The receiver as a process of its own, run as a customer runs it: through its command line and its environment."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.error import URLError
from urllib.request import urlopen

import click

from sender_sim.certs import DevelopmentKeys
from sender_sim.transports import trust

__all__ = ["ReceiverProcess", "free_port"]

_START_SECONDS: Final = 30


class ReceiverProcess:
    """`receiver serve` over HTTPS on this machine, on a free port unless `port` names one.

    Only signed requests are accepted, unless `settings`, named as in the environment, say otherwise.
    """

    def __init__(self, keys: DevelopmentKeys, settings: Mapping[str, str], port: int | None = None) -> None:
        self._port = port or free_port()
        self._tls = trust(keys.ca)
        self._log = keys.folder / "receiver.log"
        self._process: subprocess.Popen[bytes] | None = None
        others = {name: value for name, value in os.environ.items() if not name.startswith("KAISA_")}
        self._environment = others | {
            "DATABASE_URL": f"sqlite:///{keys.folder / 'inbox.sqlite3'}",
            "PORT": str(self._port),
            "WEB_CONCURRENCY": "1",
            "KAISA_TRUSTED_KEYS": str(keys.signing_certificate),
            "KAISA_TLS_CERT": str(keys.tls_certificate),
            "KAISA_TLS_KEY": str(keys.tls_key),
            **settings,
        }

    @classmethod
    @contextmanager
    def running(cls, keys: DevelopmentKeys, settings: Mapping[str, str], port: int | None = None) -> Iterator[Self]:
        """A receiver that is stopped at the end of the block."""
        receiver = cls(keys, settings, port)
        try:
            receiver.start()
            yield receiver
        finally:
            receiver.stop()

    @property
    def url(self) -> str:
        """Where it takes webhooks."""
        return f"https://localhost:{self._port}/webhook"

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises ClickException with its log if it never is, and OSError where something listens at its port: that may be
        a receiver whose simulator was killed, which would seem to be this one.
        """
        socket.create_server(("127.0.0.1", self._port)).close()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "receiver", "serve"], env=self._environment, stdout=log, stderr=log
            )
        give_up = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < give_up:
            try:
                with urlopen(f"https://localhost:{self._port}/readyz", context=self._tls, timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise click.ClickException(f"the receiver did not start:\n{self._log.read_text()}")

    def stop(self) -> None:
        """Stop it as a platform does, with SIGTERM, and wait until it is gone."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def stored(self, what: str) -> list[dict[str, Any]]:
        """Its own account of `deliveries` or `refusals`, newest first."""
        command = [sys.executable, "-m", "receiver", what, "list", "--format", "json", "--limit", "10000"]
        output = subprocess.run(command, env=self._environment, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603 - our own
        return [json.loads(line) for line in output.splitlines()]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
