"""A receiver under load while something befalls it, and the account of it afterwards."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos.account import Account, let_leases_lapse
from tests.chaos.outcome import Outcome
from tests.chaos.sending import Sending
from tests.chaos.supervised import HANDLERS, Supervised
from tests.database import sql
from tests.openssl import KeyPair

__all__ = ["Load", "loaded"]

_LOOK: Final = 0.05
# No wait is longer than so many looks.
_LOOKS: Final = 2400


@dataclass
class Load:
    """Waves of calls, one after the other, for as long as it is looked at."""

    receiver: Supervised
    url: str
    key: Path
    random: Random
    calls: int  # in each wave
    at_once: int = 1  # so many simulators send the very same wave
    waves: list[Sending] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        return sum(wave.delivered for wave in self.waves)

    def until_delivered(self, more: int, then: Callable[[], bool] = lambda: True) -> None:
        """Send until so many more deliveries got through and something, tried again and again, was done."""
        wanted = self.delivered + more
        for _ in range(_LOOKS):
            self._look()
            if all(wave.over for wave in self.waves):
                self._send()
            if self.delivered >= wanted and then():
                return
        raise AssertionError(f"nothing gets through:\n{self.receiver.output[-5000:]}")

    def finish(self) -> None:
        """Until the simulator has nothing to send and the background nothing to do."""
        for _ in range(_LOOKS):
            self._look()
            over = all(wave.over for wave in self.waves)
            if over and set(self.receiver.noted("booked")) >= set(self.receiver.noted("handled")):
                return

    def _look(self) -> None:
        """A moment passes: the platform looks after its processes, and time after its leases."""
        time.sleep(_LOOK)
        self.receiver.tend()
        let_leases_lapse(self.url)

    def _send(self) -> None:
        seed = self.random.randrange(1_000_000)
        for _ in range(self.at_once):
            stream = self.receiver.folder / f"wave-{len(self.waves)}.jsonl"
            alike = self.at_once > 1
            self.waves.append(Sending(self.receiver.webhook, self.key, seed, self.calls, stream, alike))

    def outcome(self, what: str, seed: int, befell: Mapping[str, int]) -> Outcome:
        """What came of it, when it is finished."""
        answered = {delivery: append for wave in self.waves for delivery, append in wave.answered().items()}
        account = Account.of(answered, self.url, self.receiver)
        attempts = sum((wave.outcomes() for wave in self.waves), Counter[str]())
        figures = {
            **befell,
            "deliveries answered 200": len(answered),
            "attempts": attempts.total(),
            "of them cut off": attempts["none"],
            "of them 503": attempts["503"],
            "handlers run once more": account.repeated,
            "background handlers run once more": account.repeated_in_the_background,
        }
        findings = (*account.findings(), *self._findings(attempts))
        return Outcome(what=f"{what}, {self._database}", seed=seed, figures=figures, findings=findings)

    @property
    def _database(self) -> str:
        return "SQLite" if self.url.startswith("sqlite") else "PostgreSQL"

    def _findings(self, attempts: Counter[str]) -> Iterator[str]:
        for wave in self.waves:
            yield from wave.problems()
        if strange := attempts.keys() - {"200", "503", "none"}:
            yield f"answered {', '.join(sorted(strange))}"
        if "internal error" in self.receiver.output:
            yield "an internal error is in the log"
        if self._database == "SQLite" and sql(self.url, "PRAGMA integrity_check") != [("ok",)]:
            yield "the database file is damaged"


@contextmanager
def loaded(
    folder: Path, port: int, url: str, key: KeyPair, *, seed: int, calls: int, at_once: int = 1
) -> Iterator[Load]:
    """The template in `folder`, its database at `url`, under load until the end of the block."""
    (folder / "receiver" / "handlers.py").write_text(HANDLERS)
    settings = {"DATABASE_URL": url, "KAISA_TRUSTED_KEYS": str(key.public), "WEB_CONCURRENCY": "2"}
    receiver = Supervised(folder, port, settings)
    load = Load(receiver, url, key.private, Random(seed), calls, at_once)
    try:
        yield load
    finally:
        for wave in load.waves:
            wave.stop()
        receiver.stop()
