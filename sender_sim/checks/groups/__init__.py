"""The checks, one group a module."""
