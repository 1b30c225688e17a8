"""All checks, in the order they are run and shown."""

from typing import Final

from sender_sim.checks.groups import answer, connection, events
from sender_sim.checks.model import Check
from sender_sim.checks.register import Group

__all__ = ["CHECKS", "GROUPS"]

GROUPS: Final[tuple[Group, ...]] = (connection.GROUP, answer.GROUP, events.GROUP)
CHECKS: Final[tuple[Check, ...]] = tuple(check for group in GROUPS for check in group.checks)
