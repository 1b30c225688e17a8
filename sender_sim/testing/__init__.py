"""Kaisa's sending side for the tests of any project (docs/pytest.md); the fixture `kaisa_sender` is an OpenSender."""

from sender_sim.testing.fields import Faults, Fields, Options
from sender_sim.testing.opening import OpenSender, open_sender
from sender_sim.testing.result import Attempt, Result
from sender_sim.testing.sender import Sender

__all__ = ["Attempt", "Faults", "Fields", "OpenSender", "Options", "Result", "Sender", "open_sender"]
