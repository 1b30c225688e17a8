"""The names of a body beside those that the simulator would send."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sender_sim.compare.model import Difference

__all__ = ["differences"]


def differences(kaisa: Sequence[str], simulator: Sequence[str], change: str) -> Iterator[Difference]:
    """Names that are missing, that nobody expects, that come twice or in another order."""
    if missing := tuple(name for name in simulator if name not in kaisa):
        yield Difference("missing names", "not there", "sent, empty where there is no value", change, missing)
    if unexpected := tuple(dict.fromkeys(name for name in kaisa if name not in simulator)):
        yield Difference("names that are not expected", "sent", "not sent", change, unexpected)
    if twice := tuple(name for name, times in Counter(kaisa).items() if times > 1):
        yield Difference("names that are repeated", "sent more than once", "sent once", where=twice)
    common = [name for name in dict.fromkeys(kaisa) if name in simulator]
    expected = [name for name in simulator if name in common]
    if common != expected:
        yield Difference("order of the names", ", ".join(common), ", ".join(expected), change)
