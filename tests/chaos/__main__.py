"""`make chaos`: every experiment at length, and the table of what came of them in docs/resilience.md.

    python -m tests.chaos [--seed N] [--only NAME] [--share N]

Each draws its choices from the seed, which is printed first. `--only` repeats one of them, and replaces its row.
`--share 10` does a tenth of everything, to see that it runs, and writes nothing. Exit code 1: something was found.
"""

import os
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from receiver import build
from tests import openssl, postgres
from tests.acceptance.deployment import Deployment, copy_out
from tests.chaos import mutated
from tests.chaos.guided import guided
from tests.chaos.kills import kills
from tests.chaos.load import Load, loaded
from tests.chaos.outages import full_disk, restarts, two_simulators
from tests.chaos.outcome import Outcome
from tests.chaos.slow import slow_clients
from tests.chaos.table import PAGE, replaced, write
from tests.conftest import unused_port

_CALLS: Final = 300


@dataclass(frozen=True)
class Bench:
    """What experiments are given: a folder of their own, a key, a seed, and the share of the whole they are to do."""

    folder: Path
    key: openssl.KeyPair
    seed: int
    share: int

    def of(self, whole: int) -> int:
        return max(1, whole // self.share)

    @contextmanager
    def load(self, url: str | None = None, *, at_once: int = 1) -> Iterator[Load]:
        """The template on a database, SQLite if none is given."""
        folder = copy_out(self.folder)
        where = url or f"sqlite:///{folder / 'inbox.sqlite3'}"
        calls = self.of(_CALLS)
        with loaded(folder, unused_port(), where, self.key, seed=self.seed, calls=calls, at_once=at_once) as load:
            yield load

    @contextmanager
    def server(self) -> Iterator[tuple[postgres.Postgres, str]]:
        """A PostgreSQL that syncs to disk, and a database in it."""
        with postgres.server(fsync=True) as running:
            url = running.create_database()
            build.migrate(url, background=True)
            yield running, url

    @contextmanager
    def deployment(self, **settings: str) -> Iterator[Deployment]:
        deployment = Deployment(copy_out(self.folder), unused_port(), settings)
        try:
            yield deployment.until_ready()
        finally:
            deployment.stop()


def _kills_on_sqlite(bench: Bench) -> Outcome:
    with bench.load() as load:
        return kills(load, seed=bench.seed, rounds=bench.of(34))


def _kills_on_postgresql(bench: Bench) -> Outcome:
    with bench.server() as (_, url), bench.load(url) as load:
        return kills(load, seed=bench.seed, rounds=bench.of(34))


def _restarts(bench: Bench) -> Outcome:
    with bench.server() as (server, url), bench.load(url) as load:
        return restarts(load, server, seed=bench.seed, times=bench.of(20))


def _full_disk(bench: Bench) -> Outcome:
    with bench.load() as load:
        return full_disk(load, seed=bench.seed, times=bench.of(20))


def _two_simulators_on_sqlite(bench: Bench) -> Outcome:
    with bench.load(at_once=2) as load:
        return two_simulators(load, seed=bench.seed, deliveries=1)


def _two_simulators_on_postgresql(bench: Bench) -> Outcome:
    with bench.server() as (_, url), bench.load(url, at_once=2) as load:
        return two_simulators(load, seed=bench.seed, deliveries=1)


def _slow_clients(bench: Bench) -> Outcome:
    with bench.deployment(KAISA_ACCEPT_UNSIGNED="true") as deployment:
        return slow_clients(deployment, seed=bench.seed, connections=300, seconds=bench.of(30))


def _in_the_decoder(bench: Bench) -> Outcome:
    return mutated.in_the_decoder(bench.key, seed=bench.seed, requests=bench.of(1_000_000))


def _in_the_application(bench: Bench) -> Outcome:
    # Its log, a line for each request, is written as ever, and nowhere.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        return mutated.in_the_application(
            bench.key, bench.folder, seed=bench.seed, requests=bench.of(20_000), pages=bench.of(500)
        )


def _over_the_wire(bench: Bench) -> Outcome:
    with bench.deployment(KAISA_TRUSTED_KEYS=str(bench.key.public)) as deployment:
        return mutated.over_the_wire(bench.key, deployment, seed=bench.seed, requests=bench.of(10_000))


def _guided(bench: Bench) -> Outcome:
    return guided(bench.key, bench.folder, seed=bench.seed, requests=bench.of(500_000))


EXPERIMENTS: Final[dict[str, Callable[[Bench], Outcome]]] = {
    "kills-sqlite": _kills_on_sqlite,
    "kills-postgresql": _kills_on_postgresql,
    "restarts": _restarts,
    "full-disk": _full_disk,
    "two-simulators-sqlite": _two_simulators_on_sqlite,
    "two-simulators-postgresql": _two_simulators_on_postgresql,
    "slow-clients": _slow_clients,
    "decoder": _in_the_decoder,
    "application": _in_the_application,
    "wire": _over_the_wire,
    "guided": _guided,
}


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    _say(f"seed {options.seed}")
    began, outcomes = time.monotonic(), []
    for name in [options.only] if options.only else EXPERIMENTS:
        with tempfile.TemporaryDirectory(prefix=f"chaos-{name}-") as folder:
            key = openssl.rsa(Path(folder), "kaisa")
            (Path(folder) / "deployed").mkdir()
            started = time.monotonic()
            outcome = EXPERIMENTS[name](Bench(Path(folder) / "deployed", key, options.seed, options.share))
        outcomes.append(outcome)
        _say(f"{name}, {time.monotonic() - started:.0f} s: {outcome}")
    if options.share == 1 and options.only:
        PAGE.write_text(replaced(PAGE.read_text("utf-8"), outcomes[0]), "utf-8")
    elif options.share == 1:
        write(outcomes, minutes=(time.monotonic() - began) / 60)
    return 1 if any(outcome.findings for outcome in outcomes) else 0


def _options(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=Random().randrange(1_000_000))
    parser.add_argument("--only", choices=EXPERIMENTS)
    parser.add_argument("--share", type=int, default=1)
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
