"""Chance that does not depend on the order in which attempts run: each is drawn from its own name."""

import random
from collections.abc import Sequence
from datetime import datetime

from sender_sim.core.faults import Chance, Rule, fault_of
from sender_sim.faults.transport import Plan

__all__ = ["chance", "plan"]


def chance(seed: int) -> Chance:
    """Numbers by name; another seed gives others."""
    # surrogatepass: a call's id may hold anything
    return lambda name: random.Random(f"{seed}/{name}".encode("utf-8", "surrogatepass")).random()  # noqa: S311 - no secret


def plan(rules: Sequence[Rule], start: datetime, seed: int) -> Plan:
    """Which attempt meets which fault, in a run that begins at `start`."""
    drawn = chance(seed)
    return lambda attempt: fault_of(rules, attempt, start, drawn)
