"""Hundreds of slow connections, and whoever is not slow is answered in time."""

import selectors
import socket
import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

from receiver import wire
from tests.acceptance.deployment import Deployment
from tests.calls import FORM, POST_CALL, form
from tests.chaos.outcome import Outcome

__all__ = ["slow_clients"]

_HEAD: Final = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
# What they begin with, and the drip that goes on: headers, a body, chunks, nothing more.
_KINDS: Final = (
    (_HEAD + b"X-Slow: ", b"x"),
    (_HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    (b"P", b""),
)
# Each of them sends so often; between two good requests passes so long.
_DRIP: Final = 0.5
_PAUSE: Final = 0.1


@dataclass
class _Crowd:
    """Slow clients; whoever is cut off comes again at once."""

    port: int
    size: int
    random: Random
    came: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            try:
                while not self.over.is_set():
                    while len(selector.get_map()) < self.size:
                        self._come(selector)
                    until = time.monotonic() + _DRIP
                    while (left := until - time.monotonic()) > 0:
                        for key, _ in selector.select(left):
                            self._read(selector, key)
                    for key in list(selector.get_map().values()):
                        with suppress(OSError):  # cut off: read next
                            key.fileobj.send(key.data)  # type: ignore[union-attr]  # a socket
            finally:
                for key in list(selector.get_map().values()):
                    key.fileobj.close()  # type: ignore[union-attr]

    def _come(self, selector: selectors.BaseSelector) -> None:
        first, drip = self.random.choice(_KINDS)
        client = socket.create_connection(("localhost", self.port), timeout=20)
        client.sendall(first)
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ, drip)
        self.came += 1

    @staticmethod
    def _read(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        client = key.fileobj
        assert isinstance(client, socket.socket)
        try:
            ended = not client.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            selector.unregister(client)
            client.close()


def slow_clients(deployment: Deployment, *, seed: int, connections: int, seconds: float) -> Outcome:
    """So many slow connections at a time for so long, while good requests come one after the other."""
    crowd = _Crowd(deployment.port, connections, Random(seed))
    dripping = threading.Thread(target=crowd.run)
    dripping.start()
    taken: list[float] = []
    findings: list[str] = []
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until and len(findings) < 3:
            began = time.monotonic()
            try:
                deployment.request("/webhook", form({**POST_CALL, "id": f"call-{len(taken)}"}), FORM)
            except OSError as error:
                findings.append(f"after {time.monotonic() - began:.1f} s: {error}")
            else:
                taken.append(time.monotonic() - began)
            crowd.over.wait(_PAUSE)
    finally:
        crowd.over.set()
        dripping.join(30)
    if late := [each for each in taken if each > wire.ATTEMPT_TIMEOUT.total_seconds()]:
        findings.append(f"{len(late)} good requests took longer than Kaisa waits")
    figures = {
        "slow connections at a time": connections,
        "seconds": round(seconds),
        "slow connections in all": crowd.came,
        "good requests answered": len(taken),
        "ms at the median": round(statistics.median(taken or [0]) * 1000),
        "ms at the longest": round(max(taken, default=0) * 1000),
    }
    return Outcome(what="slow connections", seed=seed, figures=figures, findings=tuple(findings))
