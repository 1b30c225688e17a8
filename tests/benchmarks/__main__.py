"""Measures everything and writes the table of docs/performance.md: `make bench`, `make bench QUICK=1`.

    python -m tests.benchmarks [--quick] [--only TEXT] [--write]

Each figure is a ratio of two things measured by turns in one run, or says what it is. Everything runs on this machine,
on loopback, and ends what it started.
"""

import signal
import sys
import time
from argparse import ArgumentParser, Namespace

from tests.benchmarks import growth, receiver_cost, simulator, startup, workers
from tests.benchmarks.document import DOCUMENT, machine, row, with_table
from tests.benchmarks.figure import Figure

FIGURES = (
    *receiver_cost.FIGURES,
    *growth.FIGURES,
    *workers.FIGURES,
    *simulator.FIGURES,
    *startup.FIGURES,
)


def main(arguments: list[str]) -> None:
    """Measure, print a row for each figure as it comes, and write all of them down if asked to."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # as Ctrl-C: what was started is ended
    chosen = [figure for figure in FIGURES if options.only in figure.name]
    rows = [_measured(figure, quick=options.quick) for figure in chosen]
    if options.write:
        text = with_table(DOCUMENT.read_text("utf-8"), machine(quick=options.quick), rows)
        DOCUMENT.write_text(text, "utf-8")


def _measured(figure: Figure, *, quick: bool) -> str:
    began = time.perf_counter()
    line = row(figure, figure.measure(quick))
    sys.stdout.write(f"{line}  ({time.perf_counter() - began:.0f} s)\n")
    sys.stdout.flush()
    return line


def _options(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer and smaller rounds, and a twentieth of the rows: less than half the time",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="the figures with this text in their name")
    parser.add_argument("--write", action="store_true", help="write the table of docs/performance.md")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("--write is for the whole table, and --only measures a part of it")
    return options


if __name__ == "__main__":
    main(sys.argv[1:])
