"""Which checks are run: by id or by group, all but some, or those that were broken the last time."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

from sender_sim.checks.model import Check

__all__ = ["UnknownNames", "near", "select"]


class UnknownNames(ValueError):
    """Names of no check and no group; the message holds all of them, with what may be meant."""


def select(checks: Sequence[Check], only: Collection[str] = (), skip: Collection[str] = ()) -> tuple[Check, ...]:
    """The checks whose id or group is in `only` (or all, if that is empty) and not in `skip`. Raises UnknownNames."""
    known = {name for check in checks for name in _names(check)}
    if unknown := [near(name, known) for name in (*only, *skip) if name not in known]:
        raise UnknownNames("\n".join(unknown))
    return tuple(check for check in checks if (not only or _names(check) & set(only)) and not _names(check) & set(skip))


def near(name: str, known: Iterable[str]) -> str:
    """That a name is not known, and which one may be meant."""
    close = get_close_matches(name, sorted(known), n=1)
    return f"{name!r} is no check: " + (f"did you mean {close[0]}?" if close else "--list lists them")


def _names(check: Check) -> set[str]:
    return {check.id, check.group}
