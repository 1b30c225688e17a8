"""The simulator: its engine, its attempts over HTTPS, a week of a dead endpoint, and memory."""

import asyncio
import gc
import random
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp

from receiver.wire import EventType
from sender_sim import certs
from sender_sim.certs import DevelopmentKeys
from sender_sim.clocks import VirtualClock
from sender_sim.core import synthetic
from sender_sim.core.delivery import Request
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Failed, Failure
from sender_sim.core.sign import Signer
from sender_sim.reports.summary import Summary
from sender_sim.run import run
from sender_sim.transports import HttpsTransport, trust
from tests.benchmarks.endpoint import endpoint
from tests.benchmarks.engine import ATTEMPTS, by_engine, by_simpy, cpu_of
from tests.benchmarks.figure import Figure, Measured, ratios

__all__ = ["FIGURES"]

_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_TEXTS: Final = synthetic.Profile(sms=1.0, over=timedelta(minutes=20))  # text messages: one delivery each
# All at one time, so that the simulator has as many in flight as the others.
_BURST: Final = synthetic.Profile(sms=1.0, over=timedelta(0))
_AT_ONCE: Final = 20


def _engine(quick: bool) -> Measured:
    deliveries = 50 if quick else 200
    ratio, (ours, theirs) = ratios(
        lambda: cpu_of(by_engine, deliveries), lambda: cpu_of(by_simpy, deliveries), quick=quick
    )
    rates = [deliveries * ATTEMPTS / each for each in (ours, theirs)]
    return Measured(ratio, "{:,.0f} and {:,.0f} attempts a second".format(*rates))


def _attempts(quick: bool) -> Measured:
    count = 300 if quick else 800
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        keys = certs.mint(Path(folder), now=datetime.now(UTC))
        with endpoint(keys) as url:
            ratio, costs = ratios(
                lambda: _cpu_each(_simulated(url, keys, count), count),
                lambda: _cpu_each(_bare(url, keys, count), count),
                quick=quick,
            )
    return Measured(ratio, "{:,.0f} and {:,.0f} µs of CPU an attempt".format(*costs))


def _cpu_each(work: Any, count: int) -> float:
    began = time.process_time()
    asyncio.run(work)
    return (time.process_time() - began) / count * 1e6


async def _simulated(url: str, keys: DevelopmentKeys, count: int) -> None:
    """All that the simulator does, signing left out on both sides: it is OpenSSL's time, and the same for both."""
    engine, summary = Engine(Integration(url=url)), Summary()
    engine.feed(synthetic.calls(random.Random(1), count, _START, _BURST))
    transport = HttpsTransport(trust(keys.ca))
    async for event in run(engine, VirtualClock(_START), transport, concurrency=_AT_ONCE):
        summary.listen(event)
    assert summary.delivered == count, summary


async def _bare(url: str, keys: DevelopmentKeys, count: int) -> None:
    """A loop over requests made before, each on a connection of its own, as the simulator's are."""
    left = iter(_made(url, count))
    connector = aiohttp.TCPConnector(ssl=trust(keys.ca), limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def client() -> None:
            for request in left:
                async with session.post(request.url, data=request.body, headers=request.headers) as answer:
                    await answer.read()
                    assert answer.status == 200

        await asyncio.gather(*(client() for _ in range(_AT_ONCE)))


def _made(url: str, count: int) -> Sequence[Request]:
    calls = synthetic.calls(random.Random(1), count, _START, _TEXTS)
    return [request_for(call, EventType.SMS, Integration(url=url)) for call in calls]


def _locust(quick: bool) -> Measured:
    count = 300 if quick else 800
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        keys = certs.mint(Path(folder), now=datetime.now(UTC))
        with endpoint(keys) as url:
            ratio, costs = ratios(
                lambda: _locust_cpu(url, keys),
                lambda: _cpu_each(_simulated(url, keys, count), count),
                quick=True,
            )
    return Measured(ratio, "{1:,.0f} and {0:,.0f} µs of CPU an attempt".format(*costs))


def _locust_cpu(url: str, keys: DevelopmentKeys) -> float:
    """Microseconds of CPU for one more attempt: of a longer run less a shorter, so that its start is not counted."""
    (short, few), (long, many) = (_locust_run(url, keys, seconds) for seconds in (2, 6))
    return (long - short) / (many - few) * 1e6


def _locust_run(url: str, keys: DevelopmentKeys, seconds: int) -> tuple[float, int]:
    """CPU seconds and attempts of a run of Locust with the simulator's user class."""
    csv = keys.folder / f"locust-{seconds}"
    command = [sys.executable, "-m", "locust", "-f", "sender_sim/load.py", "--headless", "--only-summary"]
    options = ["--users", str(_AT_ONCE), "--spawn-rate", "100", "--run-time", f"{seconds}s", "--csv", str(csv)]
    before = _children()
    subprocess.run(
        [*command, *options, "--host", url, "--kaisa-ca", str(keys.ca), "--kaisa-duplicates", "0"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    name, *rest = Path(f"{csv}_stats.csv").read_text("utf-8").splitlines()[-1].split(",")[1:]
    assert name == "Aggregated"
    return _children() - before, int(rest[0])


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _week(quick: bool) -> Measured:
    deliveries = 1 if quick else 10
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        keys = certs.mint(Path(folder), now=datetime.now(UTC))
        with endpoint(keys, 500) as url:
            began = time.perf_counter()
            summary = asyncio.run(_dead(url, keys, deliveries))
            seconds = time.perf_counter() - began
    assert (summary.attempts, summary.given_up) == (deliveries * ATTEMPTS, deliveries)
    each = "" if deliveries == 1 else f"; {deliveries} deliveries: {seconds:.1f} s"
    return Measured(seconds / deliveries, f"{ATTEMPTS} attempts{each}")


async def _dead(url: str, keys: DevelopmentKeys, count: int) -> Summary:
    engine, summary = Engine(Integration(url=url)), Summary()
    engine.feed(synthetic.calls(random.Random(1), count, _START, _BURST))
    async for event in run(engine, VirtualClock(_START), HttpsTransport(trust(keys.ca)), concurrency=_AT_ONCE):
        summary.listen(event)
    return summary


class _SignsOnce(Signer):
    """A signer whose signatures are made once and copied: as large as any, and 100,000 of them in no time."""

    def sign(self, payload: bytes) -> str:
        """The signature of something else."""
        if not hasattr(_SignsOnce, "made"):
            _SignsOnce.made = super().sign(payload).encode()  # type: ignore[attr-defined]  # kept for the others
        return _SignsOnce.made.decode()  # type: ignore[attr-defined, no-any-return]  # as above


def _memory(quick: bool) -> Measured:
    wanted = 5_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        key = certs.mint(Path(folder), now=datetime.now(UTC)).signing_key.read_bytes()
    engine = Engine(Integration(url="https://localhost/webhook", signer=_SignsOnce(key)))
    engine.feed(synthetic.calls(random.Random(1), wanted, _START, _TEXTS))
    dead = Failed(Failure.CONNECT)
    tracemalloc.start(1)
    try:
        while (now := engine.next_due()) and now < _START + timedelta(minutes=25):
            for attempt in engine.advance(now, room=1).attempts:
                for _ in engine.conclude(attempt, dead, now):
                    pass
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Measured(held / wanted, f"{wanted:,} pending, signed; {len(_body(key)):,} of them are its body")


def _body(key: bytes) -> bytes:
    [call] = synthetic.calls(random.Random(1), 1, _START, _TEXTS)
    return request_for(call, EventType.SMS, Integration(url="https://localhost/webhook", signer=Signer(key))).body


FIGURES: Final = (
    Figure(name="simulator: CPU of the engine alone / of the same in SimPy", measure=_engine, at_most=1.0),
    Figure(name="simulator: CPU of an attempt over HTTPS / of a bare aiohttp loop", measure=_attempts, at_most=1.25),
    Figure(name="simulator: attempts per CPU second / Locust's (sender_sim/load.py)", measure=_locust, at_least=1.5),
    Figure(name="simulator: 7 days of a dead endpoint, one delivery over HTTPS", measure=_week, shown="{:.1f} s"),
    Figure(
        name="simulator: memory of a pending delivery, 100,000 pending",
        measure=_memory,
        shown="{:,.0f} bytes",
        at_most=1_500,
    ),
)
