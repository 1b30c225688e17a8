"""kill -9 of a web worker, of gunicorn's master and of the background worker, again and again, under load."""

from functools import partial
from typing import Final

from tests.chaos.load import Load
from tests.chaos.outcome import Outcome
from tests.chaos.supervised import VICTIMS

__all__ = ["kills"]

# Between two kills so many deliveries, at most, get through.
_MOST_BETWEEN: Final = 8


def kills(load: Load, *, seed: int, rounds: int) -> Outcome:
    """Kill one of each kind `rounds` times, in an order drawn by the load's seed, each at any moment of the load."""
    order = [victim for victim in VICTIMS for _ in range(rounds)]
    load.random.shuffle(order)
    for victim in order:
        load.until_delivered(
            load.random.randint(1, _MOST_BETWEEN), then=partial(load.receiver.kill, victim, load.random)
        )
    load.finish()
    return load.outcome("kill -9", seed, {f"kills of a {victim}": order.count(victim) for victim in VICTIMS})
