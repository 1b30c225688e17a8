"""Both programs: what the simulator sends, the receiver takes."""
