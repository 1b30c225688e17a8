"""The receiver and the bare route under the same gunicorn, and the CPU time they take."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil

from sender_sim.certs import DevelopmentKeys
from sender_sim.receiver_process import free_port
from sender_sim.transports import trust

__all__ = ["BARE", "RECEIVER", "Server", "serving"]

RECEIVER: Final = "receiver.wsgi:app"
BARE: Final = "tests.benchmarks.bare:app"
_START_SECONDS: Final = 60


@dataclass(frozen=True)
class Server:
    """A gunicorn that answers."""

    process: psutil.Process
    port: int
    tls: bool

    @property
    def url(self) -> str:
        """Where it takes webhooks."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/webhook"

    def cpu_seconds(self) -> float:
        """What the master and its workers have used so far, user and system."""
        each = (process.cpu_times() for process in (self.process, *self.process.children(recursive=True)))
        return sum(times.user + times.system for times in each)


@contextmanager
def serving(
    application: str, keys: DevelopmentKeys, settings: Mapping[str, str], *, tls: bool, one_cpu: bool = False
) -> Iterator[Server]:
    """`application` served with receiver/gunicorn.conf.py until the end of the block; `one_cpu`: kept on one CPU."""
    port = free_port()
    with_tls = {"KAISA_TLS_CERT": str(keys.tls_certificate), "KAISA_TLS_KEY": str(keys.tls_key)} if tls else {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAISA_")}
    environment |= {"PORT": str(port), "KAISA_TRUSTED_KEYS": str(keys.signing_certificate), **with_tls, **settings}
    command = [sys.executable, "-m", "gunicorn", "--config", "receiver/gunicorn.conf.py", application]
    if one_cpu:
        command = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *command]
    log = keys.folder / f"{application}-{port}.log"
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            server = Server(psutil.Process(process.pid), port, tls)
            _wait_until_it_answers(server, keys, log)
            yield server
        finally:
            process.terminate()


def _wait_until_it_answers(server: Server, keys: DevelopmentKeys, log: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        try:
            urlopen(server.url, context=trust(keys.ca) if server.tls else None, timeout=5).close()  # noqa: S310 - our own
        except HTTPError:
            return  # 405: it answers
        except (URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"not up after {_START_SECONDS} s:\n{log.read_text()}")
