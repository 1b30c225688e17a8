"""What a delivery, and a list of them, costs with many deliveries stored, against none."""

import sqlite3
import time
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from receiver import build
from receiver.inspector.listing import find
from receiver.inspector.search import Search, parse
from tests.benchmarks.figure import Figure, Measured, ratios
from tests.benchmarks.receiver_cost import Bench, Load
from tests.benchmarks.servers import RECEIVER

__all__ = ["FIGURES"]

# Bodies are short, so that the disk need not hold gigabytes: what grows with the rows are the indexes.
_FILL: Final = """
INSERT INTO deliveries (key, digest, revision, state, attempts, seen, first_seen, last_seen, handled_at, encoding,
                        call_id, event_type, numbers, content_type, body, fields, wire_values, answer)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :rows)
SELECT 'event:' || lower(hex(randomblob(32))), lower(hex(randomblob(32))), 1, 'handled', 1, '[]',
       datetime(1700000000 + n * 20, 'unixepoch'), datetime(1700000000 + n * 20, 'unixepoch'),
       datetime(1700000000 + n * 20, 'unixepoch'), 'form', lower(hex(randomblob(8))), n % 3,
       ' +46701740' || (605 + n % 95) || ' ', 'application/x-www-form-urlencoded', 'id=' || n, '{}', '{}', '{}'
FROM number
"""
_NUMBER_OF_NONE: Final = "+46701740999"


@cache
def _folder() -> TemporaryDirectory[str]:
    """For all figures: filling a store takes longer than measuring it. It is removed at the end of the process."""
    return TemporaryDirectory(prefix="bench-growth-")


@cache
def _filled(rows: int) -> str:
    """The URL of a store with so many deliveries; a measured one adds a few thousand."""
    path = Path(_folder().name) / f"with-{rows}.sqlite3"
    url = f"sqlite:///{path}"
    build.open_inbox(url)
    if rows:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA cache_size=-1000000")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(_FILL, {"rows": rows})
    return url


def _delivery(quick: bool, *, rows: int) -> Measured:
    rows, requests = (rows // 20, 200) if quick else (rows, 500)
    with Bench.open() as bench:
        full, empty = (_load(bench, _filled(count)) for count in (rows, 0))
        ratio, (ours, theirs) = ratios(lambda: full.cpu(requests), lambda: empty.cpu(requests), quick=quick)
    return Measured(ratio, f"{rows:,} stored: {ours:,.0f} and {theirs:,.0f} µs")


def _load(bench: Bench, url: str) -> Load:
    return bench.load(RECEIVER, settings={"DATABASE_URL": url})


def _question(quick: bool, *, rows: int, wanted: Search) -> Measured:
    rows = rows // 20 if quick else rows
    full, few = (partial(_seconds, _filled(count), wanted) for count in (rows, 100))
    ratio, (ours, theirs) = ratios(full, few, quick=quick)
    return Measured(ratio, f"{rows:,} stored: {ours * 1000:,.1f} and {theirs * 1000:,.1f} ms")


def _seconds(url: str, wanted: Search) -> float:
    inbox = build.open_inbox(url, probe=False)
    with inbox.reading() as connection:
        find(connection, wanted)  # so that both have what they need in memory
        began = time.perf_counter()
        find(connection, wanted)
        return time.perf_counter() - began


FIGURES: Final = (
    Figure(
        name="growth: CPU of a delivery, 100,000 stored / none", measure=partial(_delivery, rows=100_000), at_most=1.1
    ),
    Figure(
        name="growth: CPU of a delivery, 2,000,000 stored / none",
        measure=partial(_delivery, rows=2_000_000),
        at_most=1.1,
    ),
    Figure(
        name="growth: a page of the inspector's list, 2,000,000 stored / 100",
        measure=partial(_question, rows=2_000_000, wanted=parse({})),
        at_most=2,
    ),
    Figure(
        name="growth: a page of its list of one event type, 2,000,000 stored / 100",
        measure=partial(_question, rows=2_000_000, wanted=parse({"event": "sms"})),
        at_most=2,
    ),
    Figure(
        name="growth: its search for a call, 2,000,000 stored / 100",
        measure=partial(_question, rows=2_000_000, wanted=parse({"call": "call-1"})),
        at_most=2,
    ),
    Figure(
        name="growth: its search for a number that is not there, 2,000,000 stored / 100",
        measure=partial(_question, rows=2_000_000, wanted=parse({"number": _NUMBER_OF_NONE})),
        at_most=2,
    ),
)
