"""How many signed deliveries a second the receiver stores, handles and answers on this machine.

    python -m tests.benchmarks.capacity [--database sqlite|postgresql] [--workers N] [--clients N] [--seconds N]

The receiver runs as customers run it, over HTTPS; the clients are in this process, so on a machine with few cores they
take their share of it. A figure for docs/scaling.md, not a test: nothing here passes or fails by a clock.
"""

import asyncio
import random
import ssl
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from receiver import build
from receiver.wire import EventType
from sender_sim import certs
from sender_sim.core import synthetic
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from sender_sim.receiver_process import ReceiverProcess
from sender_sim.transports import trust
from tests import postgres


def main(arguments: list[str]) -> None:
    """Measure once and print a line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="capacity-") as folder, ExitStack() as stack:
        keys = certs.mint(Path(folder), now=datetime.now(UTC))
        settings = {"WEB_CONCURRENCY": str(options.workers)}
        if options.database == "postgresql":
            settings["DATABASE_URL"] = stack.enter_context(_postgresql())
        receiver = stack.enter_context(ReceiverProcess.running(keys, settings))
        signer = Signer(keys.signing_key.read_bytes())
        seconds = asyncio.run(_load(_requests(receiver.url, signer), trust(keys.ca), options))
    rate = len(seconds) / options.seconds
    cuts = statistics.quantiles(seconds, n=100)
    sys.stdout.write(
        f"{options.database}, {options.workers} workers, {options.clients} clients: {rate:.0f} deliveries/s, "
        f"median {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms\n"
    )


def _options(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.benchmarks.capacity")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=10)
    return parser.parse_args(arguments)


@contextmanager
def _postgresql() -> Iterator[str]:
    """A server of our own that syncs to disk, as a customer's does."""
    with postgres.server(fsync=True) as running:
        url = running.create_database()
        build.migrate(url)
        yield url


def _requests(url: str, signer: Signer) -> Iterator[Request]:
    """Post-calls, no two alike."""
    integration = Integration(url=url, signer=signer)
    for call in synthetic.calls(random.Random(1), sys.maxsize, datetime.now(UTC)):
        yield request_for(call, EventType.POST_CALL, integration)


async def _load(requests: Iterator[Request], tls: ssl.SSLContext, options: Namespace) -> list[float]:
    """The seconds that each answered delivery took."""
    taken: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls, limit=0)) as session:

        async def client(until: float) -> None:
            while (started := time.perf_counter()) < until:
                request = next(requests)
                headers = {"Content-Type": request.content_type}
                async with session.post(request.url, data=request.body, headers=headers) as answer:
                    await answer.read()
                    assert answer.status == 200, await answer.text()
                taken.append(time.perf_counter() - started)

        until = time.perf_counter() + options.seconds
        await asyncio.gather(*(client(until) for _ in range(options.clients)))
    return taken


if __name__ == "__main__":
    main(sys.argv[1:])
