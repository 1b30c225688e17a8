"""The simulator in a process of its own, sending with retries on; and what it was answered."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SPEED", "Sending"]

# Half an hour between two attempts passes in a second, seven days in less than six minutes.
SPEED = 1800


@dataclass
class Sending:
    """One `sender-sim run` of made-up calls, signed with a key.

    `alike`: another of the same seed sends the very same, down to the second a call began in. That is so on the virtual
    clock alone; there a busy receiver is given time before it is asked again.
    """

    url: str
    key: Path
    seed: int
    calls: int
    stream: Path  # where its events go
    alike: bool = False
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        options = ["--allow-http", "--pre-call", "--sign", str(self.key), "--format", "json"]
        clock = ["--breath", "0.5"] if self.alike else ["--clock", f"x{SPEED}"]
        figures = ["--calls", str(self.calls), "--seed", str(self.seed), "--concurrency", "40", *clock]
        with self.stream.open("wb") as stream:
            command = [sys.executable, "-m", "sender_sim", "run", self.url, *options, *figures]
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    @property
    def delivered(self) -> int:
        """How many deliveries have got their 200 so far."""
        return self.stream.read_bytes().count(b'{"event": "Delivered"')

    def events(self, kind: str) -> Iterator[dict[str, Any]]:
        """The events of a kind, in order."""
        for line in self.stream.read_text("utf-8").splitlines():
            event = json.loads(line)
            if event["event"] == kind:
                yield event

    def answered(self) -> dict[str, str | None]:
        """Deliveries that got a 200, `<call>/<event type>`, with the text that was to be saved with the call."""
        appends = {event["delivery"]: event["append"] for event in self.events("AppendSaved")}
        return {
            event["delivery"]: appends.get(event["delivery"])
            for event in self.events("AttemptEnded")
            if event["success"]
        }

    def outcomes(self) -> Counter[str]:
        """How the attempts ended: by status, or `none` where no answer came."""
        return Counter(str(event["status"] or "none") for event in self.events("AttemptEnded"))

    def problems(self) -> Iterator[str]:
        """What the simulator itself has to say against the receiver."""
        for event in self.events("GivenUp"):
            yield f"the simulator gave up on {event['delivery']}: {event['reason']}"
        for event in self.events("ContractViolated"):
            yield f"{event['delivery']} was answered against {event['rule']}: {event['what']}"
        if self.process.returncode not in (0, 1):
            yield f"the simulator ended with {self.process.returncode}"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
