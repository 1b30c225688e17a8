"""Kaisa's Setup screen, with the calls and the clock in the hands of whoever tests: `sender-sim console`."""
