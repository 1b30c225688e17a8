"""Listeners of the one event stream."""
