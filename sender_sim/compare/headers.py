"""The headers of a request beside those that the simulator sends; what the connection decides is left out."""

from collections.abc import Iterator, Mapping
from typing import Final

from sender_sim.compare.capture import Captured
from sender_sim.compare.model import Difference

__all__ = ["added_on_the_way", "differences", "names_itself"]

# One connection's own, or another version of HTTP's.
_CONNECTION: Final = frozenset(
    ("host", "content-length", "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")
)
_PSEUDO: Final = ":"
# The simulator does not pass itself off as Kaisa.
_NAME: Final = "user-agent"
# What proxies, load balancers and tunnels in front of an endpoint add; Kaisa cannot be told by it.
_PROXIES: Final = (
    "forwarded",
    "via",
    "x-forwarded-",
    "x-real-ip",
    "x-request-id",
    "x-amzn-",
    "x-cloud-trace-context",
    "x-envoy-",
    "cf-",
    "cdn-loop",
    "true-client-ip",
    "traceparent",
    "tracestate",
)


def differences(captured: Captured, simulator: Mapping[str, str]) -> Iterator[Difference]:
    """Headers that have another value, that the simulator does not send, and that Kaisa does not."""
    sent = {name.lower(): value for name, value in captured.headers}
    ours = {name.lower(): value for name, value in simulator.items()}
    names = {name.lower(): name for name in (*(name for name, _ in captured.headers), *simulator)}
    for name, spelt in names.items():
        if _is_ours_to_judge(name) and sent.get(name) != ours.get(name):
            yield Difference(f"header {spelt}", sent.get(name, "not sent"), ours.get(name, "not sent"))


def added_on_the_way(captured: Captured) -> tuple[str, ...]:
    """The headers that look like a proxy's."""
    return tuple(name for name, _ in captured.headers if name.lower().startswith(_PROXIES))


def names_itself(captured: Captured, simulator: Mapping[str, str]) -> str | None:
    """What the sender of the request calls itself; None: as the simulator does, or nothing."""
    ours = {name.lower(): value for name, value in simulator.items()}
    name = captured.header(_NAME)
    return name if name and name != ours.get(_NAME) else None


def _is_ours_to_judge(name: str) -> bool:
    return name != _NAME and name not in _CONNECTION and not name.startswith((_PSEUDO, *_PROXIES))
