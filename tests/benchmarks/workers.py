"""How many deliveries a second 1, 2 and 4 workers store, handle and answer, on each database."""

import statistics
from functools import partial
from typing import Final

from receiver import build
from tests import postgres
from tests.benchmarks.figure import Figure, Measured
from tests.benchmarks.receiver_cost import Bench
from tests.benchmarks.servers import RECEIVER

__all__ = ["FIGURES"]

_DATABASES: Final = {"SQLite": False, "PostgreSQL": True}


def _rate(quick: bool, *, workers: int, server: bool) -> Measured:
    count = 150 if quick else 700
    with Bench.open() as bench:
        settings = {"WEB_CONCURRENCY": str(workers)}
        if server:
            settings["DATABASE_URL"] = bench.stack.enter_context(postgres.server(fsync=True)).create_database()
            build.migrate(settings["DATABASE_URL"])
        load = bench.load(RECEIVER, settings=settings)
        cpu = statistics.median(load.cpu(count) for _ in range(3))
    return Measured(load.rate, f"{cpu:,.0f} µs of the receiver's CPU each")


FIGURES: Final = tuple(
    Figure(
        name=f"workers: deliveries a second on {database}, {workers} worker{'s' if workers > 1 else ''}",
        measure=partial(_rate, workers=workers, server=server),
        shown="{:.0f}",
    )
    for database, server in _DATABASES.items()
    for workers in (1, 2, 4)
)
