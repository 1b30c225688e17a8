"""All checks, in the order they are run and shown."""

from typing import Final

from sender_sim.checks.groups import (
    answer,
    append,
    connection,
    encodings,
    events,
    refusals,
    repeats,
    robust,
    signed,
    text,
    values,
)
from sender_sim.checks.model import Check
from sender_sim.checks.register import Group

__all__ = ["CHECKS", "GROUPS"]

GROUPS: Final[tuple[Group, ...]] = (
    connection.GROUP,
    answer.GROUP,
    encodings.GROUP,
    events.GROUP,
    values.GROUP,
    text.GROUP,
    append.GROUP,
    signed.GROUP,
    repeats.GROUP,
    refusals.GROUP,
    robust.GROUP,
)
CHECKS: Final[tuple[Check, ...]] = tuple(check for group in GROUPS for check in group.checks)
