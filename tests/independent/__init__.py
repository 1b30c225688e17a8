"""Receivers that are not ours and not Python: what we sign they accept, what we encode they read."""
