"""How often a password may be tried. Who is over it is told when to come again: no thread waits for anybody."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["Budget", "Throttle"]

# Addresses that are remembered; with more the longest known is forgotten, and the budget of all together holds.
_REMEMBERED: Final = 1_000
# Of one IPv6 network an attacker has every address.
_IPV6_NETWORK: Final = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """`burst` tries at once, and one more each `seconds`."""

    burst: int
    seconds: float

    def wait(self, due: float, now: float) -> float:
        """How long until another try; 0: now. `due`: when all tries so far would have come at that pace."""
        return max(0.0, due - now - (self.burst - 1) * self.seconds)

    def after(self, due: float, now: float) -> float:
        """The same moment once another try was made."""
        return max(due, now) + self.seconds


# A person who mistypes notices neither. A million guesses take eleven days, from however many addresses.
_EACH: Final = Budget(burst=5, seconds=30)
_TOGETHER: Final = Budget(burst=60, seconds=1)


class Throttle:
    """The tries of one process: for each address, and for all together."""

    def __init__(
        self, *, each: Budget = _EACH, together: Budget = _TOGETHER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each = each
        self._together = together
        self._clock = clock
        self._lock = threading.Lock()
        self._due: OrderedDict[str, float] = OrderedDict()
        self._due_together = 0.0

    def take(self, address: str | None) -> float:
        """Take a try. 0: it may be made; else how many seconds to wait, and none was taken."""
        name = _network(address)
        with self._lock:
            now, due = self._clock(), self._due.get(name, 0.0)
            wait = max(self._each.wait(due, now), self._together.wait(self._due_together, now))
            if not wait:
                self._due[name] = self._each.after(due, now)
                self._due.move_to_end(name)
                self._due_together = self._together.after(self._due_together, now)
                while len(self._due) > _REMEMBERED:
                    self._due.popitem(last=False)
            return wait

    def forgive(self, address: str | None) -> None:
        """The password was right: the tries before it count no more."""
        with self._lock:
            self._due.pop(_network(address), None)


def _network(address: str | None) -> str:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed)
