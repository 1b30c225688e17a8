"""kill -9 of a web worker, of gunicorn's master and of the background worker, again and again, under load."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos.account import Account, let_leases_lapse
from tests.chaos.outcome import Outcome
from tests.chaos.sending import Sending
from tests.chaos.supervised import HANDLERS, VICTIMS, Supervised, Victim
from tests.database import sql
from tests.openssl import KeyPair

__all__ = ["kills"]

_LOOK: Final = 0.05
# No wait is longer than so many looks.
_LOOKS: Final = 2400
# Between two kills so many deliveries, at most, get through.
_MOST_BETWEEN: Final = 8


@dataclass
class _Experiment:
    receiver: Supervised
    url: str
    key: Path
    random: Random
    calls: int  # in each wave
    waves: list[Sending] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def look(self) -> None:
        """A moment passes: the platform looks after its processes, time after its leases, and there is load."""
        time.sleep(_LOOK)
        self.receiver.tend()
        let_leases_lapse(self.url)
        if not self.waves or self.waves[-1].over:
            self.send()

    def send(self) -> None:
        number = len(self.waves)
        stream = self.receiver.folder / f"wave-{number}.jsonl"
        seed = self.random.randrange(1_000_000)
        self.waves.append(Sending(self.receiver.webhook, self.key, seed, self.calls, stream))

    @property
    def delivered(self) -> int:
        return sum(wave.delivered for wave in self.waves)

    def kill(self, victim: Victim) -> None:
        """Once the load goes through again, at any moment."""
        wanted = self.delivered + self.random.randint(1, _MOST_BETWEEN)
        for _ in range(_LOOKS):
            self.look()
            if self.delivered >= wanted and self.receiver.kill(victim, self.random):
                self.killed[victim] += 1
                return
        raise AssertionError(f"nothing was delivered, or there is no {victim}:\n{self.receiver.output[-5000:]}")

    def finish(self) -> None:
        """Until the simulator has nothing to send and the background nothing to do."""
        for _ in range(_LOOKS):
            time.sleep(_LOOK)
            self.receiver.tend()
            let_leases_lapse(self.url)
            if self.waves[-1].over and set(self.receiver.noted("booked")) >= set(self.receiver.noted("handled")):
                return

    def answered(self) -> dict[str, str | None]:
        return {delivery: append for wave in self.waves for delivery, append in wave.answered().items()}


def kills(receiver_in: Path, port: int, url: str, key: KeyPair, *, seed: int, rounds: int, calls: int) -> Outcome:
    """Kill one of each kind `rounds` times, in an order drawn by the seed, while waves of `calls` calls are sent."""
    random = Random(seed)
    (receiver_in / "receiver" / "handlers.py").write_text(HANDLERS)
    settings = {"DATABASE_URL": url, "KAISA_TRUSTED_KEYS": str(key.public), "WEB_CONCURRENCY": "2"}
    receiver = Supervised(receiver_in, port, settings)
    experiment = _Experiment(receiver, url, key.private, random, calls)
    order = [victim for victim in VICTIMS for _ in range(rounds)]
    random.shuffle(order)
    try:
        for victim in order:
            experiment.kill(victim)
        experiment.finish()
        return _outcome(experiment, seed)
    finally:
        for wave in experiment.waves:
            wave.stop()
        receiver.stop()


def _outcome(experiment: _Experiment, seed: int) -> Outcome:
    account = Account.of(experiment.answered(), experiment.url, experiment.receiver)
    attempts = sum((wave.outcomes() for wave in experiment.waves), Counter[str]())
    findings = [*account.findings(), *(problem for wave in experiment.waves for problem in wave.problems())]
    if strange := attempts.keys() - {"200", "503", "none"}:
        findings.append(f"answered {', '.join(sorted(strange))}")
    if "internal error" in experiment.receiver.output:
        findings.append("an internal error is in the log")
    if experiment.url.startswith("sqlite") and sql(experiment.url, "PRAGMA integrity_check") != [("ok",)]:
        findings.append("the database file is damaged")
    figures: dict[str, int | float] = {
        **{f"kills of a {victim}": number for victim, number in sorted(experiment.killed.items())},
        "deliveries answered 200": len(account.answered),
        "attempts": attempts.total(),
        "of them cut off": attempts["none"],
        "of them 503": attempts["503"],
        "handlers run once more": account.repeated,
        "background handlers run once more": account.repeated_in_the_background,
    }
    kind = "SQLite" if experiment.url.startswith("sqlite") else "PostgreSQL"
    return Outcome(what=f"kill -9 on {kind}", seed=seed, figures=figures, findings=tuple(findings))
