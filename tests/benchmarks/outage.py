"""How long a simulated outage of a week takes, and how much memory: by the engine alone, and against the receiver.

    python -m tests.benchmarks.outage [--calls N] [--outage 6d23h30m] [--concurrency N]

The outage is of a kind that customers have: the receiver runs, but trusts another key than Kaisa signs with, and
answers 403. So each attempt is a real one, over HTTPS and a connection of its own, to a process that reads it, verifies
its signature and writes the refusal down. Then the receiver is started again with the right key, and what was due is
delivered by its last attempts. The engine alone has the same calls and answers, from memory. Each runs in a process of
its own, so that the memory is that run's. Figures for docs/simulator.md, not a test.
"""

import asyncio
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sender_sim import certs
from sender_sim.clocks import VirtualClock
from sender_sim.core import spans, synthetic
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Engine
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.core.sign import Signer
from sender_sim.receiver_process import ReceiverProcess
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.transports import HttpsTransport, Transport, trust

_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run came to. `memory` is the most that its process had, in MB."""

    seconds: float
    memory: float
    attempts: int
    delivered: int
    given_up: int
    failures: dict[str, int]

    def __str__(self) -> str:
        failed = ", ".join(f"{count:,}x {what}" for what, count in self.failures.items())
        return (
            f"{self.attempts:,} attempts in {self.seconds:.1f} s ({self.attempts / self.seconds:,.0f}/s), "
            f"at most {self.memory:.0f} MB; delivered: {self.delivered}, given up: {self.given_up}, failed: {failed}"
        )


class InMemory:
    """Answers at once: 403 until the outage is over, then 200."""

    def __init__(self, outage: timedelta) -> None:
        self._end = _START + outage

    async def send(self, attempt: Attempt) -> Outcome:
        return Answered(403 if attempt.at < self._end else 200)


class Endpoint:
    """The receiver, which trusts a stranger's key until the outage is over."""

    def __init__(self, folder: Path, outage: timedelta) -> None:
        self.keys = certs.mint(folder, now=datetime.now(UTC))
        self._trusted = folder / "trusted.pem"
        stranger = certs.mint(folder / "stranger", now=datetime.now(UTC))
        self._trusted.write_bytes(stranger.signing_certificate.read_bytes())
        self.receiver = ReceiverProcess(self.keys, {"KAISA_TRUSTED_KEYS": str(self._trusted)})
        self._end, self._down = _START + outage, True

    def at(self, now: datetime) -> None:
        """End the outage when it is time."""
        if self._down and now >= self._end:
            self._down = False
            self.receiver.stop()
            self._trusted.write_bytes(self.keys.signing_certificate.read_bytes())
            self.receiver.start()


def main(arguments: list[str]) -> None:
    """Measure both and print a line for each."""
    options = _options(arguments)
    sys.stdout.write(f"{options.calls} calls, down for {spans.text(options.outage)}\n")
    for name, measure in (("the engine alone", _alone), ("over HTTPS", _over_https)):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            sys.stdout.write(f"{name}: {process.submit(measure, options).result()}\n")


def _options(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.benchmarks.outage")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--outage", type=spans.parse, default=spans.parse("6d23h30m"))
    parser.add_argument("--concurrency", type=int, default=20)
    return parser.parse_args(arguments)


def _alone(options: Namespace) -> Measured:
    integration = Integration(url="https://localhost/webhook", after_outbound=True)
    return asyncio.run(_measure(options, integration, InMemory(options.outage), None))


def _over_https(options: Namespace) -> Measured:
    with tempfile.TemporaryDirectory(prefix="outage-") as folder:
        endpoint = Endpoint(Path(folder), options.outage)
        signer = Signer(endpoint.keys.signing_key.read_bytes())
        integration = Integration(url=endpoint.receiver.url, after_outbound=True, signer=signer)
        endpoint.receiver.start()
        try:
            transport = HttpsTransport(trust(endpoint.keys.ca))
            return asyncio.run(_measure(options, integration, transport, endpoint))
        finally:
            endpoint.receiver.stop()


async def _measure(
    options: Namespace, integration: Integration, transport: Transport, endpoint: Endpoint | None
) -> Measured:
    engine, summary = Engine(integration), Summary()
    engine.feed(synthetic.calls(random.Random(1), options.calls, _START))
    began = time.perf_counter()
    async for event in run(engine, VirtualClock(_START), transport, concurrency=options.concurrency):
        summary.listen(event)
        if endpoint:
            endpoint.at(event.at)  # it holds the run up, and that is right: virtual time stands still meanwhile
    return Measured(
        seconds=time.perf_counter() - began,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,  # Linux counts in KiB
        attempts=summary.attempts,
        delivered=summary.delivered,
        given_up=summary.given_up,
        failures=dict(summary.failures),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
