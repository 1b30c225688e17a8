"""Scenarios: named situations, each a small file that anyone can write. This folder holds those that are shipped."""

from sender_sim.scenarios.library import found, shipped
from sender_sim.scenarios.model import Scenario
from sender_sim.scenarios.situation import Situation, situation

__all__ = ["Scenario", "Situation", "found", "shipped", "situation"]
