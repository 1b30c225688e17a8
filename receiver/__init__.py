"""A receiver for Kaisa's webhooks. Edit `handlers.py`; everything else works as it is."""

__version__ = "0.1.0"
