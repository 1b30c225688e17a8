"""What starting takes: CPU of a fresh interpreter that imports the receiver, or prints the simulator's help."""

import resource
import subprocess
import sys
from functools import partial
from typing import Final

from tests.benchmarks.figure import Figure, Measured, ratios

__all__ = ["FIGURES"]

_TIMES: Final = 3


def _python(*arguments: str) -> float:
    """CPU milliseconds of `python ARGUMENTS`, the least of a few."""
    return min(_once(arguments) for _ in range(_TIMES))


def _once(arguments: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def _compare(quick: bool, *, ours: tuple[str, ...], theirs: tuple[str, ...]) -> Measured:
    ratio, (one, other) = ratios(partial(_python, *ours), partial(_python, *theirs), quick=quick)
    return Measured(ratio, f"{one:.0f} and {other:.0f} ms of CPU")


_RSA: Final = "cryptography.hazmat.primitives.asymmetric"
_RECEIVER: Final = ("-c", "import receiver.app")

FIGURES: Final = (
    Figure(
        name="start: import receiver.app / import flask, sqlalchemy, marshmallow, cryptography",
        measure=partial(_compare, ours=_RECEIVER, theirs=("-c", "import flask, sqlalchemy, marshmallow, cryptography")),
        at_most=1.2,
    ),
    Figure(
        name="start: import receiver.app / the parts of them it uses, phonenumbers and structlog",
        measure=partial(
            _compare,
            ours=_RECEIVER,
            theirs=(
                "-c",
                f"import flask, sqlalchemy, marshmallow, phonenumbers, structlog, cryptography.x509, {_RSA}.rsa",
            ),
        ),
        at_most=1.2,
    ),
    Figure(
        name="start: sender-sim --help / import click",
        measure=partial(_compare, ours=("-m", "sender_sim", "--help"), theirs=("-c", "import click")),
        at_most=1.5,
    ),
)
