"""What goes wrong between sender and endpoint: read from flags and files, decided for each attempt, done to it."""

from sender_sim.faults.chance import plan
from sender_sim.faults.rules import from_flags, from_table
from sender_sim.faults.tampering import can_be_tampered
from sender_sim.faults.transport import Faulty, Plan
from sender_sim.faults.unmet import Unmet

__all__ = ["Faulty", "Plan", "Unmet", "can_be_tampered", "from_flags", "from_table", "plan"]
