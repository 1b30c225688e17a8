"""A captured request of Kaisa beside what the simulator would send with the same settings. Pure."""
