"""The sender without I/O: clock, randomness and transport are passed in."""
