"""Kaisa's sending side for the tests of any project (docs/pytest.md): the fixture `kaisa_sender` makes a Sender."""

from sender_sim.testing.fields import Faults, Fields, Settings
from sender_sim.testing.result import Attempt, Result
from sender_sim.testing.sender import Sender, open_sender

__all__ = ["Attempt", "Faults", "Fields", "Result", "Sender", "Settings", "open_sender"]
