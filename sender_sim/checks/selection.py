"""Which checks are run: by id or by group, or all but some."""

from collections.abc import Collection, Sequence

from sender_sim.checks.model import Check
from sender_sim.reading import SettingsError, near_miss

__all__ = ["select"]


def select(checks: Sequence[Check], only: Collection[str] = (), skip: Collection[str] = ()) -> tuple[Check, ...]:
    """The checks whose id or group is in `only` (or all, if that is empty) and not in `skip`.

    Raises SettingsError with every name of no check and no group, and where no check is left.
    """
    known = sorted({name for check in checks for name in _names(check)})
    problems = [
        f"{flag}: {name!r} is no check and no group; {near_miss(name, known)}"
        for flag, names in (("--only", only), ("--skip", skip))
        for name in names
        if name not in known
    ]
    selected = tuple(
        check for check in checks if (not only or _names(check) & set(only)) and not _names(check) & set(skip)
    )
    if not (selected or problems):
        problems = ["--only, --skip: leave no check to run"]
    if problems:
        raise SettingsError(problems)
    return selected


def _names(check: Check) -> set[str]:
    return {check.id, check.group}
