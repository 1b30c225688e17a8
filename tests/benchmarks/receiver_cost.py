"""A signed, durable, handled delivery against a bare Flask route under the same gunicorn: CPU time and latency."""

import random
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from receiver import wire
from receiver.wire import EventType
from sender_sim import certs
from sender_sim.certs import DevelopmentKeys
from sender_sim.core import synthetic
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from sender_sim.transports import trust
from tests.benchmarks.client import post
from tests.benchmarks.figure import Figure, Measured, ratios
from tests.benchmarks.servers import BARE, RECEIVER, Server, serving

__all__ = ["FIGURES", "Bench", "Load"]

_MANY: Final = 50


@dataclass
class Load:
    """Requests for one server, no two alike, and how they are sent to it."""

    server: Server
    requests: Iterator[Request]
    tls: ssl.SSLContext | None
    connections: int
    rates: list[float] = field(default_factory=list)

    def send(self, count: int) -> list[float]:
        """Send so many. Returns the seconds each took. Over TLS each has a connection of its own, as Kaisa's have."""
        batch = list(islice(self.requests, count))
        began = time.perf_counter()
        taken = post(self.server, batch, connections=self.connections, tls=self.tls, fresh=self.tls is not None)
        self.rates.append(count / (time.perf_counter() - began))
        return taken

    def cpu(self, count: int) -> float:
        """Microseconds of the server's CPU that a request takes."""
        before = self.server.cpu_seconds()
        self.send(count)
        return (self.server.cpu_seconds() - before) / count * 1e6

    def p99(self, count: int) -> float:
        """Milliseconds within which 99 of 100 are answered."""
        return statistics.quantiles(self.send(count), n=100)[98] * 1000

    @property
    def rate(self) -> float:
        """Requests that were answered in a second: the median of all that were sent together."""
        return statistics.median(self.rates)


@dataclass
class Bench:
    """A folder, keys, and servers that run until the end of the block."""

    folder: Path
    keys: DevelopmentKeys
    stack: ExitStack

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Bench"]:
        """A bench for the block."""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
            yield cls(Path(folder), certs.mint(Path(folder), now=datetime.now(UTC)), stack)

    def load(
        self,
        application: str,
        *,
        encoding: str = wire.FORM,
        tls: bool = True,
        one_cpu: bool = False,
        connections: int = 16,
        settings: Mapping[str, str] | None = None,
    ) -> Load:
        """A server that has warmed up, and a load for it."""
        database = {"DATABASE_URL": f"sqlite:///{self.folder / 'inbox.sqlite3'}"}
        given = database | dict(settings or {})
        server = self.stack.enter_context(serving(application, self.keys, given, tls=tls, one_cpu=one_cpu))
        integration = Integration(url=server.url, encoding=encoding, signer=Signer(self.keys.signing_key.read_bytes()))
        calls = synthetic.calls(random.Random(), sys.maxsize, datetime.now(UTC))
        requests = (request_for(call, EventType.POST_CALL, integration) for call in calls)
        load = Load(server, requests, trust(self.keys.ca) if tls else None, connections)
        load.send(100)
        return load


def _cpu(quick: bool, *, encoding: str, tls: bool, one_cpu: bool = False) -> Measured:
    with Bench.open() as bench:
        receiver, bare = (bench.load(each, encoding=encoding, tls=tls, one_cpu=one_cpu) for each in (RECEIVER, BARE))
        count = 200 if quick else 700
        ratio, (ours, theirs) = ratios(lambda: receiver.cpu(count), lambda: bare.cpu(count), quick=quick)
        rates = f"{receiver.rate:.0f} and {bare.rate:.0f} a second"
    return Measured(ratio, f"{ours:,.0f} and {theirs:,.0f} µs; {rates}")


def _p99(quick: bool) -> Measured:
    with Bench.open() as bench:
        receiver, bare = (bench.load(each, connections=_MANY) for each in (RECEIVER, BARE))
        count = 300 if quick else 1000
        ratio, (ours, theirs) = ratios(lambda: receiver.p99(count), lambda: bare.p99(count), quick=quick)
    return Measured(ratio, f"{ours:.0f} and {theirs:.0f} ms")


FIGURES: Final = (
    Figure(
        name="receiver: CPU of a signed form, stored and handled, over HTTPS / of a bare Flask route",
        measure=partial(_cpu, encoding=wire.FORM, tls=True),
        at_most=1.5,
    ),
    Figure(
        name="receiver: the same, JSON",
        measure=partial(_cpu, encoding=wire.JSON, tls=True),
        at_most=1.5,
    ),
    Figure(
        name="receiver: the same, form, both kept on one CPU",
        measure=partial(_cpu, encoding=wire.FORM, tls=True, one_cpu=True),
    ),
    Figure(
        name="receiver: the same, form, behind a proxy (HTTP, connections kept)",
        measure=partial(_cpu, encoding=wire.FORM, tls=False),
    ),
    Figure(name="receiver: p99 of 50 connections / the bare route's", measure=_p99, at_most=2),
)
